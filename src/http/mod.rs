//! Inbound HTTP: the router and what surrounds it. A handler takes in, calls one use case, answers.

mod accounts;
mod auth;
mod authorization;
mod catalogue;
mod client;
mod dates;
mod drain;
mod elements;
mod envelope;
mod error;
mod filter;
mod health;
mod hub;
mod idempotency;
mod instances;
mod json;
mod login;
mod oauth;
mod organizations;
mod path;
mod query;
mod request_id;
mod serve;
mod users;

use axum::Router;
use axum::middleware;
use axum::routing::{MethodRouter, get};
use tower_http::catch_panic::CatchPanicLayer;

use crate::app::App;
use crate::error::Error;

pub use path::NormalisePath;
pub use serve::serve;

/// How a route learns who calls; the walk over all routes in the tests reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Needs nothing and looks at nothing.
    Open,
    /// None is fine, a wrong one is refused.
    Optional,
    /// User and organization secret, or the token of a session.
    Platform,
    /// User secret and element token.
    Token,
    /// Address and password, in the body.
    Password,
    /// The cookie that the form of the log-in page gives.
    Cookie,
    /// For people's browsers: HTML and pictures. Needs nothing and looks at nothing.
    Page,
}

/// One route of the platform, as registered and as listed.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    pub method: &'static str,
    /// Pattern with `{name}` segments, from the root of the server.
    pub path: &'static str,
    pub access: Access,
}

struct Registered {
    route: Route,
    handler: MethodRouter<App>,
}

/// The one list of routes: the router is built from it, and so is [`routes`].
fn registered() -> Vec<Registered> {
    use Access::{Open, Optional, Platform};
    let mut list = Vec::new();
    let mut add = |method, path, access, handler: MethodRouter<App>| {
        let route = Route {
            method,
            path,
            access,
        };
        list.push(Registered { route, handler });
    };
    add("GET", "/health/live", Open, get(health::live));
    add("GET", "/health/ready", Open, get(health::ready));

    add(
        "GET",
        "/elements/api-v2/organizations/me",
        Platform,
        get(organizations::me),
    );
    add(
        "GET",
        "/elements/api-v2/accounts",
        Platform,
        get(accounts::list),
    );
    add(
        "GET",
        "/elements/api-v2/accounts/{id}",
        Platform,
        get(accounts::read),
    );
    add(
        "GET",
        "/elements/api-v2/accounts/instances",
        Platform,
        get(accounts::instances_of_default),
    );
    add(
        "GET",
        "/elements/api-v2/accounts/{id}/instances",
        Platform,
        get(accounts::instances),
    );
    add("GET", "/elements/api-v2/users", Platform, get(users::list));
    add(
        "GET",
        "/elements/api-v2/users/{emailOrId}",
        Platform,
        get(users::read),
    );

    add(
        "GET",
        "/elements/api-v2/elements",
        Optional,
        get(elements::list),
    );
    add(
        "GET",
        "/elements/api-v2/elements/keys",
        Optional,
        get(elements::keys),
    );
    add(
        "GET",
        "/elements/api-v2/elements/{keyOrId}",
        Optional,
        get(elements::read),
    );
    for (path, access, handler) in catalogue::routes() {
        add("GET", path, access, handler);
    }
    for (method, path, access, handler) in login::routes() {
        add(method, path, access, handler);
    }
    for (method, path, access, handler) in oauth::routes() {
        add(method, path, access, handler);
    }

    instances::register(&mut add);
    list
}

/// Every route of the platform; everything else under the base path is a hub call or 404.
pub fn routes() -> Vec<Route> {
    registered().into_iter().map(|entry| entry.route).collect()
}

/// The whole server as one service, ready to be served.
pub fn service(app: App) -> NormalisePath<Router> {
    let mut router = Router::new();
    for Registered { route, handler } in registered() {
        let handler = match route.access {
            Access::Page | Access::Cookie => handler,
            _ => handler.layer(middleware::from_fn(json::acceptable)),
        };
        router = router.route(route.path, handler);
    }
    let router = router
        .fallback(hub::anything_else)
        .method_not_allowed_fallback(hub::other_method)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(
            app.clone(),
            envelope::envelope,
        ))
        .with_state(app);
    NormalisePath(router)
}

/// A bug in one handler is one failed request, not a dropped connection. The panic hook has logged
/// where it happened.
fn panicked(_: Box<dyn std::any::Any + Send>) -> axum::response::Response {
    use axum::response::IntoResponse;
    Error::internal("a handler panicked").into_response()
}
