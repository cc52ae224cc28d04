//! Bodies on their way: a request's, which notes how far it has come, and an answer's, which is not
//! waited for without end.

use std::collections::VecDeque;
use std::error::Error as StdError;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::Sleep;

use super::error::{self, SendError};

pub type BoxError = Box<dyn StdError + Send + Sync>;
/// A body that is nowhere as a whole.
pub type Stream = UnsyncBoxBody<Bytes, BoxError>;

/// What a call carries.
pub enum Payload {
    Bytes(Bytes),
    Stream(Stream),
}

impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Bytes(_) => "Bytes(..)",
            Self::Stream(_) => "Stream(..)",
        })
    }
}

/// How far a request has come.
#[derive(Debug)]
pub(super) struct Progress {
    began: Instant,
    taken: AtomicBool,
    /// Milliseconds after `began`: when the connection last got a piece of the body.
    moved: AtomicU64,
    /// The connection would take a piece, and there is none yet.
    starving: AtomicBool,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            taken: AtomicBool::new(false),
            moved: AtomicU64::new(0),
            starving: AtomicBool::new(false),
        }
    }
}

impl Progress {
    /// A connection has taken the call over: the vendor may have seen some of it.
    pub(super) fn is_taken(&self) -> bool {
        self.taken.load(Ordering::Relaxed)
    }

    /// For how long nothing has got on that is the vendor's business.
    pub(super) fn stands_still_for(&self) -> Duration {
        if self.starving.load(Ordering::Relaxed) {
            return Duration::ZERO;
        }
        let moved = Duration::from_millis(self.moved.load(Ordering::Relaxed));
        self.began.elapsed().saturating_sub(moved)
    }

    fn moves(&self, starving: bool) {
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.moved.store(now, Ordering::Relaxed);
        self.starving.store(starving, Ordering::Relaxed);
    }
}

/// A request's body that notes when a connection takes the request over.
///
/// HTTP/1 and HTTP/2 both ask `is_end_stream` exactly then, to decide how the head announces
/// the body, and nothing asks before. So as long as the note is not set, not a byte was sent.
pub(super) struct TrackedBody {
    /// `None`: nothing is left.
    payload: Option<Payload>,
    progress: Arc<Progress>,
}

impl TrackedBody {
    pub(super) fn new(bytes: Bytes, progress: Arc<Progress>) -> Self {
        Self::of(Payload::Bytes(bytes), progress)
    }

    pub(super) fn of(payload: Payload, progress: Arc<Progress>) -> Self {
        let empty = matches!(&payload, Payload::Bytes(bytes) if bytes.is_empty());
        Self {
            payload: (!empty).then_some(payload),
            progress,
        }
    }
}

impl Body for TrackedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.progress.taken.store(true, Ordering::Relaxed);
        if let Some(Payload::Stream(stream)) = &mut self.payload {
            let polled = Pin::new(stream).poll_frame(context);
            self.progress.moves(polled.is_pending());
            if let Poll::Ready(None) = polled {
                self.payload = None;
            }
            return polled;
        }
        Poll::Ready(match self.payload.take() {
            Some(Payload::Bytes(bytes)) => Some(Ok(Frame::data(bytes))),
            _ => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.progress.taken.store(true, Ordering::Relaxed);
        match &self.payload {
            None => true,
            Some(Payload::Bytes(_)) => false,
            Some(Payload::Stream(stream)) => stream.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.payload {
            None => SizeHint::with_exact(0),
            Some(Payload::Bytes(bytes)) => SizeHint::with_exact(bytes.len() as u64),
            Some(Payload::Stream(stream)) => stream.size_hint(),
        }
    }
}

/// The body of an answer, as it comes.
pub struct AnswerBody {
    host: String,
    /// What somebody has looked at already.
    ready: VecDeque<Bytes>,
    inner: Incoming,
    /// From one piece to the next.
    patience: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl AnswerBody {
    pub(super) fn new(host: String, inner: Incoming, patience: Duration) -> Self {
        Self {
            host,
            ready: VecDeque::new(),
            inner,
            patience,
            waiting: None,
        }
    }

    /// The whole body, which must not be more than so many bytes.
    ///
    /// # Errors
    /// When it is more, or ends before its end.
    pub async fn whole(&mut self, limit: usize) -> Result<Bytes, SendError> {
        let body = self.peek(limit).await?;
        body.ok_or_else(|| SendError::TooLarge {
            host: self.host.clone(),
            limit,
        })
    }

    /// The whole body, if that is not more than so many bytes; they come again afterwards.
    ///
    /// # Errors
    /// When it ends before its end.
    pub async fn peek(&mut self, limit: usize) -> Result<Option<Bytes>, SendError> {
        if self.inner.size_hint().lower() > limit as u64 {
            return Ok(None);
        }
        let mut seen = BytesMut::new();
        let mut pieces = VecDeque::new();
        let whole = loop {
            let Some(frame) = self.frame().await else {
                break true;
            };
            let Ok(data) = frame?.into_data() else {
                continue;
            };
            seen.extend_from_slice(&data);
            pieces.push_back(data);
            if seen.len() > limit {
                break false;
            }
        };
        self.ready = pieces;
        Ok(whole.then(|| seen.freeze()))
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = SendError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, SendError>>> {
        if let Some(piece) = self.ready.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        let this = &mut *self;
        match Pin::new(&mut this.inner).poll_frame(context) {
            Poll::Ready(polled) => {
                this.waiting = None;
                let told = |error| {
                    let error = error::in_body(&error, &this.host);
                    let (host, outcome) = (&this.host, error.code());
                    tracing::debug!(host, outcome, "the vendor's answer broke off");
                    error
                };
                Poll::Ready(polled.map(|frame| frame.map_err(told)))
            }
            Poll::Pending => {
                let patience = this.patience;
                let waiting = this
                    .waiting
                    .get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
                waiting.as_mut().poll(context).map(|()| {
                    Some(Err(SendError::TimedOut {
                        host: this.host.clone(),
                        after: patience,
                        sent: true,
                    }))
                })
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ready.is_empty() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let ready: u64 = self.ready.iter().map(|piece| piece.len() as u64).sum();
        let inner = self.inner.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(ready + inner.lower());
        if let Some(upper) = inner.upper() {
            hint.set_upper(ready + upper);
        }
        hint
    }
}

impl std::fmt::Debug for AnswerBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AnswerBody")
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}
