//! A stream that goes on taking what comes while what goes out is stuck. Knows nothing of what
//! is said on it.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes taken at a time.
const CHUNK: usize = 64 << 10;

/// Reads ahead while a write waits. The SSH library writes without reading meanwhile, and so
/// does more than one server: with data on both ways at once, each would wait for the other to
/// read, for good.
pub struct ReadAhead<S> {
    inner: S,
    /// What came during writes, still to be read.
    taken: VecDeque<Bytes>,
    taken_len: usize,
    most: usize,
    /// Why reading ahead ended; to be told behind what was taken.
    failed: Option<io::Error>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> ReadAhead<S> {
    /// Takes at most `most` bytes ahead: as many as the other side may send unasked.
    pub fn new(inner: S, most: usize) -> Self {
        ReadAhead { inner, taken: VecDeque::new(), taken_len: 0, most, failed: None }
    }

    /// Takes what is there, and has the task woken when more is.
    fn take(&mut self, context: &mut Context<'_>) {
        let mut chunk = [0; CHUNK];
        while self.taken_len < self.most && self.failed.is_none() {
            let mut buffer = ReadBuf::new(&mut chunk);
            match Pin::new(&mut self.inner).poll_read(context, &mut buffer) {
                // The end is there also for whoever reads next.
                Poll::Ready(Ok(())) if buffer.filled().is_empty() => return,
                Poll::Ready(Ok(())) => {
                    self.taken_len += buffer.filled().len();
                    self.taken.push_back(Bytes::copy_from_slice(buffer.filled()));
                }
                Poll::Ready(Err(error)) => self.failed = Some(error),
                Poll::Pending => return,
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for ReadAhead<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let Some(first) = this.taken.front_mut() else {
            return match this.failed.take() {
                Some(error) => Poll::Ready(Err(error)),
                None => Pin::new(&mut this.inner).poll_read(context, buffer),
            };
        };
        let count = first.len().min(buffer.remaining());
        buffer.put_slice(&first[..count]);
        first.advance(count);
        this.taken_len -= count;
        if first.is_empty() {
            this.taken.pop_front();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for ReadAhead<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.inner).poll_write(context, bytes);
        if outcome.is_pending() {
            self.take(context);
        }
        outcome
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.inner).poll_flush(context);
        if outcome.is_pending() {
            self.take(context);
        }
        outcome
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    fn bytes(len: usize) -> Vec<u8> {
        (0..len).map(|index| (index % 251) as u8).collect()
    }

    /// Each side writes everything before it reads.
    #[tokio::test]
    async fn two_that_write_before_they_read_do_not_wait_for_good() {
        let (near, mut far) = tokio::io::duplex(1000);
        let mut near = ReadAhead::new(near, 1 << 20);
        let (here, there) = (bytes(300_000), bytes(500_000));
        let other = tokio::spawn({
            let (here, there) = (here.clone(), there.clone());
            async move {
                far.write_all(&there).await.unwrap();
                let mut got = vec![0; here.len()];
                far.read_exact(&mut got).await.unwrap();
                assert!(got == here);
                far.shutdown().await.unwrap();
            }
        });
        let both = async {
            near.write_all(&here).await.unwrap();
            let mut got = Vec::new();
            near.read_to_end(&mut got).await.unwrap();
            assert!(got == there);
        };
        tokio::time::timeout(PATIENCE, both).await.expect("each waits for the other");
        other.await.unwrap();
    }

    #[tokio::test]
    async fn no_more_is_taken_than_allowed() {
        let (near, mut far) = tokio::io::duplex(1000);
        let mut near = ReadAhead::new(near, 5000);
        let flood = tokio::spawn(async move {
            let _ = far.write_all(&[7; 1_000_000]).await;
        });
        let stuck = tokio::time::timeout(Duration::from_millis(100), near.write_all(&[0; 100_000])).await;
        assert!(stuck.is_err(), "nobody reads it");
        assert!(near.taken_len >= 5000 && near.taken_len <= 5000 + CHUNK, "{}", near.taken_len);
        flood.abort();
    }

    #[tokio::test]
    async fn an_end_during_a_write_is_told_behind_the_data() {
        let (near, mut far) = tokio::io::duplex(1000);
        let mut near = ReadAhead::new(near, 1 << 20);
        far.write_all(b"last words").await.unwrap();
        near.write_all(&[0; 1000]).await.unwrap();
        let stuck = tokio::time::timeout(Duration::from_millis(50), near.write_all(&[0; 1])).await;
        assert!(stuck.is_err());
        drop(far);
        let mut got = Vec::new();
        near.read_to_end(&mut got).await.unwrap();
        assert_eq!(got, b"last words");
    }
}
