use std::{net::SocketAddr, path::PathBuf};

use libp2p::Multiaddr;

use super::{attach, connections, discovery, presence, relay, signaling, turn};

/// What a node is built from.
#[derive(Clone, Debug)]
pub struct Config {
    /// The network it belongs to.
    pub network: String,
    /// Nodes to start from, with or without `/p2p/…`.
    pub bootstrap: Vec<Multiaddr>,
    /// libp2p addresses to listen on.
    pub listen: Vec<Multiaddr>,
    /// Where others reach it, where that isn't where it listens: each a whole address, or an IP
    /// address alone (`/ip4/192.0.2.1`) behind which all its ports are the same.
    pub external: Vec<Multiaddr>,
    /// Whether it finds nodes of the same local network by multicast DNS, and is found.
    pub mdns: bool,
    /// Where its HTTP server listens, if it has one: pages attach there.
    pub http: Option<SocketAddr>,
    /// Where it keeps its key and what it knows. Without one, nothing is kept.
    pub data_dir: Option<PathBuf>,
    /// Connections to other nodes.
    pub connections: connections::Config,
    /// Attachments.
    pub attach: attach::Config,
    /// Rooms.
    pub presence: presence::Config,
    /// Envelopes.
    pub signaling: signaling::Config,
    /// Resources, and the DHT.
    pub discovery: discovery::Config,
    /// Circuits for peers of stock libp2p.
    pub relay: relay::Config,
    /// STUN and TURN.
    pub turn: turn::Config,
}

impl Config {
    /// Defaults for a node of `network` that listens nowhere yet.
    pub fn new(network: impl Into<String>) -> Self {
        Config {
            network: network.into(),
            bootstrap: Vec::new(),
            listen: Vec::new(),
            external: Vec::new(),
            mdns: false,
            http: None,
            data_dir: None,
            connections: Default::default(),
            attach: Default::default(),
            presence: Default::default(),
            signaling: Default::default(),
            discovery: Default::default(),
            relay: Default::default(),
            turn: Default::default(),
        }
    }
}
