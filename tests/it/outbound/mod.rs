//! The HTTP client towards vendors, against servers that misbehave, and its guard against URLs
//! that do. Servers are reached through vendor routes, since nothing else leads to loopback.

mod endings;
mod limits;
mod refusals;
mod routes;
mod server;

use std::time::Duration;

use bunsen::outbound::{
    Destination, Outbound, SendError, Settings, VendorRoute, install_crypto_provider,
};
use bunsen_engine::element::HostRule;
use bunsen_engine::reply::VendorReply;
use bunsen_engine::request::VendorRequest;
use http::{HeaderMap, Method};
use server::Server;
use url::Url;

const PUBLIC: Destination<'static> = Destination {
    element: "crmdesk",
    hosts: &HostRule::Public,
    grants: &[],
};

fn get(url: &str) -> VendorRequest {
    VendorRequest {
        method: Method::GET,
        url: Url::parse(url).expect("a URL"),
        headers: HeaderMap::new(),
        body: bytes::Bytes::new(),
    }
}

fn route(pattern: &str, server: &Server) -> VendorRoute {
    VendorRoute::parse(&format!("{pattern}={}", server.origin())).expect("a route")
}

/// Every vendor host leads to the server; 64 KiB and 5 s are the limits.
fn routed_to(server: &Server) -> Settings {
    Settings {
        routes: vec![route("*", server)],
        body_limit: 64 * 1024,
        total_timeout: Duration::from_secs(5),
        ..Settings::default()
    }
}

fn outbound(settings: Settings) -> Outbound {
    install_crypto_provider();
    Outbound::new(settings).expect("settings")
}

async fn call(server: &Server) -> Result<VendorReply, SendError> {
    outbound(routed_to(server))
        .send(get("https://acme.vendor.example/"), &PUBLIC)
        .await
}

/// Waits for what must become true soon.
async fn eventually(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..500 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what} did not happen within 5 s");
}
