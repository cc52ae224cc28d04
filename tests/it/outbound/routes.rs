//! Vendor routes, and what a call looks like to the other end.

use bunsen::outbound::{Destination, Grant, Outbound, SendError, Settings, VendorRoute};
use bunsen_engine::element::HostRule;
use http::{HeaderValue, Method};
use url::Url;

use super::server::Server;
use super::{PUBLIC, get, outbound, route, routed_to};

const EMPTY: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

#[tokio::test]
async fn host_path_and_query_arrive_unchanged() {
    let server = Server::answering(EMPTY).await;
    let outbound = outbound(routed_to(&server));
    let paths = [
        ("https://acme.vendor.example/", "/", "acme.vendor.example"),
        (
            "https://acme.vendor.example:8443/api/v2/a%2Fb;c=1/?q=a%20b+c&q=%27x|y%27&e=",
            "/api/v2/a%2Fb;c=1/?q=a%20b+c&q=%27x|y%27&e=",
            "acme.vendor.example:8443",
        ),
        (
            "https://acme.vendor.example//x/?",
            "//x/?",
            "acme.vendor.example",
        ),
        (
            "https://acme.vendor.example/x#part",
            "/x",
            "acme.vendor.example",
        ),
    ];
    for (url, _, _) in paths {
        outbound.send(get(url), &PUBLIC).await.expect("a reply");
    }
    for (request, (_, path, host)) in server.requests().iter().zip(paths) {
        assert!(
            request.starts_with(&format!("GET {path} HTTP/1.1\r\n")),
            "{request}"
        );
        assert!(
            request.contains(&format!("\r\nhost: {host}\r\n")),
            "{request}"
        );
        assert_eq!(request.matches("host:").count(), 1, "{request}");
    }
    assert_eq!(server.requests().len(), paths.len());
    assert_eq!(server.connections(), 1, "connections are reused");
}

#[tokio::test]
async fn headers_of_the_connection_are_ours_and_all_others_the_callers() {
    let server = Server::answering(EMPTY).await;
    let mut request = get("https://acme.vendor.example/");
    request.method = Method::POST;
    request.body = "{}".into();
    for (name, value) in [
        ("host", "evil.example"),
        ("content-length", "1"),
        ("transfer-encoding", "chunked"),
        ("accept-encoding", "br"),
        ("connection", "upgrade, x-kept"),
        ("upgrade", "h2c"),
        ("te", "trailers"),
        ("expect", "100-continue"),
        ("proxy-authorization", "Basic evil"),
        ("x-kept", "yes"),
        ("authorization", "Basic kept"),
        ("accept", "application/json"),
    ] {
        request
            .headers
            .append(name, HeaderValue::from_static(value));
    }
    outbound(routed_to(&server))
        .send(request, &PUBLIC)
        .await
        .expect("a reply");
    let seen = server.requests().remove(0);
    let (head, body) = seen.split_once("\r\n\r\n").expect("a head");
    let mut headers: Vec<&str> = head.lines().skip(1).collect();
    headers.sort_unstable();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        headers,
        [
            "accept-encoding: gzip",
            "accept: application/json",
            "authorization: Basic kept",
            "content-length: 2",
            "host: acme.vendor.example",
            &format!("user-agent: bunsen/{version}"),
            "x-kept: yes",
        ]
    );
    assert_eq!(body, "{}");
}

#[tokio::test]
async fn a_call_without_a_body_says_so_where_servers_ask_for_it() {
    let server = Server::answering(EMPTY).await;
    let outbound = outbound(routed_to(&server));
    for method in [Method::GET, Method::POST, Method::DELETE] {
        let mut request = get("https://acme.vendor.example/");
        request.method = method;
        outbound.send(request, &PUBLIC).await.expect("a reply");
    }
    let requests = server.requests();
    let says_zero = |request: &String| request.contains("\r\ncontent-length: 0\r\n");
    assert_eq!(
        requests.iter().map(says_zero).collect::<Vec<_>>(),
        [false, true, false]
    );
    assert!(
        requests
            .iter()
            .all(|request| !request.contains("transfer-encoding"))
    );
}

