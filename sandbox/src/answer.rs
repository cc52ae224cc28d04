//! What goes back over the wire: whole answers as vendors make them, and the paced bodies that faults need.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use serde::Serialize;
use tokio::time::Sleep;

/// A complete answer in memory. Vendors make nothing else, so that they need not be asynchronous.
pub type Answer = Response<Bytes>;

/// How long a vendor makes its caller wait for an answer, as an extension of it: vendors themselves never wait.
#[derive(Debug, Clone, Copy)]
pub struct Delay(pub Duration);

/// An answer with a JSON body.
pub fn json(status: StatusCode, body: &impl Serialize) -> Answer {
    match serde_json::to_vec(body) {
        Ok(bytes) => typed(
            status,
            "application/json; charset=utf-8",
            Bytes::from(bytes),
        ),
        Err(error) => typed(
            StatusCode::INTERNAL_SERVER_ERROR,
            "text/plain; charset=utf-8",
            Bytes::from(format!("the sandbox could not write its answer: {error}")),
        ),
    }
}

/// An answer with a body of the given type.
pub fn typed(status: StatusCode, content_type: &'static str, body: Bytes) -> Answer {
    let mut answer = empty(status);
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    *answer.body_mut() = body;
    answer
}

/// A page as web servers and proxies in front of an API show it.
pub fn html(status: StatusCode, title: &str, text: &str) -> Answer {
    let page = format!(
        "<!DOCTYPE html>\n<html><head><title>{title}</title></head><body><h1>{title}</h1><p>{text}</p></body></html>\n"
    );
    typed(status, "text/html; charset=utf-8", Bytes::from(page))
}

/// An answer without a body.
pub fn empty(status: StatusCode) -> Answer {
    let mut answer = Answer::default();
    *answer.status_mut() = status;
    answer
}

/// One step of a body that is written by hand.
#[derive(Debug)]
pub enum Step {
    Send(Bytes),
    Repeat(Bytes, u64),
    Wait(Duration),
    /// Ends the connection here, whatever length was announced.
    Break,
}

/// The body of an answer on its way out.
pub enum Body {
    Whole(Bytes),
    Paced {
        steps: VecDeque<Step>,
        pause: Option<Pin<Box<Sleep>>>,
    },
}

impl Body {
    pub fn paced(steps: impl IntoIterator<Item = Step>) -> Self {
        Self::Paced {
            steps: steps.into_iter().collect(),
            pause: None,
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(bytes) => write!(formatter, "Whole({} bytes)", bytes.len()),
            Self::Paced { steps, .. } => write!(formatter, "Paced({} steps)", steps.len()),
        }
    }
}

/// Why a body stopped half way: a fault asked for it.
#[derive(Debug)]
pub struct CutOff;

impl fmt::Display for CutOff {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("cut off as a fault asked")
    }
}

impl std::error::Error for CutOff {}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = CutOff;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CutOff>>> {
        let (steps, pause) = match self.get_mut() {
            Self::Whole(bytes) if bytes.is_empty() => return Poll::Ready(None),
            Self::Whole(bytes) => {
                return Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes)))));
            }
            Self::Paced { steps, pause } => (steps, pause),
        };
        loop {
            if let Some(sleep) = pause {
                ready!(sleep.as_mut().poll(context));
                *pause = None;
            }
            match steps.pop_front() {
                None => return Poll::Ready(None),
                Some(Step::Break) => return Poll::Ready(Some(Err(CutOff))),
                Some(Step::Wait(duration)) => *pause = Some(Box::pin(tokio::time::sleep(duration))),
                Some(Step::Repeat(_, 0)) => {}
                Some(Step::Repeat(bytes, times)) => {
                    steps.push_front(Step::Repeat(bytes.clone(), times - 1));
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
                Some(Step::Send(bytes)) => return Poll::Ready(Some(Ok(Frame::data(bytes)))),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Paced { .. } => SizeHint::default(),
        }
    }
}
