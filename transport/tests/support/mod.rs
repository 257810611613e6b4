//! Two ends of the transport, as a swarm would drive them.
#![allow(dead_code, reason = "each test program uses a part")]
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::{
    future::poll_fn,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
use libp2p_core::{
    Endpoint, Multiaddr, StreamMuxer, Transport,
    multiaddr::Protocol,
    transport::{DialOpts, ListenerId, PortUse, TransportEvent},
};
use libp2p_identity::{Keypair, PeerId};
use libp2p_webrtc_direct::{
    Certificate, Config, Connection, Ended, Error, Metrics, Stream, WebRtcDirect, address,
};
use tokio::sync::mpsc;

/// Longer than anything takes that isn't stuck.
pub const DEADLINE: Duration = Duration::from_secs(60);

pub async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(DEADLINE, future)
        .await
        .expect("done before the deadline")
}

pub fn config() -> Config {
    let identity = Keypair::ed25519_from_bytes(rand::random::<[u8; 32]>()).unwrap();
    Config::new(identity, Certificate::generate().unwrap())
}

/// A listener. What arrives is authenticated and handed over.
pub struct Listener {
    pub peer: PeerId,
    pub address: Multiaddr,
    pub metrics: Arc<Metrics>,
    pub arrived: mpsc::UnboundedReceiver<Result<Peer, Error>>,
}

impl Listener {
    pub async fn start(config: Config) -> Self {
        let peer = config.identity.public().to_peer_id();
        let mut transport = WebRtcDirect::new(config);
        let metrics = transport.metrics();
        let any = "/ip4/127.0.0.1/udp/0/webrtc-direct".parse().unwrap();
        transport.listen_on(ListenerId::next(), any).unwrap();
        let mut transport = transport.boxed_for_test();
        let address = match transport.next().await {
            Some(TransportEvent::NewAddress { listen_addr, .. }) => listen_addr,
            _ => panic!("the first event is an address"),
        };
        let (send, arrived) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(event) = transport.next().await {
                if let TransportEvent::Incoming { upgrade, .. } = event {
                    let send = send.clone();
                    tokio::spawn(async move {
                        let _ = send.send(upgrade.await.map(Peer::new));
                    });
                }
            }
        });
        Listener {
            peer,
            address: address.with(Protocol::P2p(peer)),
            metrics,
            arrived,
        }
    }

    pub fn socket(&self) -> SocketAddr {
        address::to_dial(&self.address).unwrap().socket
    }

    pub async fn accept(&mut self) -> Peer {
        soon(self.arrived.recv()).await.unwrap().unwrap()
    }

    /// The number of connections has become this.
    pub async fn holds(&self, connections: u64) {
        soon(async {
            while self.metrics.connections.get() != connections {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }
}

/// `Transport` has a `poll`, tests want a stream.
struct Events(WebRtcDirect);

impl futures::Stream for Events {
    type Item = TransportEvent<<WebRtcDirect as Transport>::ListenerUpgrade, Error>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        Pin::new(&mut self.0).poll(cx).map(Some)
    }
}

trait ForTest {
    fn boxed_for_test(self) -> Events;
}

impl ForTest for WebRtcDirect {
    fn boxed_for_test(self) -> Events {
        Events(self)
    }
}

pub async fn dial(config: Config, address: &Multiaddr) -> Result<Peer, Error> {
    let options = DialOpts {
        role: Endpoint::Dialer,
        port_use: PortUse::New,
    };
    let dial = WebRtcDirect::new(config).dial(address.clone(), options);
    soon(dial.unwrap()).await.map(Peer::new)
}

/// A connection of which streams are opened and taken.
#[derive(Clone)]
pub struct Peer {
    pub id: PeerId,
    connection: Arc<Mutex<Connection>>,
}

impl Peer {
    fn new((id, connection): (PeerId, Connection)) -> Self {
        let connection = Arc::new(Mutex::new(connection));
        Peer { id, connection }
    }

    pub async fn open(&self) -> Result<Stream, Ended> {
        poll_fn(|cx| Pin::new(&mut *self.connection.lock().unwrap()).poll_outbound(cx)).await
    }

    pub async fn accept(&self) -> Result<Stream, Ended> {
        poll_fn(|cx| Pin::new(&mut *self.connection.lock().unwrap()).poll_inbound(cx)).await
    }

    pub async fn ended(&self) -> Ended {
        poll_fn(|cx| Pin::new(&mut *self.connection.lock().unwrap()).poll(cx))
            .await
            .unwrap_err()
    }

    pub async fn close(&self) {
        poll_fn(|cx| Pin::new(&mut *self.connection.lock().unwrap()).poll_close(cx))
            .await
            .unwrap();
    }

    /// Sends back what comes on every stream, as long as the connection lives.
    pub fn echo(&self) {
        let peer = self.clone();
        tokio::spawn(async move {
            while let Ok(stream) = peer.accept().await {
                tokio::spawn(async move {
                    let (read, mut write) = stream.split();
                    if futures::io::copy(read, &mut write).await.is_ok() {
                        let _ = write.close().await;
                    }
                });
            }
        });
    }

    /// Opens a stream, sends, closes, and reads to the end.
    pub async fn ask(&self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let stream = self.open().await.map_err(io::Error::other)?;
        let (mut read, mut write) = stream.split();
        let send = async {
            write.write_all(bytes).await?;
            write.close().await
        };
        let mut answer = Vec::new();
        let (sent, read) = futures::join!(send, read.read_to_end(&mut answer));
        sent.and(read)?;
        Ok(answer)
    }
}

/// A listener that echoes, and a connection to it.
pub async fn pair() -> (Listener, Peer, Peer) {
    pair_of(config(), config()).await
}

pub async fn pair_of(server: Config, client: Config) -> (Listener, Peer, Peer) {
    let mut listener = Listener::start(server).await;
    let here = dial(client, &listener.address).await.unwrap();
    let there = listener.accept().await;
    (listener, here, there)
}
