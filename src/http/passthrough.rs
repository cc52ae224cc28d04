//! `/proxy/…`: the vendor's own API with an instance's credentials. Everything behind `proxy` is the
//! vendor's, and so is the answer.

use std::time::Instant;

use axum::body::Body;
use axum::extract::{FromRequestParts, Request, State};
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http_body_util::BodyExt;
use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::Result;
use crate::http::Access;
use crate::http::answering::Unpaced;
use crate::http::auth::InstanceCaller;
use crate::http::error::AsIs;
use crate::http::hub::{INSTANCE_ID, cost, fault};
use crate::passthrough::{self, Call, Called};

/// Our part of the path.
pub const PREFIX: &str = "/elements/api-v2/proxy";
/// In the request log: what the vendor was asked for is the caller's.
const RESOURCE: &str = "/proxy/{vendorPath}";

const DISABLED: &str = "The instance is disabled. With another body: the vendor's answer.";
const OVER_SHARE: &str = "The organization or the account has no call left, the vendor lets its account make no more calls \
                          now, or its tokens not be renewed. With another body: the vendor's answer.";
const NO_ANSWER: &str = "There is no answer of the vendor's: it cannot be reached, is too slow or breaks off, or its \
                         tokens have ended and cannot be renewed now.";

pub fn register(add: &mut impl FnMut(Access, UtoipaMethodRouter<App>)) {
    add(Access::Vendor, routes!(base));
    add(Access::Vendor, routes!(below));
}

/// Call the vendor's own API
///
/// What stands behind `proxy/` is put behind the instance's base URL as it is, escapes, empty
/// segments and query included; `..` must not lead out of it. Method, headers and body go to the
/// vendor, with the instance's credentials and without yours; the vendor's status, headers and body
/// come back, streamed, redirects and failures too. Cookies and what belongs to one connection do
/// not cross. Where the element's tokens can be renewed and the vendor does not take them, they are
/// renewed and a call with a body of at most 64 KiB is made again.
///
/// An answer of this server's own has the usual body with `requestId`; the headers
/// `Elements-Element-Instance-Id`, `Elements-Attempts`, `Elements-Vendor-Time` and
/// `Elements-Own-Time` are on every answer once the instance is known.
#[utoipa::path(
    method(get, post, put, patch, delete, options),
    path = "/elements/api-v2/proxy/{vendorPath}",
    operation_id = "callVendor",
    responses(
        (status = 200, description = "The vendor's answer.", content_type = "*/*", body = String),
        (status = 403, description = DISABLED),
        (status = 429, description = OVER_SHARE),
        (status = 502, description = NO_ANSWER),
        (status = "default", description = "The vendor's answer, with its own status.", content_type = "*/*", body = String),
    )
)]
async fn below(State(app): State<App>, request: Request) -> Response {
    answer(app, request).await
}

/// Call the vendor's base URL
///
/// The same for a vendor whose whole API is one address, as with SOAP.
#[utoipa::path(
    method(get, post, put, patch, delete, options),
    path = "/elements/api-v2/proxy",
    operation_id = "callVendorBase",
    responses(
        (status = 200, description = "The vendor's answer.", content_type = "*/*", body = String),
        (status = 403, description = DISABLED),
        (status = 429, description = OVER_SHARE),
        (status = 502, description = NO_ANSWER),
        (status = "default", description = "The vendor's answer, with its own status.", content_type = "*/*", body = String),
    )
)]
async fn base(State(app): State<App>, request: Request) -> Response {
    answer(app, request).await
}

async fn answer(app: App, request: Request) -> Response {
    let began = Instant::now();
    let (mut parts, body) = request.into_parts();
    let caller = match InstanceCaller::from_request_parts(&mut parts, &app).await {
        Ok(caller) => caller,
        Err(error) => return error.into_response(),
    };
    let path = parts.uri.path();
    let call = Call {
        method: parts.method,
        path: path.strip_prefix(PREFIX).unwrap_or(path).to_owned(),
        query: parts.uri.query().map(str::to_owned),
        headers: parts.headers,
        body: body.map_err(Into::into).boxed_unsync(),
    };
    let mut called = Called {
        resource: format!("{} {RESOURCE}", call.method),
        ..Called::default()
    };
    let made = pass(&app, &caller, call, &mut called).await;
    let fault = made.as_ref().err().map(|error| fault(error, &called));
    let mut response = made.unwrap_or_else(IntoResponse::into_response);
    let id = HeaderValue::from(caller.instance.0);
    response.headers_mut().insert(INSTANCE_ID, id);
    cost(response.headers_mut(), &called, began.elapsed(), fault);
    response.extensions_mut().insert(called);
    response
}

async fn pass(
    app: &App,
    caller: &InstanceCaller,
    call: Call,
    called: &mut Called,
) -> Result<Response> {
    let organization = caller.caller.organization;
    let answer = passthrough::call(app, organization, caller.instance, call, called).await?;
    let mut response = Response::new(Body::new(answer.body));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    response.extensions_mut().insert(AsIs);
    response.extensions_mut().insert(Unpaced);
    Ok(response)
}
