//! Creates whose caller wants to see what the vendor is asked, and `/elements/{keyOrId}/trace/{traceId}`,
//! where that is read.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue};

use super::wire::answer;
use crate::app::App;
use crate::error::{Error, Result};
use crate::http::auth::OrgCaller;
use crate::http::json::Json;
use crate::provisioning::{self, InstanceRequest, Who};
use crate::store::RequestKey;

const TRACE: HeaderName = HeaderName::from_static("elements-trace-id");

/// Makes an instance. With `providerData.debug` the answer, a refusal too, names what was written down.
pub async fn created(
    app: &App,
    who: Who,
    element: Option<String>,
    mut body: InstanceRequest,
    key: Option<RequestKey>,
) -> Result<Response> {
    let trace = body.trace();
    let named = element.clone().or_else(|| body.element_name());
    let made = provisioning::create(app, who, element, body, key).await;
    let (Some(trace), Some(named)) = (trace, named) else {
        return made.map(answer);
    };
    let mut response = match made {
        Ok(view) => answer(view),
        Err(error) => error.into_response(),
    };
    if let Ok(element) = app.element(&named) {
        let id = provisioning::traces::keep(app, who, element, &trace).await?;
        let id = HeaderValue::from_str(&id.to_string()).map_err(Error::internal)?;
        response.headers_mut().insert(TRACE, id);
    }
    Ok(response)
}

/// Read what a vendor was asked
///
/// And what it answered, while an instance was made with `providerData.debug`: by `METHOD:/path`, each
/// with the texts `request` and `response`. Secrets and whatever may be one are masked. Kept for an
/// hour.
#[utoipa::path(
    get,
    path = "/elements/api-v2/elements/{keyOrId}/trace/{traceId}",
    operation_id = "getTrace",
    responses(
        (status = 200, description = "The calls.", body = std::collections::BTreeMap<String, serde_json::Value>),
        (status = 404, description = "No such element, or no such trace of yours any more."),
    )
)]
pub async fn read(
    State(app): State<App>,
    caller: OrgCaller,
    Path((key_or_id, id)): Path<(String, String)>,
) -> Result<Response> {
    let element = app.element(&key_or_id)?;
    let calls = provisioning::traces::read(&app, caller.who(), element, &id).await?;
    Ok(Json(calls).into_response())
}
