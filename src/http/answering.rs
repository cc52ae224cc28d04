//! Answers on their way out. What one holds, its place in its organization's share above all, is
//! held until its last byte has left the process, and a client that does not take an answer loses
//! its connection: every answer has a time by which it must be gone, whatever else the client asks
//! meanwhile.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::Body;
use bytes::Bytes;
use http::Response;
use http_body::{Body as _, Frame, SizeHint};

use crate::http::called::Note;
use crate::shares::Call;

/// For the first byte of an answer, and the next one of those whose length nobody knows.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// On top of that: bytes in a second, at least.
const SLOWEST: u64 = 4 * 1024;
/// Handed to the connection at once, which keeps it until it is sent.
const PIECE: usize = 16 * 1024;

/// In a response's extensions: its pieces come as they come, so that it has to get on from one to
/// the next, as if nobody knew its length.
#[derive(Debug, Clone, Copy)]
pub struct Unpaced;

/// The answers of one connection that are not gone, and when they must be.
#[derive(Debug, Default)]
pub struct Answers {
    due: Mutex<HashMap<u64, Instant>>,
    next: AtomicU64,
}

impl Answers {
    fn due(&self) -> MutexGuard<'_, HashMap<u64, Instant>> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn any(&self) -> bool {
        !self.due().is_empty()
    }

    /// One should be gone by now.
    pub fn is_overdue(&self) -> bool {
        let now = Instant::now();
        self.due().values().any(|due| *due <= now)
    }
}

/// The answer, held until it is gone.
pub fn held(response: Response<Body>, answers: &Arc<Answers>) -> Response<Body> {
    held_for(response, answers, PATIENCE)
}

/// The same with another time for its first byte.
pub fn held_for(
    mut response: Response<Body>,
    answers: &Arc<Answers>,
    patience: Duration,
) -> Response<Body> {
    let call = response.extensions_mut().remove::<Call>();
    let note = response.extensions_mut().remove::<Note>();
    let unpaced = response.extensions_mut().remove::<Unpaced>().is_some();
    response.map(|inner| {
        if inner.is_end_stream() {
            if let Some(note) = note {
                note.complete();
            }
            return inner;
        }
        let length = inner.size_hint().exact().filter(|_| !unpaced);
        let id = answers.next.fetch_add(1, Ordering::Relaxed);
        let slow = length.map_or(0, |length| length / SLOWEST);
        let due = Instant::now() + patience + Duration::from_secs(slow);
        answers.due().insert(id, due);
        Body::new(Outgoing {
            inner,
            ready: Bytes::new(),
            held: Arc::new(Held {
                answers: answers.clone(),
                id,
                patience: length.is_none().then_some(patience),
                note,
                _call: call,
            }),
        })
    })
}

struct Held {
    answers: Arc<Answers>,
    id: u64,
    /// Of an answer whose length nobody knows, from one piece to the next.
    patience: Option<Duration>,
    note: Option<Note>,
    _call: Option<Call>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.answers.due().remove(&self.id);
    }
}

/// A piece of an answer that the connection has and has not sent.
struct Piece {
    bytes: Bytes,
    _held: Arc<Held>,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

struct Outgoing {
    inner: Body,
    ready: Bytes,
    held: Arc<Held>,
}

impl Outgoing {
    fn piece(&mut self) -> Frame<Bytes> {
        if let Some(patience) = self.held.patience {
            let due = Instant::now() + patience;
            self.held.answers.due().insert(self.held.id, due);
        }
        let bytes = self.ready.split_to(self.ready.len().min(PIECE));
        if let Some(note) = &self.held.note {
            note.sent(bytes.len());
            if self.is_end_stream() {
                note.complete();
            }
        }
        Frame::data(Bytes::from_owner(Piece {
            bytes,
            _held: self.held.clone(),
        }))
    }
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        while self.ready.is_empty() {
            match Pin::new(&mut self.inner).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => self.ready = data,
                    Err(frame) => return Poll::Ready(Some(Ok(frame))),
                },
                Poll::Ready(None) => {
                    if let Some(note) = &self.held.note {
                        note.complete();
                    }
                    return Poll::Ready(None);
                }
                other => return other,
            }
        }
        Poll::Ready(Some(Ok(self.piece())))
    }

    fn is_end_stream(&self) -> bool {
        self.ready.is_empty() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let ready = self.ready.len() as u64;
        let inner = self.inner.size_hint();
        let mut hint = SizeHint::new();
        if let Some(upper) = inner.upper() {
            hint.set_upper(ready + upper);
        }
        hint.set_lower(ready + inner.lower());
        hint
    }
}

/// A body of parts that exist anyway and are shared by all who are sent them.
#[derive(Debug)]
pub struct Parts(VecDeque<Bytes>);

impl Parts {
    pub fn new(parts: impl IntoIterator<Item = Bytes>) -> Self {
        Self(parts.into_iter().filter(|part| !part.is_empty()).collect())
    }
}

impl http_body::Body for Parts {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(self.0.pop_front().map(|part| Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.iter().map(|part| part.len() as u64).sum())
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn an_answer_is_held_until_its_last_piece_is_gone() {
        let answers = Arc::new(Answers::default());
        let text: Vec<u8> = (0..PIECE * 2 + 7).map(|at| at as u8).collect();
        let answer = Response::new(Body::from(text.clone()));
        let mut body = held_for(answer, &answers, Duration::ZERO).into_body();
        assert_eq!(body.size_hint().exact(), Some(text.len() as u64));
        let mut pieces = Vec::new();
        while let Some(frame) = body.frame().await {
            pieces.push(frame.expect("a piece").into_data().expect("data"));
        }
        assert_eq!(pieces.concat(), text);
        assert_eq!(pieces.len(), 3);
        assert!(body.is_end_stream());
        drop(body);
        assert_eq!(answers.due().len(), 1, "the connection still has pieces");
        drop(pieces);
        assert!(answers.due().is_empty());
        held_for(Response::new(Body::empty()), &answers, Duration::ZERO);
        assert!(answers.due().is_empty(), "nothing has to go");
    }

    #[tokio::test]
    async fn an_answer_that_is_not_taken_is_overdue() {
        let answers = Arc::new(Answers::default());
        let short = Response::new(Body::from("short"));
        let short = held_for(short, &answers, Duration::ZERO);
        assert!(answers.is_overdue());
        drop(short);
        assert!(!answers.is_overdue());
        let long = Response::new(Body::from(vec![0; 10 * SLOWEST as usize]));
        let _long = held_for(long, &answers, Duration::ZERO);
        assert!(!answers.is_overdue(), "it has its ten seconds");
    }
}
