//! `GET /velox/attach`: a WebSocket as the carrier of an attachment.
//!
//! Each handshake message is one binary WebSocket message; after the handshake each binary
//! message is one Noise message, and their plaintexts, put end to end, are a stream of frames
//! ([`wire::frame`](crate::wire::frame)).

pub mod noise;

use std::{net::SocketAddr, time::Duration};

use axum::{
    extract::{
        ConnectInfo, State,
        ws::{Message, WebSocket, WebSocketUpgrade},
    },
    http::StatusCode,
    response::{IntoResponse, Response},
};
use libp2p::{Multiaddr, multiaddr::Protocol};

use self::noise::{Cipher, Responder};
use crate::{
    gateway::Remote,
    identity::Identity,
    node::{
        Node,
        attach::{Carrier, Entrance},
    },
    wire::{frame, limits},
};

/// How long a client has for the handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Bytes that are read at a time. A buffer belongs to its attachment for as long as that lasts;
/// a longer message passes through it all the same.
const READ: usize = 4 * 1024;

/// How long a client may take to accept one message: as long as a silent one is kept.
const STALLED: Duration = Duration::from_secs(30);

pub(super) async fn attach(
    State(node): State<Node>,
    ConnectInfo(Remote(remote)): ConnectInfo<Remote>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let upgrade = upgrade
        .max_message_size(noise::MAX_MESSAGE)
        .max_frame_size(noise::MAX_MESSAGE)
        .read_buffer_size(READ)
        .write_buffer_size(0)
        .protocols([noise::PROLOGUE]);
    if upgrade.selected_protocol().is_none() {
        let text = format!("ask for the WebSocket subprotocol {}\n", noise::PROLOGUE);
        return (StatusCode::BAD_REQUEST, text).into_response();
    }
    upgrade.on_upgrade(move |socket| async move {
        if let Err(reason) = serve(node, socket, remote).await {
            tracing::debug!(%remote, %reason, "WebSocket attachment ended");
        }
    })
}

/// Why a socket was dropped, for the log.
type Reason = Box<dyn std::error::Error + Send + Sync>;

async fn serve(node: Node, mut socket: WebSocket, remote: SocketAddr) -> Result<(), Reason> {
    let shaken = tokio::time::timeout(HANDSHAKE, handshake(node.identity(), &mut socket));
    let (peer, cipher) = shaken.await.map_err(|_| "no handshake in time")??;
    let mut entrance: Entrance = node.entrance();
    let carrier = entrance.open(peer, multiaddr_of(remote)).await?;
    pump(socket, cipher, carrier).await
}

async fn handshake(
    identity: &Identity,
    socket: &mut WebSocket,
) -> Result<(libp2p::PeerId, Cipher), Reason> {
    let first = receive(socket).await?.ok_or("closed in the handshake")?;
    let (responder, answer) = Responder::respond(identity, &first)?;
    socket.send(Message::binary(answer)).await?;
    let third = receive(socket).await?.ok_or("closed in the handshake")?;
    Ok(responder.finish(&third)?)
}

/// The next binary message; `None` at the end.
async fn receive(socket: &mut WebSocket) -> Result<Option<axum::body::Bytes>, Reason> {
    loop {
        match socket.recv().await.transpose()? {
            Some(Message::Binary(bytes)) => return Ok(Some(bytes)),
            Some(Message::Ping(_) | Message::Pong(_)) => {}
            Some(Message::Text(_)) => return Err("a text message".into()),
            Some(Message::Close(_)) | None => return Ok(None),
        }
    }
}

/// Moves frames both ways until either end is done.
async fn pump(
    mut socket: WebSocket,
    mut cipher: Cipher,
    mut carrier: Carrier,
) -> Result<(), Reason> {
    let mut decoder = frame::Decoder::new(limits::ATTACH_FRAME);
    loop {
        tokio::select! {
            message = receive(&mut socket) => {
                let Some(message) = message? else { return Ok(()) };
                decoder.extend(&cipher.decrypt(&message)?);
                while let Some(frame) = decoder.next_frame()? {
                    carrier.received(frame).await?;
                }
            }
            first = carrier.next() => {
                let Some(first) = first else {
                    socket.send(Message::Close(None)).await?;
                    return Ok(());
                };
                let mut stream = Vec::with_capacity(first.len() + 4);
                let mut bytes = first.len();
                frame::push(&mut stream, &first);
                // What else waits goes into the same message, as far as it fits.
                while stream.len() + limits::ATTACH_FRAME + 8 < noise::MAX_MESSAGE - noise::TAG {
                    let Some(next) = carrier.try_next() else { break };
                    bytes += next.len();
                    frame::push(&mut stream, &next);
                }
                let message = Message::binary(cipher.encrypt(&stream)?);
                let sent = tokio::time::timeout(STALLED, socket.send(message));
                sent.await.map_err(|_| "the client doesn't read")??;
                carrier.written(bytes).await?;
            }
        }
    }
}

fn multiaddr_of(address: SocketAddr) -> Multiaddr {
    Multiaddr::from(address.ip().to_canonical())
        .with(Protocol::Tcp(address.port()))
        .with(Protocol::Ws("/".into()))
}
