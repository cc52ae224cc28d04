//! Everything that is not a platform route: hub calls, with or without the hub's prefix.
//!
//! The order of resolution is that of the wire: bare paths overlap platform paths.

use axum::extract::{FromRequestParts, State};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method};

use crate::app::App;
use crate::error::{Error, Result, VendorFailure};
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

/// No platform route matches the path.
pub async fn anything_else(State(app): State<App>, mut parts: Parts) -> Result<Response> {
    let path = parts.uri.path().to_owned();
    match target(&path) {
        Target::Nothing => Err(no_such_path(&parts.method)),
        Target::Hub { resource } => {
            let caller = InstanceCaller::from_request_parts(&mut parts, &app).await?;
            let mut response = call(&caller, &parts.method, resource).into_response();
            // Also on failures: clients read the number from every hub call.
            response
                .headers_mut()
                .insert(INSTANCE_ID, HeaderValue::from(caller.instance.0));
            Ok(response)
        }
    }
}

/// A platform route matches the path, under another verb.
pub async fn other_method() -> Error {
    Error::MethodNotAllowed
}

/// No hub resource exists yet, so every call that may be made finds none.
fn call(caller: &InstanceCaller, method: &Method, resource: &str) -> Error {
    if caller.disabled && !describes(method, resource) {
        return Error::Forbidden("Element instance is disabled.".into());
    }
    if !caller.valid && !describes(method, resource) {
        return needs_reconnect(caller);
    }
    Error::NotFound(format!(
        "Element '{}' does not support the resource {method} {resource}.",
        caller.element_key
    ))
}

/// The status that a vendor's own refusal would have; nobody needs to be asked for it.
fn needs_reconnect(caller: &InstanceCaller) -> Error {
    Error::Vendor(Box::new(VendorFailure {
        status: 401,
        message: format!(
            "Element instance {} needs to be reconnected: its credentials are missing or were \
             refused. Send them as 'configuration' with PATCH /instances/{}.",
            caller.instance, caller.instance
        ),
        provider_message: None,
        retry_after: None,
    }))
}

/// What a disabled instance still answers: whether it is there, and what it holds.
fn describes(method: &Method, resource: &str) -> bool {
    let mut segments = resource.trim_start_matches('/').split('/');
    let words = (segments.next(), segments.next(), segments.next());
    method == Method::GET
        && matches!(
            words,
            (Some("ping" | "objects"), None, None)
                | (Some("objects"), Some(_), Some("metadata" | "docs"))
        )
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
}
