//! By WebSocket: Noise around every message, as docs/spec/attach.md has it.

use futures::{SinkExt, StreamExt};
use libp2p::{Multiaddr, multiaddr::Protocol};
use snow::{Builder, TransportState};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{
        Message, client::IntoClientRequest, http::HeaderValue, protocol::WebSocketConfig,
    },
};
use velox_mesh::{
    gateway::{
        ATTACH,
        socket::noise::{MAX_MESSAGE, PATTERN, PROLOGUE, TAG, payload, verify_payload},
    },
    identity::Identity,
};

use crate::{attachment::Carrier, failure::Failure};

/// No frame of an idle peer is longer.
const BUFFER: usize = 4 * 1024;

pub struct WebSocket {
    socket: WebSocketStream<TcpStream>,
    noise: TransportState,
}

/// Dials `/ip4/…/tcp/…/ws`, and proves to each other who both ends are.
pub async fn dial(node: &Multiaddr) -> Result<WebSocket, Failure> {
    let parts: Vec<_> = node.iter().take(2).collect();
    let [Protocol::Ip4(ip), Protocol::Tcp(port)] = parts[..] else {
        return Err(Failure::Address(node.to_string()));
    };
    let tcp = TcpStream::connect((ip, port))
        .await
        .map_err(Failure::io("connecting"))?;
    tcp.set_nodelay(true).map_err(Failure::io("TCP_NODELAY"))?;
    let mut request = format!("ws://{ip}:{port}{ATTACH}").into_client_request()?;
    request
        .headers_mut()
        .insert("sec-websocket-protocol", HeaderValue::from_static(PROLOGUE));
    let config = WebSocketConfig::default()
        .read_buffer_size(BUFFER)
        .write_buffer_size(0);
    let (mut socket, _) = client_async_with_config(request, tcp, Some(config)).await?;
    let noise = handshake(&mut socket).await?;
    Ok(WebSocket { socket, noise })
}

async fn handshake(socket: &mut WebSocketStream<TcpStream>) -> Result<TransportState, Failure> {
    let builder = Builder::new(PATTERN.parse()?);
    let keypair = builder.generate_keypair()?;
    let mut state = builder
        .prologue(PROLOGUE.as_bytes())?
        .local_private_key(&keypair.private)?
        .build_initiator()?;
    let mut buffer = vec![0; MAX_MESSAGE];
    let length = state.write_message(&[], &mut buffer)?;
    send(socket, &buffer[..length]).await?;
    let length = state.read_message(&receive(socket).await?, &mut buffer)?;
    let failed = || Failure::Protocol("the node doesn't say who it is".to_owned());
    let remote = state.get_remote_static().ok_or_else(failed)?;
    verify_payload(&buffer[..length], remote).map_err(|_| failed())?;
    let ours = payload(&Identity::generate(), &keypair.public);
    let length = state.write_message(&ours, &mut buffer)?;
    send(socket, &buffer[..length]).await?;
    Ok(state.into_transport_mode()?)
}

async fn send(socket: &mut WebSocketStream<TcpStream>, bytes: &[u8]) -> Result<(), Failure> {
    Ok(socket.send(Message::binary(bytes.to_vec())).await?)
}

async fn receive(socket: &mut WebSocketStream<TcpStream>) -> Result<Vec<u8>, Failure> {
    loop {
        match socket.next().await.transpose()? {
            Some(Message::Binary(bytes)) => return Ok(bytes.to_vec()),
            Some(Message::Close(_)) | None => return Err(Failure::Ended),
            Some(_) => {}
        }
    }
}

impl Carrier for WebSocket {
    async fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let mut message = vec![0; bytes.len() + TAG];
        let length = self.noise.write_message(bytes, &mut message)?;
        send(&mut self.socket, &message[..length]).await
    }

    async fn receive(&mut self) -> Result<Vec<u8>, Failure> {
        let message = receive(&mut self.socket).await?;
        let mut bytes = vec![0; message.len()];
        let length = self.noise.read_message(&message, &mut bytes)?;
        bytes.truncate(length);
        Ok(bytes)
    }
}
