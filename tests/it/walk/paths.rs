//! Paths of routes with their names taken out, and filled with ids that exist.

use super::{BASE, Walk};
use crate::server::Caller;

/// `/elements/api-v2/instances/{id}` as `/instances/{}`.
pub fn without_names(path: &str) -> String {
    let path = path.strip_prefix(BASE).unwrap_or(path);
    let segments = path.split('/').map(|segment| {
        if segment.starts_with('{') {
            "{}"
        } else {
            segment
        }
    });
    segments.collect::<Vec<_>>().join("/")
}

const WITH_PARTS: &str = "larkpost";

/// What a `{}` stands for is said by the word before it.
pub fn filled(walk: &Walk, path: &str, instance: &str, caller: &Caller) -> String {
    let (account, user) = (caller.account_id.to_string(), caller.user_id.to_string());
    // The definition with parts of every kind, whose ids are known.
    let parts = path.matches('/').count() > 2 && !path.contains("/instances");
    let element = if path.contains("/oauth/") {
        walk.in_browser.as_str()
    } else if parts {
        WITH_PARTS
    } else {
        walk.element.as_str()
    };
    let mut filled = Vec::new();
    for segment in path.split('/') {
        let value = match (segment, filled.last().copied()) {
            ("{}", Some("elements")) => element,
            ("{}", Some("configuration")) => walk.entry.as_str(),
            ("{}", Some("hooks")) if filled.contains(&"resources") => "7301",
            ("{}", Some("hooks")) => "7101",
            ("{}", Some("resources")) => "7201",
            ("{}", Some("objects")) => "7401",
            ("{}", Some("models")) => "7601",
            ("{}", Some("fields")) if filled.contains(&"models") => "7701",
            ("{}", Some("fields")) => "7501",
            ("{}", Some("authentication-types")) => "oauth2",
            ("{}", Some("hubs")) => "crm",
            ("{}", Some("proxy")) => "nothing-has-this",
            ("{}", Some("instances")) => instance,
            ("{}", Some("links")) => walk.links[&caller.user_id].as_str(),
            ("{}", Some("accounts")) => account.as_str(),
            ("{}", Some("users")) => user.as_str(),
            ("{}", before) => panic!("this test does not know what follows {before:?}"),
            _ => segment,
        };
        filled.push(value);
    }
    filled.join("/")
}
