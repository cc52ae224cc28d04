//! A stream whose other end must read: what stands before a full socket must get on, not by a byte
//! now and then but by as much as the slowest line carries.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// Whoever takes less than [`LEAST`] of what waits for them in so long is gone.
pub const PATIENCE: Duration = Duration::from_secs(30);
const LEAST: usize = 16 * 1024;

#[derive(Debug)]
pub struct Paced<Stream> {
    stream: Stream,
    patience: Duration,
    timer: Pin<Box<Sleep>>,
    /// Bytes taken since the socket was full and the timer set.
    taken: Option<usize>,
}

impl<Stream> Paced<Stream> {
    pub fn new(stream: Stream, patience: Duration) -> Self {
        Self {
            stream,
            patience,
            timer: Box::pin(tokio::time::sleep(patience)),
            taken: None,
        }
    }

    fn judge(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(bytes)) => {
                self.taken = self
                    .taken
                    .map(|taken| taken + bytes)
                    .filter(|taken| *taken < LEAST);
                Poll::Ready(Ok(bytes))
            }
            Poll::Ready(error) => Poll::Ready(error),
            Poll::Pending => {
                if self.taken.is_none() {
                    self.taken = Some(0);
                    self.timer.as_mut().reset(Instant::now() + self.patience);
                }
                ready!(self.timer.as_mut().poll(context));
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
        }
    }
}

impl<Stream: AsyncWrite + Unpin> AsyncWrite for Paced<Stream> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judge(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.judge(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Asked for when nothing is left to write.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        if flushed.is_ready() {
            self.taken = None;
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<Stream: AsyncRead + Unpin> AsyncRead for Paced<Stream> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    const SHORT: Duration = Duration::from_millis(200);

    #[tokio::test]
    async fn a_byte_now_and_then_is_not_reading() {
        let (stream, mut other) = duplex(64);
        let mut stream = Paced::new(stream, SHORT);
        let writing = tokio::spawn(async move { stream.write_all(&[0; 4096]).await });
        let mut byte = [0];
        while !writing.is_finished() {
            other.read_exact(&mut byte).await.expect("a byte");
            tokio::time::sleep(SHORT / 20).await;
        }
        let given_up = writing.await.expect("no panic").expect_err("given up");
        assert_eq!(given_up.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn who_reads_on_may_take_long() {
        let (stream, mut other) = duplex(LEAST);
        let mut stream = Paced::new(stream, SHORT);
        let writing = tokio::spawn(async move {
            for _ in 0..2 {
                stream.write_all(&[0; 4 * LEAST]).await?;
                stream.flush().await?;
                // Nothing is asked for meanwhile, and nobody is late.
                tokio::time::sleep(2 * SHORT).await;
            }
            stream.write_all(&[0; 2 * LEAST]).await
        });
        let mut some = vec![0; LEAST];
        for _ in 0..10 {
            other.read_exact(&mut some).await.expect("bytes");
            tokio::time::sleep(SHORT / 4).await;
        }
        writing.await.expect("no panic").expect("all is taken");
    }
}
