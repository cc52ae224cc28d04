//! A caller's form on its way to whoever takes it apart, who looks through all that has come each time
//! that more comes: small pieces are put together before, each is looked at before the next is asked
//! for, and a part that does not begin for too long ends the form. The work is then of the order of the
//! form's length, however it is cut.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use futures_util::stream::BoxStream;

use crate::outbound::BoxError;

/// Bytes of a piece, save the last one.
const PIECE: usize = 8 * 1024;

/// Bytes in which a part has to begin, which is more than its headers may be.
const LONGEST_HEAD: usize = 256 * 1024;

/// What has been handed on since the form last came forward.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<AtomicUsize>);

impl Progress {
    /// A part has begun, or something of one has come.
    pub fn made(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// The pieces, put together.
pub struct Pieces {
    from: BoxStream<'static, Result<Bytes, BoxError>>,
    held: BytesMut,
    ended: bool,
    /// One has been handed on; its receiver shall look at it before it asks for the next.
    pause: bool,
    progress: Progress,
}

impl Pieces {
    pub fn new(from: BoxStream<'static, Result<Bytes, BoxError>>, progress: Progress) -> Self {
        Self {
            from,
            held: BytesMut::new(),
            ended: false,
            pause: false,
            progress,
        }
    }

    fn hand_on(&mut self, piece: Bytes) -> Poll<Option<Result<Bytes, BoxError>>> {
        self.pause = true;
        let before = self.progress.0.fetch_add(piece.len(), Ordering::Relaxed);
        if before >= LONGEST_HEAD {
            self.ended = true;
            return Poll::Ready(Some(Err("a part of the form does not begin".into())));
        }
        Poll::Ready(Some(Ok(piece)))
    }
}

impl Stream for Pieces {
    type Item = Result<Bytes, BoxError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.pause) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        while !self.ended {
            match std::task::ready!(self.from.as_mut().poll_next(context)) {
                Some(Ok(piece)) if self.held.is_empty() && piece.len() >= PIECE => {
                    return self.hand_on(piece);
                }
                Some(Ok(piece)) => {
                    self.held.extend_from_slice(&piece);
                    if self.held.len() >= PIECE {
                        let piece = self.held.split().freeze();
                        return self.hand_on(piece);
                    }
                }
                Some(Err(error)) => {
                    self.ended = true;
                    return Poll::Ready(Some(Err(error)));
                }
                None => {
                    self.ended = true;
                    if !self.held.is_empty() {
                        let piece = self.held.split().freeze();
                        return self.hand_on(piece);
                    }
                }
            }
        }
        Poll::Ready(None)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt, stream};

    use super::*;

    fn in_pieces(text: &[u8], size: usize) -> BoxStream<'static, Result<Bytes, BoxError>> {
        let pieces: Vec<_> = text
            .chunks(size)
            .map(|piece| Ok(Bytes::copy_from_slice(piece)))
            .collect();
        stream::iter(pieces).boxed()
    }

    #[tokio::test]
    async fn bytes_that_come_one_by_one_are_looked_at_as_seldom_as_large_pieces() {
        let text: Vec<u8> = (0..100_000_u32).map(|number| number as u8).collect();
        for size in [1, 7, PIECE - 1, PIECE, 50_000, 100_000] {
            let pieces = Pieces::new(in_pieces(&text, size), Progress::default());
            let pieces: Vec<Bytes> = pieces.map(|piece| piece.expect("a piece")).collect().await;
            assert!(pieces.len() <= text.len() / PIECE + 1, "{size}");
            assert_eq!(pieces.concat(), text, "{size}");
        }
    }

    #[tokio::test]
    async fn a_form_that_does_not_come_forward_ends() {
        let text = vec![b'x'; 4 * LONGEST_HEAD];
        let progress = Progress::default();
        let mut pieces = Pieces::new(in_pieces(&text, 1), progress.clone());
        let mut got = 0;
        while let Some(Ok(piece)) = pieces.next().await {
            got += piece.len();
            if got == 10 * PIECE {
                progress.made();
            }
        }
        assert_eq!(got, LONGEST_HEAD + 10 * PIECE);
        assert!(pieces.next().await.is_none());
    }
}
