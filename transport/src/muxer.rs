//! A connection as libp2p sees it.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use libp2p_core::muxing::{StreamMuxer, StreamMuxerEvent};

use crate::{error::Ended, link::Link, stream::handle::Stream};

/// An authenticated connection, whose streams are data channels. Dropping it closes it.
#[derive(Debug)]
pub struct Connection {
    link: Arc<Link>,
    max_streams: usize,
}

impl Connection {
    pub(crate) fn new(link: Arc<Link>, max_streams: usize) -> Self {
        Connection { link, max_streams }
    }

    pub(crate) fn link(&self) -> &Arc<Link> {
        &self.link
    }
}

impl StreamMuxer for Connection {
    type Substream = Stream;
    type Error = Ended;

    fn poll_inbound(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Stream, Ended>> {
        let mut shared = self.link.lock();
        if let Some(id) = shared.inbound.pop_front() {
            return Poll::Ready(Ok(Stream::new(self.link.clone(), id)));
        }
        if let Some(why) = &shared.ended {
            return Poll::Ready(Err(why.clone()));
        }
        shared.inbound_waker = Some(cx.waker().clone());
        Poll::Pending
    }

    fn poll_outbound(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Stream, Ended>> {
        let mut shared = self.link.lock();
        if let Some(why) = &shared.ended {
            return Poll::Ready(Err(why.clone()));
        }
        if shared.streams.len() >= self.max_streams {
            shared.outbound_waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(Ok(self.link.open(&mut shared)))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Ended>> {
        self.link.close();
        let mut shared = self.link.lock();
        if shared.ended.is_some() {
            return Poll::Ready(Ok(()));
        }
        shared.close_waker = Some(cx.waker().clone());
        Poll::Pending
    }

    fn poll(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<StreamMuxerEvent, Self::Error>> {
        let mut shared = self.link.lock();
        if let Some(why) = &shared.ended {
            return Poll::Ready(Err(why.clone()));
        }
        shared.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.link.close();
    }
}
