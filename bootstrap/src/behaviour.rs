//! The protocols that a bootstrap node speaks, and no others.

use std::time::Duration;

use libp2p::{
    Multiaddr, PeerId, Swarm, SwarmBuilder, identify, kad, noise, swarm::NetworkBehaviour, tcp,
    yamux,
};
use velox_mesh::{
    carriers::{DIAL_TIMEOUT, SwarmError},
    config::Settings,
    identity::Identity,
    node::{AGENT, StartError, admission, discovery, may_be_dialed, protocol_version},
};

/// Connections in all: each costs about 30 KB, so 1,024 about 30 MB.
const MAX_CONNECTIONS: usize = 1_024;
/// A connection without a stream is closed after this long: who wants to know more asks again.
pub const IDLE: Duration = Duration::from_secs(60);
/// Streams that a node may have open over QUIC, which sets memory aside for each.
const QUIC_STREAMS: u32 = 16;
/// Bytes under way on one of them: a DHT message has 16 KiB at most.
const QUIC_WINDOW: u32 = 64 * 1024;

/// The protocols of a bootstrap node.
#[derive(NetworkBehaviour)]
pub struct Behaviour {
    admission: admission::Behaviour,
    pub identify: identify::Behaviour,
    pub kad: kad::Behaviour<discovery::Store>,
}

/// Addresses of one node that are believed.
const MAX_ADDRESSES: usize = 16;

/// A node that has said who it is.
#[derive(Debug)]
pub enum Met {
    /// It belongs to the network's DHT, and listens there.
    Member(Vec<Multiaddr>),
    /// It is of another network.
    Stranger,
    /// It takes no part in the DHT.
    Client,
}

impl Behaviour {
    /// A bootstrap node's protocols.
    pub fn new(identity: &Identity, settings: &Settings) -> Self {
        let node = identity.peer_id();
        let admission = admission::Limits {
            arriving: 128,
            dialing: 32,
            established: MAX_CONNECTIONS,
            with_one: 2,
        };
        let store = discovery::Store::new(settings.discovery.store.clone(), node);
        let mut kad =
            kad::Behaviour::with_config(node, store, discovery::kad_config(&settings.network));
        kad.set_mode(Some(kad::Mode::Server));
        let identify = identify::Config::new(
            protocol_version(&settings.network),
            identity.keypair().public(),
        )
        .with_agent_version(AGENT.replace("velox/", "velox-bootstrap/"))
        .with_push_listen_addr_updates(true);
        Behaviour {
            admission: admission::Behaviour::new(admission),
            identify: identify::Behaviour::new(identify),
            kad,
        }
    }

    /// A node has said who it is: a member of `network` enters the routing table, a stranger
    /// leaves it.
    pub fn meet(&mut self, network: &str, node: PeerId, info: identify::Info) -> Met {
        if info.protocol_version != protocol_version(network) {
            self.kad.remove_peer(&node);
            return Met::Stranger;
        }
        if !info.protocols.contains(&self.kad.protocol_names()[0]) {
            return Met::Client;
        }
        let listen: Vec<_> = info
            .listen_addrs
            .into_iter()
            .filter(|address| may_be_dialed(address, &info.observed_addr))
            .take(MAX_ADDRESSES)
            .collect();
        for address in &listen {
            self.kad.add_address(&node, address.clone());
        }
        Met::Member(listen)
    }
}

/// A swarm that speaks them over TCP and QUIC. Names are resolved elsewhere
/// ([`crate::names`]): libp2p's resolver would be half of this program.
pub fn swarm(identity: &Identity, settings: &Settings) -> Result<Swarm<Behaviour>, StartError> {
    let behaviour = Behaviour::new(identity, settings);
    let failed = |what, reason: &dyn std::fmt::Display| SwarmError {
        what,
        reason: reason.to_string(),
    };
    let swarm = SwarmBuilder::with_existing_identity(identity.keypair().clone())
        .with_tokio()
        .with_tcp(
            tcp::Config::default().nodelay(true),
            noise::Config::new,
            yamux::Config::default,
        )
        .map_err(|error| failed("noise", &error))?
        .with_quic_config(|mut config| {
            config.handshake_timeout = DIAL_TIMEOUT;
            config.max_concurrent_stream_limit = QUIC_STREAMS;
            config.max_stream_data = QUIC_WINDOW;
            config.max_connection_data = 4 * QUIC_WINDOW;
            config
        })
        .with_behaviour(|_| behaviour)
        .map_err(|_| failed("the bootstrap node", &"unreachable"))?
        .with_swarm_config(|config| config.with_idle_connection_timeout(IDLE))
        .with_connection_timeout(DIAL_TIMEOUT)
        .build();
    Ok(swarm)
}
