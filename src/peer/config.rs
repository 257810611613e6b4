use std::time::Duration;

use libp2p::Multiaddr;

/// What a native peer is built from.
#[derive(Clone, Debug)]
pub struct Config {
    /// The network that it joins.
    pub network: String,
    /// Nodes to attach to: libp2p addresses with `/p2p/…`.
    pub nodes: Vec<Multiaddr>,
    /// Attachments that it keeps.
    pub attachments: usize,
    /// How long it waits for the receiver's ack before it tries the next path.
    pub ack: Duration,
    /// How long after which a receiver counts as unreachable.
    pub unreachable: Duration,
    /// Missed acks over one attachment, without one that came, that replace it.
    pub misses: usize,
    /// How long a node that was left for them is asked again only when nobody else is there.
    pub penalty: Duration,
    /// Envelopes that may wait for their acks at once.
    pub max_unacknowledged: usize,
    /// Members of one room that are kept.
    pub max_members: usize,
}

impl Config {
    /// Defaults for a peer of `network` that knows no node yet.
    pub fn new(network: impl Into<String>) -> Self {
        Config {
            network: network.into(),
            nodes: Vec::new(),
            attachments: 2,
            ack: Duration::from_millis(700),
            unreachable: Duration::from_secs(3),
            misses: 2,
            penalty: Duration::from_secs(60),
            max_unacknowledged: 256,
            max_members: 4096,
        }
    }
}
