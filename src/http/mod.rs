//! Inbound HTTP: the router and what surrounds it. A handler takes in, calls one use case, answers.

mod accounts;
mod answering;
mod auth;
mod authorization;
mod called;
mod catalogue;
mod client;
mod connect;
mod connection;
mod dates;
mod description;
mod documents;
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
mod metrics;
mod notifications;
mod oauth;
mod organizations;
mod pace;
mod passthrough;
mod path;
mod query;
mod request_id;
mod serve;
mod tls;
mod usage;
mod users;

use axum::middleware;
use axum::routing::{MethodRouter, get};
use axum::{Extension, Router};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{Paths, RefOr};
use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::Error;
use crate::meters;

pub use client::Trusted;
pub use description::document as openapi;
pub use path::NormalisePath;
pub use serve::{Front, serve};
pub use tls::Tls;

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
    /// The same; what is answered then is the vendor's.
    Vendor,
    /// Address and password, in the body.
    Password,
    /// The cookie that the form of the log-in page gives.
    Cookie,
    /// Not JSON: HTML and pictures for people's browsers, text. Needs nothing and looks at nothing.
    Page,
    /// The same below a connect link, whose token is in the path: a page with 404 without it.
    Link,
}

/// One route of the platform, as registered and as listed.
#[derive(Debug, Clone)]
pub struct Route {
    pub method: &'static str,
    /// Pattern with `{name}` segments, from the root of the server.
    pub path: String,
    pub access: Access,
}

/// A handler under the methods and the one path that its description names.
struct Registered {
    routes: Vec<Route>,
    handler: MethodRouter<App>,
    paths: Paths,
    schemas: Vec<(String, RefOr<Schema>)>,
}

/// The one list of routes: the router, [`routes()`] and the API's description are built from it.
/// A handler without a description does not compile here.
fn registered() -> Vec<Registered> {
    use Access::{Open, Optional, Page, Platform};
    let mut list = Vec::new();
    let mut add = |access, described: UtoipaMethodRouter<App>| {
        list.push(Registered::new(access, described));
    };
    add(Open, routes!(health::live));
    add(Open, routes!(health::ready));
    add(Page, routes!(metrics::read));
    add(Open, routes!(description::openapi));
    add(Page, routes!(description::docs));

    add(Platform, routes!(organizations::me));
    add(Platform, routes!(accounts::list));
    add(Platform, routes!(accounts::read));
    add(Platform, routes!(accounts::instances_of_default));
    add(Platform, routes!(accounts::instances));
    add(Platform, routes!(users::list));
    add(Platform, routes!(users::read));

    add(Optional, routes!(elements::list));
    add(Optional, routes!(elements::keys));
    add(Optional, routes!(elements::read));
    catalogue::register(&mut add);
    login::register(&mut add);
    oauth::register(&mut add);
    instances::register(&mut add);
    documents::register(&mut add);
    connect::register(&mut add);
    notifications::register(&mut add);
    passthrough::register(&mut add);
    usage::register(&mut add);
    list
}

impl Registered {
    fn new(access: Access, (schemas, paths, handler): UtoipaMethodRouter<App>) -> Self {
        let routes = paths.paths.iter().flat_map(|(path, item)| {
            let methods = [
                ("GET", &item.get),
                ("POST", &item.post),
                ("PUT", &item.put),
                ("PATCH", &item.patch),
                ("DELETE", &item.delete),
            ];
            methods
                .into_iter()
                .filter(|(_, operation)| operation.is_some())
                .map(move |(method, _)| Route {
                    method,
                    path: path.clone(),
                    access,
                })
        });
        Self {
            routes: routes.collect(),
            handler,
            paths,
            schemas,
        }
    }
}

/// Every route of the platform; everything else under the base path is a hub call or 404.
pub fn routes() -> Vec<Route> {
    registered()
        .into_iter()
        .flat_map(|entry| entry.routes)
        .collect()
}

/// `/metrics` alone, for a port of its own.
pub fn metrics_service(app: App) -> NormalisePath<Router> {
    let router = Router::new().route("/metrics", get(metrics::read_apart));
    NormalisePath(enveloped(router.fallback(metrics::nothing_else), app))
}

/// The whole server as one service, ready to be served.
pub fn service(app: App) -> NormalisePath<Router> {
    let mut router = Router::new();
    for entry in registered() {
        let Some(route) = entry.routes.first() else {
            continue;
        };
        let handler = match route.access {
            Access::Page | Access::Cookie | Access::Link | Access::Vendor => entry.handler,
            _ => entry.handler.layer(middleware::from_fn(json::acceptable)),
        };
        // All that follows, and not one segment of it.
        let path = route.path.replace("{vendorPath}", "{*vendorPath}");
        router = router.route(&path, handler);
    }
    NormalisePath(enveloped(router.fallback(hub::anything_else), app))
}

fn enveloped(router: Router<App>, app: App) -> Router {
    meters::start();
    router
        .method_not_allowed_fallback(hub::other_method)
        .layer(Extension(description::Published::default()))
        .layer(Extension(elements::Definitions::default()))
        .layer(middleware::from_fn_with_state(app.clone(), hub::shared))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(
            app.clone(),
            envelope::envelope,
        ))
        .with_state(app)
}

/// A bug in one handler is one failed request, not a dropped connection. The panic hook has logged
/// where it happened.
fn panicked(_: Box<dyn std::any::Any + Send>) -> axum::response::Response {
    use axum::response::IntoResponse;
    Error::internal("a handler panicked").into_response()
}
