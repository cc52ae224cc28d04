//! Use case: a call that a caller has written, to the vendor's own API with an instance's
//! credentials. What the vendor answers is handed on as it is, and neither body is held.
//!
//! Tokens that have ended, or that the vendor does not take, are renewed on the way, once, and the
//! call is repeated where its body is at hand. Everything else that goes wrong on the way is told
//! in words; what the vendor itself says is its own. A body passes unread, save that a SOAP envelope
//! gets what the definition says belongs into its header.

use std::time::Instant;

use bunsen_engine::configuration::Values;
use bunsen_engine::element::Kind;
use bunsen_engine::reply::{self, Refusal, VendorReply};
use bunsen_engine::request::{self, stays_below, with_header};
use http::{HeaderMap, Method, StatusCode, header};

use crate::app::App;
use crate::error::{Error, Result};
use crate::exchange;
use crate::headers;
use crate::ids::{InstanceId, OrganizationId, Secret};
use crate::outbound::{Answer, Payload, Stream};
pub use crate::ready::Called;
use crate::ready::Ready;
use crate::upload::{self, Upload};

/// What the vendor says of wrong credentials is shorter.
const LONGEST_REFUSAL: usize = 16 * 1024;

/// A call as it came in.
pub struct Call {
    pub method: Method,
    /// Raw, with its leading slash; empty: the base URL itself.
    pub path: String,
    /// Raw.
    pub query: Option<String>,
    pub headers: HeaderMap,
    pub body: Stream,
}

/// Makes the call with the instance's credentials. `called` is filled in also when it fails.
///
/// # Errors
/// 400 for a path that would leave the base URL, or names the configuration entry that leads
/// nowhere; 401 for an instance that needs its owner, 403 for a disabled one; 408, 413 and 429 for
/// the caller's own body; 429, 502 and 503 when there is no answer of the vendor's.
pub async fn call(
    app: &App,
    organization: OrganizationId,
    id: InstanceId,
    call: Call,
    called: &mut Called,
) -> Result<Answer> {
    if !stays_below(&call.path) {
        return Err(Error::Invalid(
            "The path behind 'proxy' would leave the instance's base URL: leave out '..', however \
             it is written."
                .into(),
        ));
    }
    // Tokens that have been replaced a moment ago are found out by a refusal, and that call has to
    // be made again.
    let ready = match upload::is_held(&call.body) {
        true => Ready::new(app, organization, id).await?,
        false => Ready::anew(app, organization, id).await?,
    };
    let block = envelope_header(&ready, &call.headers)?;
    let amend = block.map(|block| move |text: &[u8]| with_header(text, block.reveal()));
    let (upload, payload) = Upload::begin(app, call.body, app.body_limit(), amend).await?;
    let call = Written {
        method: call.method,
        path: call.path,
        query: call.query,
        headers: headers::for_vendor(call.headers),
    };
    let again = match &payload {
        Payload::Bytes(bytes) => Some(Payload::Bytes(bytes.clone())),
        Payload::Stream(_) => None,
    };
    let mut answer = upload.judge(send(&ready, &call, payload, called).await)?;
    if is_refused(&ready, &mut answer).await? {
        if !ready.renews() {
            ready.doubt();
            return Ok(handed_on(answer));
        }
        // An answer that is read as a refusal may come after the vendor had acted.
        let sure = matches!(
            answer.status,
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
        );
        let Some(payload) = again.filter(|_| sure || call.method.is_idempotent()) else {
            ready.renew_behind();
            return Ok(handed_on(answer));
        };
        if let Some(fresh) = ready.renewed().await? {
            drop(answer);
            answer = upload.judge(send(&fresh, &call, payload, called).await)?;
            let refused = is_refused(&fresh, &mut answer).await?;
            fresh.helped(!refused).await;
        }
    }
    Ok(handed_on(answer))
}

fn handed_on(mut answer: Answer) -> Answer {
    answer.headers = headers::for_caller(answer.headers, answer.status);
    answer
}

/// What a caller has written, to be sent once or twice.
struct Written {
    method: Method,
    path: String,
    query: Option<String>,
    headers: HeaderMap,
}

/// What belongs into an envelope of the caller's.
fn envelope_header(ready: &Ready<'_>, headers: &HeaderMap) -> Result<Option<Secret>> {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.to_ascii_lowercase().contains("xml") {
        return Ok(None);
    }
    request::envelope_header(ready.element, ready.group, ready.stored()).map_err(exchange::unbuilt)
}

async fn send(
    ready: &Ready<'_>,
    call: &Written,
    payload: Payload,
    called: &mut Called,
) -> Result<Answer> {
    let passing = request::Passing {
        method: call.method.clone(),
        path: &call.path,
        query: call.query.as_deref(),
        headers: call.headers.clone(),
    };
    let values = ready.effective().await?;
    let turn = ready.turn_of(kind(ready, &values, call)).await?.used();
    let began = Instant::now();
    let answer = exchange::pass(&ready.session(), &values, passing, payload).await;
    called.attempts += 1;
    called.vendor_time += began.elapsed();
    called.vendor_status = answer.as_ref().ok().map(|answer| answer.status.as_u16());
    if let Ok(answer) = &answer {
        turn.answered(answer.status, &answer.headers);
    }
    answer
}

/// What the call counts: what one of the definition's like it does.
fn kind<'e>(ready: &Ready<'e>, values: &Values, call: &Written) -> Kind<'e> {
    let weighed = ready.element.budgets.iter();
    if weighed.clone().all(|budget| budget.weights.is_none()) {
        return Kind::Foreign;
    }
    let base = values.get("base.url").map_or("", |base| base.reveal());
    let below = base.split_once("://").map_or("", |(_, rest)| rest);
    let base = below.split_once('/').map_or("", |(_, path)| path);
    let like = ready.element.passed(&call.method, base, &call.path);
    like.map_or(Kind::Foreign, Kind::Of)
}

/// Whether the answer refuses the credentials. Where they cannot be renewed nothing that succeeds is
/// held back to be read.
async fn is_refused(ready: &Ready<'_>, answer: &mut Answer) -> Result<bool> {
    let element = ready.element;
    let refusal = reply::refuses_by_status(element, answer.status);
    let read = !answer.status.is_success() || ready.renews();
    if refusal == Refusal::No || !read {
        return Ok(false);
    }
    if refusal == Refusal::Yes {
        return Ok(true);
    }
    let told = |error| exchange::unsent(element, exchange::PASSED, element.base_entry(), &error);
    let Some(body) = answer.body.peek(LONGEST_REFUSAL).await.map_err(told)? else {
        return Ok(answer.status == StatusCode::UNAUTHORIZED);
    };
    let said = VendorReply {
        status: answer.status,
        headers: answer.headers.clone(),
        body,
    };
    Ok(reply::refuses(element, ready.group, ready.stored(), &said))
}
