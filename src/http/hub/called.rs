//! The HTTP form of a hub call: what comes in, what goes out, and what it says of itself.
//!
//! | Header | On | What it says |
//! |---|---|---|
//! | `Elements-Element-Instance-Id` | every answer | the instance |
//! | `Elements-Returned-Count`, `Elements-Total-Count`, `Elements-Next-Page-Token` | lists | records here and altogether (if asked by `returnCount=true`, and known); where to go on |
//! | `Elements-Filtered-Here` | lists | conditions that the vendor could not be asked for, and this server applied |
//! | `Elements-Error` | successes | what was not done as asked |
//! | `Elements-Attempts` | every answer | calls that were made of the vendor |
//! | `Elements-Vendor-Status` | where it answered | status of its last answer |
//! | `Elements-Vendor-Time`, `Elements-Own-Time` | every answer | milliseconds that the vendor took, all its calls together, and that this server took beside |
//! | `Elements-Fault` | failures | who has to do something: `caller`, `instance` (its owner), `vendor`, `network` on the way there, `server` |

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use http_body::Body as _;
use http_body_util::BodyExt;

use super::{INSTANCE_ID, declares, discovery};
use crate::app::App;
use crate::error::{Error, Result};
use crate::http::answering::Unpaced;
use crate::http::auth::InstanceCaller;
use crate::http::idempotency;
use crate::http::instances::with_page_headers;
use crate::http::json;
use crate::http::query::Query;
use crate::hub::{self, Answer, Call, Called, Content, form, keyed};

const TOTAL_COUNT: HeaderName = HeaderName::from_static("elements-total-count");
const NOTICE: HeaderName = HeaderName::from_static("elements-error");
const FILTERED: HeaderName = HeaderName::from_static("elements-filtered-here");
const ATTEMPTS: HeaderName = HeaderName::from_static("elements-attempts");
const VENDOR_STATUS: HeaderName = HeaderName::from_static("elements-vendor-status");
const VENDOR_TIME: HeaderName = HeaderName::from_static("elements-vendor-time");
const OWN_TIME: HeaderName = HeaderName::from_static("elements-own-time");
const FAULT: HeaderName = HeaderName::from_static("elements-fault");
/// Of one header's text.
const LONGEST_NOTICE: usize = 1000;

/// The method by which a resource is looked for.
pub fn meant(method: &Method) -> Method {
    match *method {
        // The connection leaves the body out.
        Method::HEAD => Method::GET,
        _ => method.clone(),
    }
}

/// Makes the call. What it has cost is in the response's extensions, as [`Called`].
pub async fn answer(
    app: &App,
    caller: &InstanceCaller,
    resource: &str,
    parts: Parts,
    body: Body,
) -> Response {
    let began = Instant::now();
    let mut called = Called::default();
    let made = make(app, caller, resource, parts, body, &mut called).await;
    let fault = made.as_ref().err().map(|error| fault(error, &called));
    let mut response = made.unwrap_or_else(IntoResponse::into_response);
    let headers = response.headers_mut();
    // Also on failures: clients read the number from every hub call.
    headers.insert(INSTANCE_ID, HeaderValue::from(caller.instance.0));
    cost(headers, &called, began.elapsed(), fault);
    response.extensions_mut().insert(called);
    response
}

/// What a call has cost, and who has to do something about a failure.
pub fn cost(headers: &mut HeaderMap, called: &Called, all: Duration, fault: Option<&'static str>) {
    headers.insert(ATTEMPTS, HeaderValue::from(called.attempts));
    let own = all.saturating_sub(called.vendor_time);
    for (name, time) in [(VENDOR_TIME, called.vendor_time), (OWN_TIME, own)] {
        let milliseconds = format!("{:.1}", time.as_secs_f64() * 1000.0);
        headers.extend(HeaderValue::try_from(milliseconds).map(|value| (name, value)));
    }
    if let Some(status) = called.vendor_status {
        headers.insert(VENDOR_STATUS, HeaderValue::from(status));
    }
    if let Some(fault) = fault {
        headers.insert(FAULT, HeaderValue::from_static(fault));
    }
}

