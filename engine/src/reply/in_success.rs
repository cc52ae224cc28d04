//! Calls for tokens that are refused in a status of success, as some vendors do it: an error's code and no
//! token.

use http::StatusCode;

use super::{Fault, Seen, blame, token_error};
use crate::configuration::Values;
use crate::element::{Group, Resource};
use crate::reply::Blame;

/// What that means, as if the status were an honest one. `None`: it is no such answer.
pub(super) fn refused(
    seen: &Seen<'_>,
    group: &Group,
    resource: &Resource,
    request: Option<&Values>,
) -> Option<Fault> {
    let blame = blame::in_success(seen, group, resource)?;
    let (status, message) = match blame {
        Blame::Nobody | Blame::Haste => blame::told(seen, resource, blame),
        Blame::Owner | Blame::Client | Blame::Unclear => {
            let (element, json) = (seen.element, seen.json.as_ref());
            let honest = StatusCode::BAD_REQUEST;
            let known = token_error::plain(element, group, resource, honest, json);
            known.unwrap_or_else(|| {
                let step = resource.step();
                let message = format!("{} gives no tokens at step {step}.", element.name);
                (401, message)
            })
        }
    };
    let fault = seen.fault(resource, request, status, message);
    Some(Fault { blame, ..fault })
}
