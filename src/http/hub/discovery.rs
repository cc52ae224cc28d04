//! What every instance can be asked about itself, whatever its definition describes: whether it
//! works, and which objects it has. Nothing of it exists yet.

use axum::response::Response;
use http::Method;
use http::request::Parts;

use crate::app::App;
use crate::error::Result;
use crate::http::auth::InstanceCaller;
use crate::hub;

/// Whether the path, without its hub, is one of these. A disabled instance answers them, too.
pub fn describes(method: &Method, resource: &str) -> bool {
    let mut segments = resource.trim_start_matches('/').split('/');
    let words = (segments.next(), segments.next(), segments.next());
    let ends = segments.next().is_none();
    method == Method::GET
        && ends
        && matches!(
            words,
            (Some("ping" | "objects"), None, None)
                | (Some("objects"), Some(_), Some("metadata" | "docs"))
        )
}

/// The answer to such a call, which the element does not describe itself.
pub async fn answer(
    _app: &App,
    caller: &InstanceCaller,
    parts: &Parts,
    resource: &str,
) -> Result<Response> {
    let key = &caller.element_key;
    Err(hub::no_such_resource(key, &parts.method, resource, None))
}
