//! What a fault sends, or does, instead of the vendor's plain answer.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Map, Value, json};

use super::{Fault, bomb, header};
use crate::answer::{self, Answer, Body, Step};
use crate::vendor::{Call, Vendor};

const CHUNK: usize = 64 * 1024;

/// Long enough for what was written before to leave the process: an error discards what is still buffered.
const FLUSH: Duration = Duration::from_millis(20);

impl Fault {
    /// The answer to a call, or `None` to close the connection without one.
    pub fn answer(&self, call: &Call, vendor: &dyn Vendor) -> Option<Response<Body>> {
        let whole = |answer: Answer| Some(answer.map(Body::Whole));
        match self {
            Self::Refuse {} => None,
            Self::LostAnswer {} => {
                vendor.answer(call);
                None
            }
            Self::Slow { .. } => whole(vendor.answer(call)),
            Self::Trickle {
                bytes,
                every_milliseconds,
            } => Some(trickle(vendor.answer(call), *bytes, *every_milliseconds)),
            Self::Cut {} => Some(cut(vendor.answer(call))),
            Self::Html {} => whole(page()),
            Self::RateLimited { retry_after } => whole(vendor.rate_limited(call, *retry_after)),
            _ => {
                let mut answer = self.made_up();
                vendor.dress(call, answer.headers_mut());
                Some(answer)
            }
        }
    }

    /// Answers that are the same for every vendor, before its own headers are added.
    fn made_up(&self) -> Response<Body> {
        match self {
            Self::Status {
                status,
                body,
                content_type,
                headers,
            } => fixed(*status, body, content_type, headers),
            Self::Redirect { status, location } => {
                let mut answer = answer::empty(known_status(*status));
                if let Ok(location) = HeaderValue::from_str(location) {
                    answer.headers_mut().insert(LOCATION, location);
                }
                answer.map(Body::Whole)
            }
            Self::Huge { bytes, announced } => huge(*bytes, *announced),
            Self::GzipBomb { bytes } => {
                let (steps, length) = bomb::steps(*bytes);
                let mut answer = json_steps(steps, Some(length));
                answer
                    .headers_mut()
                    .insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
                answer
            }
            _ => answer::typed(
                StatusCode::OK,
                "application/json; charset=utf-8",
                Bytes::from_static(b"{\"id\":1,\"name\":\"cut in the mid"),
            )
            .map(Body::Whole),
        }
    }
}

fn known_status(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn fixed(
    status: u16,
    body: &Bytes,
    content_type: &str,
    headers: &Map<String, Value>,
) -> Response<Body> {
    let mut answer = answer::empty(known_status(status));
    if !body.is_empty()
        && let Ok(content_type) = HeaderValue::from_str(content_type)
    {
        answer.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    let parsed = headers
        .iter()
        .filter_map(|(name, value)| header(name, value).ok());
    answer.headers_mut().extend(parsed);
    answer.map(|_| Body::Whole(body.clone()))
}

fn page() -> Answer {
    let page = "<!DOCTYPE html><html><head><title>Please wait</title></head><body><h1>We will be back soon</h1></body></html>";
    answer::typed(
        StatusCode::OK,
        "text/html; charset=utf-8",
        Bytes::from_static(page.as_bytes()),
    )
}

fn json_steps(steps: Vec<Step>, announced: Option<u64>) -> Response<Body> {
    let mut answer = Response::new(Body::paced(steps));
    answer.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/json; charset=utf-8"),
    );
    if let Some(length) = announced {
        answer
            .headers_mut()
            .insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    answer
}

/// A JSON object of the wanted length: one string, as long as it takes.
fn huge(bytes: u64, announced: bool) -> Response<Body> {
    let (head, tail): (&[u8], &[u8]) = (b"{\"padding\":\"", b"\"}");
    let filling = bytes.saturating_sub((head.len() + tail.len()) as u64);
    let chunk = Bytes::from(vec![b'a'; CHUNK]);
    let rest = usize::try_from(filling % CHUNK as u64).unwrap_or(0);
    let steps = vec![
        Step::Send(Bytes::from_static(head)),
        Step::Repeat(chunk.clone(), filling / CHUNK as u64),
        Step::Send(chunk.slice(..rest)),
        Step::Send(Bytes::from_static(tail)),
    ];
    let length = filling + (head.len() + tail.len()) as u64;
    json_steps(steps, announced.then_some(length))
}

fn trickle(answer: Answer, bytes: usize, every_milliseconds: u64) -> Response<Body> {
    let length = answer.body().len() as u64;
    let mut answer = answer.map(|mut body| {
        let mut steps = Vec::new();
        while !body.is_empty() {
            steps.push(Step::Wait(Duration::from_millis(every_milliseconds)));
            steps.push(Step::Send(body.split_to(bytes.min(body.len()))));
        }
        Body::paced(steps)
    });
    announce(&mut answer, length);
    answer
}

/// An answer without a body has nothing to cut, so it gets one.
fn cut(mut answer: Answer) -> Response<Body> {
    if answer.body().is_empty() {
        answer = answer::json(
            StatusCode::OK,
            &json!({"message": "half of this text is never sent"}),
        );
    }
    let length = answer.body().len() as u64;
    let mut answer = answer.map(|body| {
        let half = body.slice(..body.len() / 2);
        Body::paced([Step::Send(half), Step::Wait(FLUSH), Step::Break])
    });
    announce(&mut answer, length);
    answer
}

fn announce(answer: &mut Response<Body>, length: u64) {
    if length > 0 {
        answer
            .headers_mut()
            .insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
}
