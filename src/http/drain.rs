//! Reads what a refused caller is still sending, so that the caller can read the refusal: closing a
//! connection with unread bytes resets it, and the answer is lost with it.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::sync::oneshot;

use crate::http::called::Note;

/// Whoever sends more than this, or slower, does not get to read the answer.
const LIMIT: usize = 32 * 1024 * 1024;
const PATIENCE: Duration = Duration::from_secs(5);

/// What is left of a request's body after the handler.
#[derive(Debug)]
pub struct Leftover(Option<oneshot::Receiver<Body>>);

/// The body for the handler, and the hold on what it leaves. A body that is empty anyway, which is
/// every common read, passes untouched.
pub fn watch(body: Body, note: Option<Note>) -> (Body, Leftover) {
    if body.is_end_stream() {
        return (body, Leftover(None));
    }
    let (give_back, leftover) = oneshot::channel();
    let watched = Watched {
        inner: body,
        give_back: Some(give_back),
        note,
    };
    (Body::new(watched), Leftover(Some(leftover)))
}

impl Leftover {
    /// Call when the handler is done with the body.
    pub async fn drain(self) {
        let Some(mut body) = self.0.and_then(|mut leftover| leftover.try_recv().ok()) else {
            return;
        };
        let read_on = async {
            let mut left = LIMIT;
            while let Some(Ok(frame)) = body.frame().await {
                let length = frame.data_ref().map_or(0, Bytes::len);
                match left.checked_sub(length) {
                    Some(rest) => left = rest,
                    None => return,
                }
            }
        };
        let _ = tokio::time::timeout(PATIENCE, read_on).await;
    }
}

struct Watched {
    inner: Body,
    give_back: Option<oneshot::Sender<Body>>,
    /// Counts what comes.
    note: Option<Note>,
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(context);
        if let (Poll::Ready(Some(Ok(frame))), Some(note)) = (&polled, &self.note) {
            note.received(frame.data_ref().map_or(0, Bytes::len));
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if !self.inner.is_end_stream()
            && let Some(give_back) = self.give_back.take()
        {
            let _ = give_back.send(std::mem::take(&mut self.inner));
        }
    }
}
