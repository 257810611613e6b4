//! By WebRTC-direct: a connection of our own transport, without a swarm around it.

use std::{future::poll_fn, io, pin::Pin, task::Poll};

use futures::{AsyncRead, AsyncWriteExt};
use libp2p::{
    Multiaddr, Transport,
    core::{
        Endpoint,
        muxing::{StreamMuxer, StreamMuxerExt},
        transport::{DialOpts, PortUse},
    },
};
use libp2p_webrtc_direct::{Certificate, Config, Connection, Stream, WebRtcDirect};
use multistream_select::{Negotiated, Version, dialer_select_proto, listener_select_proto};
use velox_mesh::{identity::Identity, node::attach::PROTOCOL};

use crate::{attachment::Carrier, failure::Failure};

/// Bytes that are read at a time.
const READ: usize = 4 * 1024;

pub struct Direct {
    connection: Connection,
    stream: Negotiated<Stream>,
}

/// Dials, and opens the one stream.
pub async fn dial(node: &Multiaddr, certificate: Certificate) -> Result<Direct, Failure> {
    let identity = Identity::generate();
    let config = Config::new(identity.keypair().clone(), certificate);
    let options = DialOpts {
        role: Endpoint::Dialer,
        port_use: PortUse::New,
    };
    let dialing = WebRtcDirect::new(config)
        .dial(node.clone(), options)
        .map_err(|_| Failure::Address(node.to_string()))?;
    let (_, mut connection) = dialing.await?;
    let failed = |error: &dyn std::fmt::Display| Failure::Protocol(error.to_string());
    let stream = poll_fn(|cx| connection.poll_outbound_unpin(cx))
        .await
        .map_err(|error| failed(&error))?;
    // Lazily: as a page does, the hello goes along.
    let (_, stream) = dialer_select_proto(stream, [PROTOCOL.as_ref()], Version::V1Lazy)
        .await
        .map_err(|error| failed(&error))?;
    Ok(Direct { connection, stream })
}

impl Carrier for Direct {
    async fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let failed = Failure::io("writing");
        self.stream.write_all(bytes).await.map_err(&failed)?;
        self.stream.flush().await.map_err(&failed)
    }

    async fn receive(&mut self) -> Result<Vec<u8>, Failure> {
        let mut buffer = [0; READ];
        let read = poll_fn(|cx| {
            while let Poll::Ready(opened) = self.connection.poll_inbound_unpin(cx) {
                match opened {
                    Ok(stream) => drop(tokio::spawn(refuse(stream))),
                    Err(error) => return Poll::Ready(Err(io::Error::other(error))),
                }
            }
            if let Poll::Ready(Err(error)) = Pin::new(&mut self.connection).poll(cx) {
                return Poll::Ready(Err(io::Error::other(error)));
            }
            Pin::new(&mut self.stream).poll_read(cx, &mut buffer)
        });
        match read.await.map_err(Failure::io("reading"))? {
            0 => Err(Failure::Ended),
            length => Ok(buffer[..length].to_vec()),
        }
    }
}

/// A page serves no protocol.
async fn refuse(stream: Stream) {
    // It ends when the node gives up asking.
    let none: [&str; 0] = [];
    listener_select_proto(stream, none).await.ok();
}
