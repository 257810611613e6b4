//! Streams that are kept for a moment after their opener has let them go.
//!
//! Who wants no answer, as with Kademlia's `ADD_PROVIDER`, lets a stream go when he has said what he
//! had to say. If the other side hasn't consented to the protocol by then, it is told, over QUIC, that nobody
//! reads on; it fails to write its consent, and throws away what it has received. So such a
//! stream is read here until the other side closes it, for at most [`LONGEST`].

use std::{
    mem,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use futures::{AsyncRead, FutureExt};
use futures_timer::Delay;
use libp2p::core::muxing::{StreamMuxer, StreamMuxerEvent};

use super::optimistic::Stream;

/// How long a stream is kept: as long as a question of the DHT may take.
const LONGEST: Duration = Duration::from_secs(5);
/// Streams that one connection keeps, as many as QUIC has open at once; those beyond are let go.
const MOST: usize = 256;
/// Bytes that are read of one: a consent is no longer.
const BYTES: usize = 256;

/// A connection that keeps streams whose openers don't.
pub struct Lingering<M: StreamMuxer> {
    connection: M,
    left: Arc<Left<M::Substream>>,
    /// Those that are read to their end.
    kept: Vec<Kept<M::Substream>>,
}

/// Streams that were let go since the connection was looked at last.
pub(super) struct Left<S>(Mutex<(Vec<S>, Option<Waker>)>);

struct Kept<S> {
    stream: S,
    until: Delay,
    read: usize,
}

impl<M: StreamMuxer> Lingering<M> {
    /// Keeps the streams of `connection` as long as they need.
    pub fn new(connection: M) -> Self {
        Lingering {
            connection,
            left: Arc::new(Left(Mutex::new((Vec::new(), None)))),
            kept: Vec::new(),
        }
    }
}

impl<M> StreamMuxer for Lingering<M>
where
    M: StreamMuxer + Unpin,
    M::Substream: Unpin,
{
    type Substream = Stream<M::Substream>;
    type Error = M::Error;

    fn poll_inbound(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Self::Substream, M::Error>> {
        Pin::new(&mut self.connection)
            .poll_inbound(cx)
            .map_ok(Stream::inbound)
    }

    fn poll_outbound(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Self::Substream, M::Error>> {
        let this = &mut *self;
        Pin::new(&mut this.connection)
            .poll_outbound(cx)
            .map_ok(|stream| Stream::outbound(stream, this.left.clone()))
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), M::Error>> {
        Pin::new(&mut self.connection).poll_close(cx)
    }

    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<StreamMuxerEvent, M::Error>> {
        let this = &mut *self;
        let left = this.left.take(cx).into_iter();
        this.kept.extend(left.map(|stream| Kept {
            stream,
            until: Delay::new(LONGEST),
            read: 0,
        }));
        this.kept.retain_mut(|kept| kept.poll(cx).is_pending());
        this.kept.truncate(MOST);
        Pin::new(&mut this.connection).poll(cx)
    }
}

impl<S> Left<S> {
    /// Takes a stream that is let go.
    pub fn add(&self, stream: S) {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if left.0.len() < MOST {
            left.0.push(stream);
        }
        if let Some(waker) = left.1.take() {
            waker.wake();
        }
    }

    fn take(&self, cx: &mut Context<'_>) -> Vec<S> {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut left.1 {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        mem::take(&mut left.0)
    }
}

impl<S: AsyncRead + Unpin> Kept<S> {
    /// Ready when it may be let go.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut buffer = [0; 64];
        while self.read < BYTES {
            match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(()),
                Poll::Ready(Ok(count)) => self.read += count,
                Poll::Pending => return self.until.poll_unpin(cx),
            }
        }
        Poll::Ready(())
    }
}
