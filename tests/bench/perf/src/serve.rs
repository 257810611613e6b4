//! libp2p's perf protocol: a visitor says how many bytes it wants, sends as many as it likes, and
//! gets what it wants when it has closed its half. What it gets may be anything: here it begins with
//! the number of bytes that were read, so that the visitor sees whether any are missing.
//! https://github.com/libp2p/specs/blob/master/perf/perf.md

use std::{error::Error, future::poll_fn, io, pin::Pin};

use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
use libp2p_core::{
    Multiaddr, StreamMuxer, Transport,
    transport::{ListenerId, TransportEvent},
};
use libp2p_identity::{Keypair, PeerId};
use libp2p_webrtc_direct::{Certificate, Config, Connection, Stream, WebRtcDirect};
use tokio::task::JoinHandle;

const PROTOCOL: &str = "/perf/1.0.0";
const PIECE: usize = 64 * 1024;

/// Listens on any port of loopback, in the background.
pub async fn start(
    send_window: Option<usize>,
) -> Result<(Multiaddr, PeerId, JoinHandle<()>), Box<dyn Error>> {
    let identity = Keypair::generate_ed25519();
    let peer = identity.public().to_peer_id();
    let mut config = Config::new(identity, Certificate::generate()?);
    config.send_window = send_window.unwrap_or(config.send_window);
    let mut transport = WebRtcDirect::new(config);
    transport.listen_on(
        ListenerId::next(),
        "/ip4/127.0.0.1/udp/0/webrtc-direct".parse()?,
    )?;
    let mut transport = transport.boxed();
    let Some(TransportEvent::NewAddress { listen_addr, .. }) = transport.next().await else {
        return Err("no address to listen at".into());
    };
    let serving = tokio::spawn(async move {
        while let Some(event) = transport.next().await {
            if let TransportEvent::Incoming { upgrade, .. } = event {
                tokio::spawn(async move {
                    if let Ok((_, connection)) = upgrade.await {
                        serve(connection).await;
                    }
                });
            }
        }
    });
    Ok((listen_addr, peer, serving))
}

async fn serve(mut connection: Connection) {
    while let Ok(stream) = poll_fn(|cx| {
        let mut connection = Pin::new(&mut connection);
        let inbound = connection.as_mut().poll_inbound(cx);
        // It has nothing to say of its own, but wants to be asked.
        let _ = connection.poll(cx);
        inbound
    })
    .await
    {
        tokio::spawn(async move {
            if let Err(error) = perform(stream).await {
                eprintln!("a visitor's stream: {error}");
            }
        });
    }
}

async fn perform(stream: Stream) -> io::Result<()> {
    let (_, mut stream) = multistream_select::listener_select_proto(stream, [PROTOCOL])
        .await
        .map_err(io::Error::other)?;
    let mut wanted = [0; 8];
    stream.read_exact(&mut wanted).await?;
    let mut piece = vec![0; PIECE];
    let mut read = 0_u64;
    loop {
        match stream.read(&mut piece).await? {
            0 => break,
            more => read += more as u64,
        }
    }
    piece[..8].copy_from_slice(&read.to_be_bytes());
    let mut left = usize::try_from(u64::from_be_bytes(wanted)).map_err(io::Error::other)?;
    while left > 0 {
        let length = left.min(PIECE);
        stream.write_all(&piece[..length]).await?;
        left -= length;
    }
    stream.close().await
}
