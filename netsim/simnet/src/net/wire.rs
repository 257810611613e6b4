//! Real Noise and Yamux over what stands for a TCP connection: to see that what is left out
//! otherwise makes no difference.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use futures::{AsyncRead, AsyncWrite};
use libp2p::{
    PeerId, Transport,
    core::{
        muxing::StreamMuxerBox,
        transport::{Boxed, timeout::TransportTimeout},
        upgrade::Version,
    },
    identity::Keypair,
    noise, yamux,
};

use super::{
    muxer::{Muxer, Substream},
    transport::SimTransport,
};

/// What libp2p's builder gives a connection to be set up.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The bytes of a raw connection.
struct Raw {
    stream: Substream,
    _end: Muxer,
}

impl AsyncRead for Raw {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl AsyncWrite for Raw {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(cx)
    }
}

/// As libp2p's builder puts TCP together.
pub(crate) fn boxed(transport: SimTransport, key: &Keypair) -> Boxed<(PeerId, StreamMuxerBox)> {
    let noise = noise::Config::new(key).expect("an Ed25519 key signs");
    let upgraded = transport
        .map(|(_, end), _| {
            let (end, stream) = end.raw();
            Raw { stream, _end: end }
        })
        .upgrade(Version::V1Lazy)
        .authenticate(noise)
        .multiplex(yamux::Config::default());
    TransportTimeout::new(upgraded.boxed(), TIMEOUT).boxed()
}
