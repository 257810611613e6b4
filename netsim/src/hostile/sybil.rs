//! A node next to a room's key in the DHT, which names only its like there.

use std::sync::Arc;

use libp2p::{Multiaddr, PeerId, StreamProtocol, identify, kad, swarm::NetworkBehaviour};
use velox_mesh::{
    identity::Identity,
    node::{
        AGENT,
        discovery::{Store, StoreConfig, kad_config},
        link::{self, Link},
        may_be_dialed, protocol_version,
    },
    wire::limits,
};

use super::store::LyingStore;
use crate::programs::NETWORK;

/// Speaks identify and the DHT like a node, and lies there about one key. It takes what streams
/// of presence it is offered, and stays silent on them.
#[derive(NetworkBehaviour)]
pub struct Sybil {
    pub identify: identify::Behaviour,
    pub kad: kad::Behaviour<LyingStore>,
    presence: Link,
}

impl Sybil {
    /// Lies about `key`, where it names `like`.
    pub fn new(identity: &Identity, key: &[u8], like: Arc<[(PeerId, Vec<Multiaddr>)]>) -> Self {
        let node = identity.peer_id();
        let honest = Store::new(StoreConfig::default(), node);
        let store = LyingStore::new(honest, key, like);
        let mut kad = kad::Behaviour::with_config(node, store, kad_config(NETWORK));
        kad.set_mode(Some(kad::Mode::Server));
        let identify =
            identify::Config::new(protocol_version(NETWORK), identity.keypair().public())
                .with_agent_version(AGENT.to_owned());
        let protocol = StreamProtocol::try_from_owned(format!("/velox/{NETWORK}/presence/1"))
            .expect("it begins with a slash");
        Sybil {
            identify: identify::Behaviour::new(identify),
            kad,
            presence: Link::new(link::Config {
                protocol,
                opens: link::Opens::Never,
                accepts: true,
                max_frame: limits::NODE_FRAME,
                max_queue: 0,
            }),
        }
    }

    /// A node has said who it is: it enters the routing table.
    pub fn meet(&mut self, node: PeerId, info: identify::Info) {
        if !info.protocols.contains(&self.kad.protocol_names()[0]) {
            return;
        }
        for address in info.listen_addrs {
            if may_be_dialed(&address, &info.observed_addr) {
                self.kad.add_address(&node, address);
            }
        }
    }
}
