//! A channel's stream that ends when the channel does. Must never hold data of its own.
//!
//! russh leaves a writer that waits for window waiting when its channel is closed: without this,
//! every download that a client breaks off would leave a task behind for good.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use russh::{ChannelStream, server::Msg};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

pub struct Guarded {
    stream: ChannelStream<Msg>,
    ended: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Guarded {
    pub fn new(stream: ChannelStream<Msg>, ended: CancellationToken) -> Self {
        Guarded { stream, ended: Box::pin(ended.cancelled_owned()) }
    }

    fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        self.ended.as_mut().poll(context).is_ready()
    }
}

impl AsyncRead for Guarded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // What has come before the end is still answered; a write then fails.
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Pending if self.is_over(context) => Poll::Ready(Ok(())),
            polled => polled,
        }
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.is_over(context) {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_over(context) {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_over(context) {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
