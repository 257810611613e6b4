//! What hosts run: the production code, put on a simulated host as its own builders put it on a
//! real one.

use std::{cell::RefCell, collections::VecDeque, rc::Rc, sync::Arc, time::Duration};

use libp2p::{Multiaddr, PeerId, identify, multiaddr::Protocol, swarm::SwarmEvent};
use netsim_scenario::{Carrier, Group, Kind};
use simnet::{Carriers, HostId, Running, Simulation};
use velox_bootstrap::behaviour::{self as bootstrap, BehaviourEvent};
use velox_mesh::{
    carriers,
    clock::Now,
    config::Settings,
    identity::Identity,
    node::{self, AddressBook, discovery},
    peer,
};

use crate::{
    agenda::HostNo,
    hostile::{Arsenal, Spammer, Sybil, sybil::SybilEvent},
    sightings::Sightings,
};

/// The network's name.
pub const NETWORK: &str = "netsim";

/// What peers have told, and when; the host's number says who.
pub type PeerLog = Rc<RefCell<VecDeque<(Duration, HostNo, peer::Event)>>>;

/// What nodes have told, and when; the host's number says who.
pub type NodeLog = Rc<RefCell<VecDeque<(Duration, HostNo, NodeNews)>>>;

/// What is to be known of a node.
#[derive(Clone, Copy, Debug)]
pub enum NodeNews {
    /// It has neighbours enough, and has found its place in the DHT.
    Ready,
    /// It is connected to somebody to whom it wasn't.
    Connected(PeerId),
}

/// Neighbours that a node has which is ready.
const NEIGHBOURS: usize = 4;

/// What a host runs.
pub enum Program {
    /// A bootstrap node.
    Bootstrap,
    /// A node.
    Node(Running<node::Behaviour>),
    /// A peer.
    Peer(Running<peer::Behaviour>),
    /// A peer that sends too much.
    Spammer(Running<Spammer>),
    /// A node next to a room's key.
    Sybil,
}

/// What a node keeps on its disk.
#[derive(Clone, Default)]
pub struct Disk {
    /// The nodes that it knows.
    pub book: AddressBook,
    /// The nodes of its rooms.
    pub rooms: Vec<(String, Vec<PeerId>)>,
}

/// The simulator's word for a carrier.
fn carrier(carrier: Carrier) -> simnet::Carrier {
    match carrier {
        Carrier::Quic => simnet::Carrier::Quic,
        Carrier::Tcp => simnet::Carrier::Tcp,
        Carrier::WebrtcDirect => simnet::Carrier::WebRtcDirect,
        Carrier::Ws => simnet::Carrier::WebSocket,
    }
}

/// What a group's hosts listen on.
pub fn listens(group: &Group) -> Vec<simnet::Carrier> {
    match group.kind {
        Kind::Bootstrap | Kind::Node => group.carriers().iter().copied().map(carrier).collect(),
        Kind::Browser | Kind::Native => Vec::new(),
    }
}

/// What a group's hosts dial over. Nodes listen on more than that, for browsers.
pub fn dials(group: &Group) -> Vec<simnet::Carrier> {
    let between_nodes = |carrier: &Carrier| matches!(carrier, Carrier::Quic | Carrier::Tcp);
    let carriers = group.carriers().iter().copied();
    carriers
        .filter(|carrier| group.kind.is_peer() || between_nodes(carrier))
        .map(carrier)
        .collect()
}

/// Where a host is dialed over a carrier, with its PeerId.
pub fn address_of(
    sim: &Simulation,
    host: HostId,
    peer: PeerId,
    carrier: simnet::Carrier,
) -> Multiaddr {
    sim.address(host, carrier).with(Protocol::P2p(peer))
}

/// The production configuration with what a group changes in it.
pub fn settings(group: &Group) -> Result<Settings, toml::de::Error> {
    let mut settings: Settings = group.settings.clone().try_into()?;
    settings.network = NETWORK.to_owned();
    settings.listen = Vec::new();
    settings.http = None;
    Ok(settings)
}

/// Starts a bootstrap node.
pub fn bootstrap_node(
    sim: &mut Simulation,
    host: HostId,
    identity: &Identity,
    group: &Group,
    settings: Settings,
    known: Vec<Multiaddr>,
) -> Program {
    let over = Carriers {
        listen: &listens(group),
        dial: &dials(group),
    };
    let running = sim.swarm(host, identity.keypair(), over, bootstrap::IDLE, || {
        bootstrap::Behaviour::new(identity, &settings)
    });
    running.listen(|swarm, event| {
        if let SwarmEvent::Behaviour(BehaviourEvent::Identify(identify::Event::Received {
            peer_id,
            info,
            ..
        })) = event
        {
            swarm.behaviour_mut().meet(NETWORK, peer_id, info);
        }
    });
    running.with(|swarm| {
        for address in known {
            // Another dial to it may be under way.
            swarm.dial(address).ok();
        }
    });
    Program::Bootstrap
}

