//! A whole mesh in one process: a bootstrap node, three nodes, and an origin whose page shows
//! what they do.

mod origin;

use std::net::{IpAddr, SocketAddr};

use libp2p::{Multiaddr, multiaddr::Protocol};

use crate::{
    gateway::{self, Server, ServerError},
    node::{Node, StartError, Stopped, with_peer_id},
};

/// Nodes with HTTP, besides the bootstrap node.
const NODES: u16 = 3;

/// What the demo is made of.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the origin listens; the nodes take the ports after its. Port 0 is any.
    pub http: SocketAddr,
    /// What the pictures are made from.
    pub seed: u64,
}

/// Why the demo doesn't start.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// A node doesn't.
    #[error(transparent)]
    Node(#[from] StartError),
    /// An HTTP server doesn't.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// A node stopped as soon as it was started.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

/// The demo at work.
pub struct Demo {
    /// The origin's page, by each address of this machine, this host's own first.
    pub pages: Vec<String>,
    /// The nodes' HTTP servers, this host's own address each.
    pub nodes: Vec<String>,
    /// The bootstrap node.
    pub bootstrap: Node,
    /// The nodes.
    pub mesh: Vec<Node>,
}

impl Demo {
    /// Makes the pictures and starts everything.
    pub async fn start(config: Config) -> Result<Demo, DemoError> {
        let drawn = tokio::task::spawn_blocking(move || velox_pictures::draw(config.seed));
        let server = Server::bind(config.http).await?;
        let bootstrap = node(Vec::new(), config.http.ip())
            .configure(|config| {
                config.attach.max = 0;
                config.turn.listen = Some(Vec::new());
            })
            .spawn()
            .await?;
        let known: Vec<_> = bootstrap
            .listening()
            .into_iter()
            .map(|address| with_peer_id(address, bootstrap.peer_id()))
            .collect();
        let (mut nodes, mut ports, mut mesh) = (Vec::new(), Vec::new(), Vec::new());
        for number in 1..=NODES {
            let port = match config.http.port() {
                0 => 0,
                first => first.saturating_add(number),
            };
            let server = Server::bind(SocketAddr::new(config.http.ip(), port)).await?;
            let node = node(known.clone(), config.http.ip())
                .listen(for_pages(config.http.ip()))
                .spawn()
                .await?;
            // Its record has no WebSocket, so that pages attach by WebRTC-direct, without TLS.
            nodes.push(server.url());
            ports.push(server.port());
            server.serve(gateway::router(node.clone()), None);
            mesh.push(node);
        }
        let pages = server
            .addresses()
            .into_iter()
            .map(|address| format!("http://{address}/"))
            .collect();
        let pictures = drawn.await.expect("drawing doesn't panic");
        server.serve(origin::router(mesh.clone(), ports, pictures), None);
        Ok(Demo {
            pages,
            nodes,
            bootstrap,
            mesh,
        })
    }

    /// Stops everything.
    pub async fn stop(self) {
        for node in self.mesh.iter().chain([&self.bootstrap]) {
            // One that has stopped already is as it should be.
            node.stop().await.ok();
        }
    }
}

/// The demo's network: nothing else joins it, since it is only announced on this machine.
const NETWORK: &str = "velox-demo";

/// Where pages dial a node.
fn for_pages(ip: IpAddr) -> Multiaddr {
    Multiaddr::from(ip)
        .with(Protocol::Udp(0))
        .with(Protocol::WebRTCDirect)
}

fn node(bootstrap: Vec<Multiaddr>, ip: IpAddr) -> crate::node::Builder {
    let listen = "/ip4/127.0.0.1/tcp/0".parse();
    Node::builder(NETWORK)
        .listen(listen.expect("a constant multiaddr"))
        .configure(|config| {
            config.bootstrap = bootstrap;
            config.turn.listen = Some(vec![SocketAddr::new(ip, 0)]);
        })
}
