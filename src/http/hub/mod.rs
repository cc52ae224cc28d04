//! Everything that is not a platform route: hub calls, with or without the hub's prefix.
//!
//! The order of resolution is that of the wire: bare paths overlap platform paths.

mod called;
mod discovery;

pub use called::{cost, fault, notice};

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, Method, header};

use crate::app::App;
use crate::error::Error;
use crate::http::auth::InstanceCaller;
use crate::http::path::BASE;

pub const INSTANCE_ID: HeaderName = HeaderName::from_static("elements-element-instance-id");

/// First segments that belong to the platform, implemented or not; never a hub resource.
const RESERVED: &[&str] = &[
    "accounts",
    "applications",
    "audit-logs",
    "authentication",
    "bulkloader",
    "catalog-properties",
    "change-management",
    "common-resources",
    "customers",
    "docs",
    "eb-utils",
    "element-products",
    "elements",
    "events",
    "formulas",
    "instances",
    "integrations",
    "jobs",
    "lbdocs",
    "metrics",
    "models",
    "notifications",
    "oauth-proxies",
    "organizations",
    "proxy",
    "signup-partners",
    "transformations",
    "usage",
    "users",
    "vdrs",
];

#[derive(Debug, PartialEq, Eq)]
enum Target<'a> {
    /// A platform path that nothing answers.
    Nothing,
    /// `/hubs/{hub}/{resource…}` or `/{resource…}`; the resource with its leading slash.
    Hub { resource: &'a str },
}

/// First segments that are platform paths and may be names of an element's resources, too.
const SHARED: &[&str] = &["accounts", "users"];

/// No platform route matches the path.
pub async fn anything_else(State(app): State<App>, request: Request) -> Response {
    let Target::Hub { resource } = target(request.uri().path()) else {
        return no_such_path(request.method()).into_response();
    };
    let resource = resource.to_owned();
    let (mut parts, body) = request.into_parts();
    match InstanceCaller::from_request_parts(&mut parts, &app).await {
        Ok(caller) => called::answer(&app, &caller, &resource, parts, body).await,
        Err(error) => error.into_response(),
    }
}

/// A platform route matches the path, under another verb.
pub async fn other_method() -> Error {
    Error::MethodNotAllowed
}

/// Of the paths that platform and elements share, those are hub calls that come with an element
/// token whose element has the very resource.
pub async fn shared(State(app): State<App>, request: Request, next: Next) -> Response {
    let Some(resource) = shared_with_elements(request.uri().path()).map(str::to_owned) else {
        return next.run(request).await;
    };
    // Every request passes here, and few get as far as this: they alone have room for it.
    Box::pin(may_be_an_elements(app, request, resource, next)).await
}

async fn may_be_an_elements(app: App, request: Request, resource: String, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let caller = InstanceCaller::from_request_parts(&mut parts, &app).await;
    match caller {
        Ok(caller) if declares(&app, &caller, &parts.method, &resource) => {
            let allowed = allowed(&app, &caller, &resource);
            let mut response = called::answer(&app, &caller, &resource, parts, body).await;
            // Otherwise the router tells which methods the platform's own route has.
            let headers = response.headers_mut();
            headers.extend(HeaderValue::try_from(allowed).map(|value| (header::ALLOW, value)));
            response
        }
        // Whether the caller is right otherwise is the route's to say.
        _ => next.run(Request::from_parts(parts, body)).await,
    }
}

fn allowed(app: &App, caller: &InstanceCaller, resource: &str) -> String {
    let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
    let methods = methods.into_iter().filter(|method| {
        let method = Method::from_bytes(method.as_bytes());
        method.is_ok_and(|method| declares(app, caller, &method, resource))
    });
    methods.collect::<Vec<_>>().join(", ")
}

fn shared_with_elements(path: &str) -> Option<&str> {
    let resource = path.strip_prefix(BASE)?;
    // A word of the platform's own comes before an id of a record.
    let own = resource == "/accounts/instances";
    let first = resource.strip_prefix('/')?.split('/').next()?;
    (SHARED.contains(&first) && !own).then_some(resource)
}

/// Whether the caller's element has this resource, with whichever credentials.
fn declares(app: &App, caller: &InstanceCaller, method: &Method, resource: &str) -> bool {
    let Some(element) = app.catalog().get(&caller.element_key) else {
        return false;
    };
    let method = called::meant(method);
    let mut groups = element.groups.iter();
    groups.any(|group| element.route(group, &method, resource).is_ok())
}

fn target(path: &str) -> Target<'_> {
    let Some(rest) = path.strip_prefix(BASE) else {
        return Target::Nothing;
    };
    let mut segments = rest.splitn(4, '/');
    let (Some(""), Some(first)) = (segments.next(), segments.next()) else {
        return Target::Nothing;
    };
    if first == "hubs" {
        let after_hub = segments.next().and(segments.next());
        return match after_hub {
            None | Some("" | "elements") => Target::Nothing,
            Some(resource) => Target::Hub {
                resource: &rest[rest.len() - resource.len() - 1..],
            },
        };
    }
    if first.is_empty() || RESERVED.contains(&first) {
        return Target::Nothing;
    }
    Target::Hub { resource: rest }
}

pub fn no_such_path(method: &Method) -> Error {
    Error::NotFound(format!("Nothing answers {method} on this path."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_of_resolution() {
        let hub = |resource| Target::Hub { resource };
        for (path, expected) in [
            ("/elements/api-v2/hubs/crm/contacts/7", hub("/contacts/7")),
            ("/elements/api-v2/hubs/crm/elements/x", hub("/elements/x")),
            ("/elements/api-v2/hubs/crm/elements", Target::Nothing),
            ("/elements/api-v2/hubs/crm", Target::Nothing),
            ("/elements/api-v2/hubs", Target::Nothing),
            ("/elements/api-v2/hubs/crm/accounts", hub("/accounts")),
            ("/elements/api-v2/contacts", hub("/contacts")),
            ("/elements/api-v2/objects/a%2Fb", hub("/objects/a%2Fb")),
            ("/elements/api-v2/ping", hub("/ping")),
            ("/elements/api-v2/formulas/instances", Target::Nothing),
            ("/elements/api-v2/accounts/9/users", Target::Nothing),
            ("/elements/api-v2", Target::Nothing),
            ("/elements/api-v1/ui/getSecrets", Target::Nothing),
            ("/elements/api-v2x/contacts", Target::Nothing),
            ("/contacts", Target::Nothing),
            ("/", Target::Nothing),
        ] {
            assert_eq!(target(path), expected, "{path}");
        }
    }

    #[test]
    fn what_platform_and_elements_share() {
        for (path, expected) in [
            ("/elements/api-v2/accounts", Some("/accounts")),
            ("/elements/api-v2/users/7/notes", Some("/users/7/notes")),
            ("/elements/api-v2/accounts/instances", None),
            ("/elements/api-v2/accountsish", None),
            ("/elements/api-v2/hubs/crm/accounts", None),
            ("/accounts", None),
        ] {
            assert_eq!(shared_with_elements(path), expected, "{path}");
        }
    }
}