#[tokio::test]
async fn the_first_route_that_matches_wins_and_the_sandbox_takes_the_rest() {
    let exact = Server::answering(EMPTY).await;
    let suffix = Server::answering(EMPTY).await;
    let sandbox = Server::answering(EMPTY).await;
    let outbound = outbound(Settings {
        routes: vec![
            route("api.vendor.example", &exact),
            route("*.Vendor.Example", &suffix),
            route("late.vendor.example", &exact),
        ],
        sandbox: Some(Url::parse(&sandbox.origin()).expect("a URL")),
        ..Settings::default()
    });
    for url in [
        "https://api.vendor.example/",
        "https://acme.vendor.example/",
        "https://late.vendor.example/",
        "https://x.api.vendor.example/",
        "https://vendor.example/",
        "https://evilvendor.example/",
        "https://other.example/",
    ] {
        outbound.send(get(url), &PUBLIC).await.expect("a reply");
    }
    let hosts = |server: &Server| -> Vec<String> {
        let host = |request: &String| {
            let line = request.lines().find(|line| line.starts_with("host: "));
            line.expect("a host")["host: ".len()..].to_owned()
        };
        server.requests().iter().map(host).collect()
    };
    assert_eq!(hosts(&exact), ["api.vendor.example"]);
    assert_eq!(
        hosts(&suffix),
        [
            "acme.vendor.example",
            "late.vendor.example",
            "x.api.vendor.example"
        ]
    );
    assert_eq!(
        hosts(&sandbox),
        ["vendor.example", "evilvendor.example", "other.example"]
    );
}

#[tokio::test]
async fn a_route_widens_nothing() {
    let server = Server::answering(EMPTY).await;
    let outbound = outbound(routed_to(&server));
    let hosts = HostRule::Suffixes(vec![".vendor.example".into()]);
    let grants = [Grant::parse("crm.corp.example:8443", None).expect("a grant")];
    let destination = Destination {
        element: "crmdesk",
        hosts: &hosts,
        grants: &grants,
    };
    for url in [
        "https://other.example/",
        "https://crm.corp.example:8443/",
        "https://acme.vendor.example:8443/",
        "https://127.0.0.1/",
        "https://vendor/",
        "http://acme.vendor.example/",
    ] {
        let outcome = outbound.send(get(url), &destination).await;
        assert!(matches!(outcome, Err(SendError::Refused(_))), "{url}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn methods_that_are_no_calls_are_refused() {
    let server = Server::answering(EMPTY).await;
    for method in [Method::CONNECT, Method::TRACE] {
        let mut request = get("https://acme.vendor.example/");
        request.method = method;
        let outcome = outbound(routed_to(&server)).send(request, &PUBLIC).await;
        assert!(matches!(outcome, Err(SendError::Refused(_))));
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn wrong_routes_name_the_flag_and_the_mistake() {
    for (text, expected) in [
        ("*.vendor.example", "expected PATTERN=URL"),
        ("=http://127.0.0.1:9", "the pattern must be"),
        ("vendor=http://127.0.0.1:9", "the pattern must be"),
        ("*vendor.example=http://127.0.0.1:9", "the pattern must be"),
        ("*.*.example=http://127.0.0.1:9", "the pattern must be"),
        ("127.0.0.1=http://127.0.0.1:9", "the pattern must be"),
        (
            "a.vendor.example:443=http://127.0.0.1:9",
            "the pattern must be",
        ),
        (
            "https://a.vendor.example=http://127.0.0.1:9",
            "the pattern must be",
        ),
        ("*=127.0.0.1:9", "the URL"),
        ("*=ftp://127.0.0.1", "must start with http"),
        ("*=http://u:marked@127.0.0.1", "user name or password"),
        ("*=http://127.0.0.1/marked", "must end after host and port"),
        ("*=http://127.0.0.1?marked", "must end after host and port"),
        ("*=http://127.0.0.1#marked", "must end after host and port"),
    ] {
        let wrong = VendorRoute::parse(text).expect_err(text);
        assert!(wrong.starts_with("--vendor-route"), "{wrong}");
        assert!(wrong.contains(expected), "{text}: {wrong}");
        assert!(!wrong.contains("marked"), "{wrong}");
    }
    for fine in [
        "*=http://127.0.0.1:9/",
        "*.example=https://gateway.corp:444",
    ] {
        assert!(VendorRoute::parse(fine).is_ok(), "{fine}");
    }
    let wrong = Outbound::new(Settings {
        sandbox: Some(Url::parse("http://127.0.0.1:9/marked").expect("a URL")),
        ..Settings::default()
    })
    .expect_err("a path");
    assert!(wrong.to_string().starts_with("--sandbox"), "{wrong}");
    assert!(!wrong.to_string().contains("marked"), "{wrong}");
}
