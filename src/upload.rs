//! The caller's body on its way to the vendor: held when it is small, so that the call can be
//! repeated, and otherwise handed on piece by piece.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

use crate::app::App;
use crate::error::{Error, Result};
use crate::outbound::{Payload, Stream};
use crate::shares;

/// Bytes of a body that are held for a second sending, at most.
const HELD: usize = 64 * 1024;
/// For a body that is held, as a whole; for others from one piece to the next.
const PATIENCE: Duration = Duration::from_secs(30);

/// How the caller's body is doing.
#[derive(Debug, Clone, Default)]
pub struct Upload(Arc<OnceLock<Wrong>>);

#[derive(Debug, Clone, Copy)]
enum Wrong {
    TooLarge { limit: usize },
    Late,
    Cut,
}

impl Wrong {
    fn told(self) -> Error {
        match self {
            Self::TooLarge { limit } => Error::TooLarge { limit },
            Self::Late => Error::RequestTimeout,
            Self::Cut => Error::Invalid("The request body was cut off.".into()),
        }
    }
}

/// Whether the body will be at hand for a second sending.
pub fn is_held(body: &Stream) -> bool {
    body.size_hint()
        .upper()
        .is_some_and(|bytes| bytes <= HELD as u64)
}

impl Upload {
    /// `limit`: bytes of the body at most. `amend` is shown the beginning and may give another in its place.
    ///
    /// # Errors
    /// 413, 408 or 400 for a small body that does not come as it should; 429 when the caller's share
    /// is used up.
    pub async fn begin(
        app: &App,
        body: Stream,
        limit: usize,
        amend: Option<impl FnOnce(&[u8]) -> Option<Vec<u8>>>,
    ) -> Result<(Self, Payload)> {
        let upload = Self::default();
        if body.is_end_stream() {
            return Ok((upload, Payload::Bytes(Bytes::new())));
        }
        let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        if announced > limit {
            return Err(Error::TooLarge { limit });
        }
        // What is on its way here and there takes about as much as what is held.
        shares::Call::current().reserve(app.shares(), HELD.min(limit))?;
        let mut passed = Passed {
            ready: VecDeque::new(),
            rest: body,
            left: limit,
            limit,
            waiting: None,
            wrong: upload.0.clone(),
        };
        if announced <= HELD || amend.is_some() {
            let begun = tokio::time::timeout(PATIENCE, passed.hold()).await;
            let whole = begun.map_err(|_| Error::RequestTimeout)?;
            let whole = whole.map_err(Wrong::told)?;
            let amended = amend.and_then(|amend| amend(&passed.held()));
            if let Some(amended) = amended {
                passed.ready = VecDeque::from([Bytes::from(amended)]);
            }
            if whole {
                return Ok((upload, Payload::Bytes(passed.held())));
            }
        }
        Ok((upload, Payload::Stream(passed.boxed_unsync())))
    }

    /// The outcome of the call, or what was wrong with the body and made it fail.
    pub fn judge<T>(&self, outcome: Result<T>) -> Result<T> {
        match (self.0.get(), outcome) {
            (Some(wrong), Err(_)) => Err(wrong.told()),
            (_, outcome) => outcome,
        }
    }
}

/// What is handed on; ends with an error where the caller breaks a limit.
struct Passed {
    ready: VecDeque<Bytes>,
    rest: Stream,
    left: usize,
    limit: usize,
    waiting: Option<Pin<Box<Sleep>>>,
    wrong: Arc<OnceLock<Wrong>>,
}

impl Passed {
    /// Reads a small body, or the beginning of another one. `true`: that is all.
    async fn hold(&mut self) -> Result<bool, Wrong> {
        let mut held = 0;
        while let Some(frame) = self.rest.frame().await {
            let frame = frame.map_err(|_| Wrong::Cut)?;
            let Ok(data) = frame.into_data() else {
                continue;
            };
            held += data.len();
            self.ready.push_back(data);
            if held > self.limit {
                return Err(Wrong::TooLarge { limit: self.limit });
            }
            if held > HELD {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What has been read and not handed on, in one piece.
    fn held(&mut self) -> Bytes {
        if self.ready.len() > 1 {
            let mut joined = BytesMut::new();
            for piece in self.ready.drain(..) {
                joined.extend_from_slice(&piece);
            }
            self.ready.push_back(joined.freeze());
        }
        self.ready.front().cloned().unwrap_or_default()
    }

    fn fails(&self, wrong: Wrong) -> Poll<Option<Result<Frame<Bytes>, crate::outbound::BoxError>>> {
        let _ = self.wrong.set(wrong);
        Poll::Ready(Some(Err(wrong.told().into())))
    }
}

impl Body for Passed {
    type Data = Bytes;
    type Error = crate::outbound::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let frame = match self.ready.pop_front() {
            Some(piece) => Some(Ok(Frame::data(piece))),
            None => match Pin::new(&mut self.rest).poll_frame(context) {
                Poll::Ready(frame) => {
                    self.waiting = None;
                    frame
                }
                Poll::Pending => {
                    let sleep = || Box::pin(tokio::time::sleep(PATIENCE));
                    let waiting = self.waiting.get_or_insert_with(sleep);
                    return match waiting.as_mut().poll(context) {
                        Poll::Ready(()) => self.fails(Wrong::Late),
                        Poll::Pending => Poll::Pending,
                    };
                }
            },
        };
        match frame {
            None => Poll::Ready(None),
            Some(Err(_)) => self.fails(Wrong::Cut),
            // Trailers would be headers that nobody has looked at. They come last.
            Some(Ok(frame)) if !frame.is_data() => Poll::Ready(None),
            Some(Ok(frame)) => {
                let length = frame.data_ref().map_or(0, Bytes::len);
                match self.left.checked_sub(length) {
                    Some(left) => self.left = left,
                    None => {
                        let limit = self.limit;
                        return self.fails(Wrong::TooLarge { limit });
                    }
                }
                Poll::Ready(Some(Ok(frame)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ready.is_empty() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let ready: u64 = self.ready.iter().map(|piece| piece.len() as u64).sum();
        let rest = self.rest.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(ready + rest.lower());
        if let Some(upper) = rest.upper() {
            hint.set_upper(ready + upper);
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http::HeaderMap;
    use http_body_util::StreamBody;

    use super::*;

    fn body(pieces: &[&'static [u8]]) -> Passed {
        let trailers = HeaderMap::from_iter([(
            http::header::AUTHORIZATION,
            http::HeaderValue::from_static("of the caller"),
        )]);
        let data = pieces.iter().map(|piece| Frame::data(Bytes::from(*piece)));
        let frames: Vec<_> = data.chain([Frame::trailers(trailers)]).collect();
        let frames = frames.into_iter().map(Ok::<_, Infallible>);
        let rest = StreamBody::new(futures_util::stream::iter(frames));
        Passed {
            ready: VecDeque::new(),
            rest: rest.map_err(Into::into).boxed_unsync(),
            left: 1000,
            limit: 1000,
            waiting: None,
            wrong: Arc::default(),
        }
    }

    /// Nobody has looked at headers that come behind a body.
    #[tokio::test]
    async fn trailers_are_not_handed_on() {
        let all = body(&[b"some", b" of it"]).collect().await.expect("a body");
        assert!(all.trailers().is_none());
        assert_eq!(all.to_bytes(), "some of it");

        let mut held = body(&[b"a ", b"small one"]);
        assert!(held.hold().await.expect("a body"), "that is all");
        assert_eq!(held.held(), "a small one");
    }
}