/// Starts a node.
#[expect(
    clippy::too_many_arguments,
    reason = "what it starts from, each by itself"
)]
pub fn node(
    sim: &mut Simulation,
    host: HostId,
    number: HostNo,
    identity: &Identity,
    group: &Group,
    settings: Settings,
    disk: Disk,
    sightings: &Rc<RefCell<Sightings>>,
    log: &NodeLog,
) -> Program {
    let over = Carriers {
        listen: &listens(group),
        dial: &dials(group),
    };
    let config = settings.node();
    let running = sim.swarm_over(
        host,
        identity.keypair(),
        over,
        carriers::optimistic,
        node::IDLE_CONNECTION,
        || {
            let mut behaviour = node::Behaviour::new(identity.clone(), config, disk.book);
            behaviour.remember_room_nodes(disk.rooms);
            behaviour
        },
    );
    let told = log.clone();
    running.listen(move |_, event| {
        if let SwarmEvent::ConnectionEstablished {
            peer_id,
            num_established,
            ..
        } = event
            && num_established.get() == 1
        {
            let news = NodeNews::Connected(peer_id);
            told.borrow_mut().push_back((simnet::now(), number, news));
            simnet::interrupt();
        }
    });
    let (sightings, log) = (sightings.clone(), log.clone());
    let mut ready = false;
    running.observe(move |swarm| {
        let behaviour = swarm.behaviour();
        if !ready && behaviour.has_joined_dht() && behaviour.connections().len() >= NEIGHBOURS {
            ready = true;
            let news = NodeNews::Ready;
            log.borrow_mut().push_back((simnet::now(), number, news));
        }
        let mut sightings = sightings.borrow_mut();
        if sightings.awaits(number) {
            let presence = swarm.behaviour().presence();
            sightings.look(number, |room, peer| presence.lists(room, peer));
        }
    });
    Program::Node(running)
}

/// Starts a peer.
pub fn peer(
    sim: &mut Simulation,
    host: HostId,
    number: HostNo,
    identity: &Identity,
    group: &Group,
    nodes: Vec<Multiaddr>,
    log: &PeerLog,
) -> Program {
    let over = Carriers {
        listen: &[],
        dial: &dials(group),
    };
    let config = peer::Config {
        nodes,
        attachments: group.attach().count as usize,
        ..peer::Config::new(NETWORK)
    };
    let running = sim.swarm_over(
        host,
        identity.keypair(),
        over,
        carriers::optimistic,
        peer::IDLE_CONNECTION,
        || peer::Behaviour::new(config, identity),
    );
    let log = log.clone();
    running.listen(move |_, event| {
        if let SwarmEvent::Behaviour(event) = event {
            log.borrow_mut().push_back((simnet::now(), number, event));
        }
    });
    Program::Peer(running)
}

/// The first room of a `[[rooms]]`, by its name.
pub fn room_name(rooms: &str, number: u64) -> String {
    format!("{rooms}/{number}")
}

/// The key in the DHT of the first room of a `[[rooms]]`, at the start of the run.
pub fn first_room_key(rooms: &str) -> Vec<u8> {
    discovery::room_key(NETWORK, &room_name(rooms, 0), discovery::hour(Now::read()))
}

/// Starts a spammer.
pub fn spammer(
    sim: &mut Simulation,
    host: HostId,
    identity: &Identity,
    group: &Group,
    arsenal: Arsenal,
    nodes: Vec<Multiaddr>,
) -> Program {
    let over = Carriers {
        listen: &listens(group),
        dial: &dials(group),
    };
    let running = sim.swarm(
        host,
        identity.keypair(),
        over,
        peer::IDLE_CONNECTION,
        || Spammer::new(arsenal, nodes),
    );
    Program::Spammer(running)
}

/// Starts a sybil, which knows its like and some other nodes.
pub fn sybil(
    sim: &mut Simulation,
    host: HostId,
    identity: &Identity,
    group: &Group,
    key: &[u8],
    like: Arc<[(PeerId, Vec<Multiaddr>)]>,
    known: Vec<Multiaddr>,
) -> Program {
    let over = Carriers {
        listen: &listens(group),
        dial: &dials(group),
    };
    let running = sim.swarm(host, identity.keypair(), over, bootstrap::IDLE, || {
        Sybil::new(identity, key, like)
    });
    running.listen(|swarm, event| {
        if let SwarmEvent::Behaviour(SybilEvent::Identify(identify::Event::Received {
            peer_id,
            info,
            ..
        })) = event
        {
            swarm.behaviour_mut().meet(peer_id, info);
        }
    });
    running.with(|swarm| {
        for address in known {
            // Another dial to it may be under way.
            swarm.dial(address).ok();
        }
    });
    Program::Sybil
}