async fn make(
    app: &App,
    caller: &InstanceCaller,
    resource: &str,
    parts: Parts,
    body: Body,
    called: &mut Called,
) -> Result<Response> {
    let method = meant(&parts.method);
    if discovery::describes(&method, resource)
        && (resource == discovery::PING || !declares(app, caller, &method, resource))
    {
        // What few calls need is boxed: otherwise each would carry room for it.
        return Box::pin(discovery::answer(app, caller, &parts, resource, called)).await;
    }
    if caller.disabled {
        return Err(Error::Forbidden("Element instance is disabled.".into()));
    }
    let organization = caller.caller.organization;
    let find = || hub::find(app, organization, caller.instance, &method, resource);
    let mut found = find().await?;
    // A file has a form of its own.
    if !found.is_file() && !json::is_taken(&parts.headers) {
        return Err(Error::NotAcceptable);
    }
    let key = match method.is_safe() {
        true => None,
        false => idempotency::key(&parts.headers)?,
    };
    let query = Query::parse(parts.uri.query().unwrap_or_default()).into_pairs();
    let writes = matches!(method, Method::POST | Method::PUT | Method::PATCH);
    let (body, headers) = if writes && form::is_one(&parts.headers) {
        let form = body.map_err(Into::into).boxed_unsync();
        (hub::Body::Form(form), parts.headers)
    } else if body.is_end_stream() {
        (hub::Body::Whole(Bytes::new()), parts.headers)
    } else {
        let headers = parts.headers.clone();
        let body = Box::pin(whole(app, parts, body, writes)).await?;
        // What has changed while it came counts.
        found = find().await?;
        (hub::Body::Whole(body), headers)
    };
    let call = Call {
        method: method.clone(),
        query,
        headers,
        body,
        mark: None,
    };
    let answer = match key {
        None => hub::call(app, found, call, called).await,
        Some(key) => {
            let keyed = keyed::Keyed {
                organization,
                user: caller.caller.user,
                instance: caller.instance,
                path: resource,
                key: &key,
            };
            Box::pin(keyed::call(app, &keyed, found, call, called)).await
        }
    };
    Ok(told(answer?))
}

async fn whole(app: &App, parts: Parts, body: Body, writes: bool) -> Result<Bytes> {
    let headers = parts.headers.clone();
    let request = http::Request::from_parts(parts, body);
    let bytes = json::bytes(request, app, app.body_limit()).await?;
    if writes && !bytes.is_empty() {
        json::accept_type(&headers)?;
    }
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    Ok(bytes.slice_ref(text))
}

fn told(answer: Answer) -> Response {
    let mut response = match answer.content {
        Content::Nothing => StatusCode::OK.into_response(),
        Content::Record(json) => json_response(json),
        Content::List(list) => {
            let mut response = with_page_headers(json_response(list.json), list.count, list.next);
            let headers = response.headers_mut();
            if let Some(total) = list.total {
                headers.insert(TOTAL_COUNT, HeaderValue::from(total));
            }
            let filtered = list.filtered.and_then(|filtered| text(&filtered));
            headers.extend(filtered.map(|value| (FILTERED, value)));
            response
        }
        Content::Held { mut headers, body } => {
            // Of the vendor's, which the hook may have changed.
            headers.remove(header::CONTENT_LENGTH);
            let mut response = Response::new(Body::from(body));
            *response.headers_mut() = headers;
            response
        }
        Content::File(file) => {
            let mut response = Response::new(Body::new(file.body));
            *response.headers_mut() = file.headers;
            response.extensions_mut().insert(Unpaced);
            response
        }
    };
    if let Some(status) = answer.status {
        *response.status_mut() = status;
        if matches!(status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT) {
            *response.body_mut() = Body::empty();
            response.headers_mut().remove(header::CONTENT_TYPE);
        }
    }
    let headers = response.headers_mut();
    headers.extend(answer.headers);
    notice(headers, &answer.notices);
    response
}

pub fn json_response(json: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, json::CONTENT_TYPE)], json).into_response()
}

/// Notices may hold words of the caller's or the vendor's.
pub fn notice(headers: &mut HeaderMap, notices: &[String]) {
    if notices.is_empty() {
        return;
    }
    headers.extend(text(&notices.join(" ")).map(|value| (NOTICE, value)));
}

fn text(text: &str) -> Option<HeaderValue> {
    let readable = |c: char| match c {
        ' '..='~' => c,
        _ => '?',
    };
    let text: String = text.chars().take(LONGEST_NOTICE).map(readable).collect();
    HeaderValue::try_from(text).ok()
}

/// Who has to do something about it.
pub fn fault(error: &Error, called: &Called) -> &'static str {
    match error {
        Error::Forbidden(_) => "instance",
        Error::Vendor(failure) => match (called.attempts, called.vendor_status) {
            (0, _) if failure.status == 401 => "instance",
            (0, _) => "vendor",
            (_, None) => "network",
            // The vendor is right, and says what the caller has to change.
            _ if matches!(failure.status, 400 | 404..=406 | 409..=415) => "caller",
            _ => "vendor",
        },
        Error::Internal(_) | Error::Unavailable(_) => "server",
        _ => "caller",
    }
}
