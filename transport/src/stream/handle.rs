//! What a user of a stream holds.

use std::{
    fmt, io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures::{AsyncRead, AsyncWrite};

use crate::link::{Link, StreamId};

/// A stream of a connection. Dropping it resets what wasn't closed.
pub struct Stream {
    link: Arc<Link>,
    id: StreamId,
}

impl Stream {
    pub(crate) fn new(link: Arc<Link>, id: StreamId) -> Self {
        Stream { link, id }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut shared = self.link.lock();
        let Some(stream) = shared.streams.get_mut(&self.id) else {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        };
        let read = stream.poll_read(cx, buffer);
        if let Poll::Ready(Ok(length)) = &read {
            let length = *length;
            self.link.has_read(&mut shared, length);
        }
        read
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.with(|stream| stream.poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_flush(cx))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_close(cx))
    }
}

impl Stream {
    fn with<T>(
        &self,
        act: impl FnOnce(&mut crate::stream::state::State) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let mut shared = self.link.lock();
        let Some(stream) = shared.streams.get_mut(&self.id) else {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        };
        let done = act(stream);
        self.link.stir(&mut shared, self.id);
        done
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.link.abandon(self.id);
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stream").field(&self.id).finish()
    }
}
