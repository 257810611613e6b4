//! The whole node as one `NetworkBehaviour`: its duties, its connections, and (in `routes`) what
//! one duty tells another.
//!
//! It holds no socket and reads no clock but `web_time`'s, so that the simulator can run it as
//! it is.

mod routes;

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    net::IpAddr,
    task::{Context, Poll},
    time::Duration,
};

use libp2p::{
    Multiaddr, PeerId,
    core::{Endpoint, transport::PortUse},
    kad,
    multiaddr::Protocol,
    swarm::{
        CloseConnection, ConnectionDenied, ConnectionId, DialError, FromSwarm, NetworkBehaviour,
        THandler, THandlerInEvent, THandlerOutEvent, ToSwarm,
        dial_opts::{DialOpts, PeerCondition},
    },
};

use super::{
    Alarm, Config, IceOffer,
    address_book::{AddressBook, without_peer_id},
    addresses::{self, Reach},
    attach,
    connections::Connections,
    discovery::Refresh,
    duties::Duties,
    presence, relay,
    status::Summaries,
    unreachable::Unreachable,
};
use crate::{
    clock::Now,
    identity::Identity,
    wire::{Bytes, Signed, V1, attach::IceServer, limits, node_record::NodeRecord},
};

/// How often connections are looked after. It also wakes gossipsub, whose heartbeat re-arms its
/// timer without polling it and would otherwise stop in a quiet network.
const TICK: Duration = Duration::from_secs(1);
/// Dials that a node below its low water mark starts in one tick.
const DIALS_PER_TICK: usize = 4;
/// How long before its end a node record is signed anew, in ms.
const RECORD_RENEWAL_MS: u64 = limits::NODE_RECORD_LIFE_MS / 4;

/// What the node's owner may want to know.
#[derive(Debug)]
pub enum Event {
    /// A node that was dialed or has dialed belongs to another network, and was left.
    Stranger {
        /// The node.
        node: PeerId,
        /// The protocol family that it names.
        protocol: String,
    },
    /// An address given by hand can't be dialed.
    BootstrapFailed {
        /// The address.
        address: Multiaddr,
        /// Why.
        reason: String,
    },
}

/// One node's records, by who is told.
struct Records {
    loopback: Signed<NodeRecord>,
    private: Signed<NodeRecord>,
    global: Signed<NodeRecord>,
}

/// A node.
pub struct Behaviour {
    duties: Duties,
    identity: Identity,
    config: Config,
    book: AddressBook,
    connections: Connections,
    unreachable: Unreachable,
    /// Nodes of other networks, and when they may be tried again, in ms.
    strangers: HashMap<PeerId, u64>,
    /// Bootstrap addresses that name no node.
    nameless: Vec<Multiaddr>,
    /// libp2p addresses that this node listens on.
    listening: BTreeSet<Multiaddr>,
    /// Where its HTTP server is reached.
    http: Vec<Multiaddr>,
    /// Its own record with every address, and such as name only addresses that reach further.
    records: Option<Records>,
    queries: HashMap<kad::QueryId, Vec<u8>>,
    refresh: Refresh,
    /// The look-up of a far bucket that is under way.
    refreshing: Option<kad::QueryId>,
    /// Its look-up of itself in the DHT has ended.
    in_dht: bool,
    next_tick: Now,
    alarm: Alarm,
    pending: VecDeque<ToSwarm<Event, THandlerInEvent<Duties>>>,
}

impl Behaviour {
    /// A node that knows the nodes of `book` and those that `config` names.
    pub fn new(identity: Identity, config: Config, mut book: AddressBook) -> Self {
        let mut nameless = Vec::new();
        for address in &config.bootstrap {
            match address.iter().last() {
                Some(Protocol::P2p(node)) => book.pin(node, address.clone()),
                _ => nameless.push(address.clone()),
            }
        }
        Behaviour {
            duties: Duties::new(&identity, &config),
            refresh: Refresh::new(identity.peer_id()),
            refreshing: None,
            identity,
            config,
            book,
            connections: Connections::default(),
            unreachable: Unreachable::default(),
            strangers: HashMap::new(),
            nameless,
            listening: BTreeSet::new(),
            http: Vec::new(),
            records: None,
            queries: HashMap::new(),
            in_dht: false,
            next_tick: Now::read(),
            alarm: Alarm::default(),
            pending: VecDeque::new(),
        }
    }

    /// Says where the node's HTTP server is reached; its record lists these addresses.
    pub fn set_http_addresses(&mut self, addresses: Vec<Multiaddr>) {
        self.http = addresses;
        self.sign_record();
    }

    /// Offers attached peers a STUN and TURN server.
    pub fn offer_ice(&mut self, offer: IceOffer) {
        self.duties.attach.state_mut().offer_ice(offer);
    }

    /// ICE servers for somebody at this address who isn't attached.
    pub fn ice_servers(&self, from: IpAddr, now: Now) -> Vec<IceServer> {
        let offer = self.duties.attach.state().ice_offer();
        offer.map_or_else(Vec::new, |offer| offer.servers_for_stranger(from, now))
    }

    /// The node's own signed record, with every address.
    pub fn record(&self) -> Option<&Signed<NodeRecord>> {
        self.records.as_ref().map(|records| &records.loopback)
    }

    /// The node's own signed record for somebody at `address`: nobody is told of addresses that
    /// mean something else, or nothing, where he is.
    pub fn record_for(&self, address: &Multiaddr) -> Option<&Signed<NodeRecord>> {
        let records = self.records.as_ref()?;
        Some(match addresses::reach_of(address) {
            Reach::Loopback => &records.loopback,
            Reach::Private => &records.private,
            Reach::Global => &records.global,
        })
    }

    /// Signed records of other nodes to attach to, for somebody at `address`.
    pub fn nodes_for(&self, address: &Multiaddr) -> Vec<Bytes> {
        self.duties.discovery.state().nodes_for(address, 8)
    }

    /// The nodes that it knows.
    pub fn book_mut(&mut self) -> &mut AddressBook {
        &mut self.book
    }

    /// Connected nodes.
    pub fn connections(&self) -> &Connections {
        &self.connections
    }

    /// Whether its first look-up of itself in the DHT has ended: from then on it knows the nodes
    /// around it there, and they know it.
    pub fn has_joined_dht(&self) -> bool {
        self.in_dht
    }

    /// The duties, to look at.
    pub fn duties(&self) -> &Duties {
        &self.duties
    }

    /// What each duty has done and holds.
    pub fn summaries(&self, now: Now) -> Summaries {
        Summaries {
            attachments: self.duties.attach.state().summary(now),
            rooms: self.duties.presence.state().summary(),
            signaling: self.duties.signaling.state().summary(),
            discovery: self.duties.discovery.state().summary(),
        }
    }

    /// The rules of presence, to look at.
    pub fn presence(&self) -> &presence::State {
        self.duties.presence.state()
    }

    /// Members of a room, as far as this node knows: 0 where it doesn't serve it.
    pub fn room_size(&self, room: &str) -> usize {
        self.duties.presence.state().size(room)
    }

    /// Nodes in the DHT's routing table.
    pub fn routing_table_len(&mut self) -> usize {
        self.duties
            .kad
            .kbuckets()
            .map(|bucket| bucket.num_entries())
            .sum()
    }

    /// Provider records in the DHT's store.
    pub fn provider_records(&mut self) -> usize {
        self.duties.kad.store_mut().len()
    }

    /// Nodes known to serve each room, to be kept on disk.
    pub fn room_nodes(&self) -> Vec<(String, Vec<PeerId>)> {
        self.duties.presence.state().remembered()
    }

    /// What [`Behaviour::room_nodes`] gave before a restart.
    pub fn remember_room_nodes(&mut self, rooms: Vec<(String, Vec<PeerId>)>) {
        self.duties.presence.state_mut().remember(rooms);
    }

    /// Where attachments other than libp2p streams come in.
    pub fn entrance(&self) -> attach::Entrance {
        self.duties.attach.entrance()
    }

    /// Sends every attached peer away.
    pub fn drain(&mut self, reason: &str) {
        let discovery = self.duties.discovery.state();
        self.duties
            .attach
            .state_mut()
            .drain(reason, |address| discovery.nodes_for(address, 8));
    }

    fn sign_record(&mut self) {
        let now = Now::read();
        let records = Records {
            loopback: self.sign_for(Reach::Loopback, now),
            private: self.sign_for(Reach::Private, now),
            global: self.sign_for(Reach::Global, now),
        };
        let discovery = self.duties.discovery.state_mut();
        for (reach, record) in [
            (Reach::Loopback, &records.loopback),
            (Reach::Private, &records.private),
            (Reach::Global, &records.global),
        ] {
            discovery.set_own_record_for(reach, record.clone(), now);
        }
        self.records = Some(records);
    }

    fn sign_for(&self, reach: Reach, now: Now) -> Signed<NodeRecord> {
        let own: Vec<_> = self.http.iter().chain(&self.listening).cloned().collect();
        let addrs = addresses::from_outside(&self.config.external, &own)
            .iter()
            .chain(&own)
            .filter(|address| addresses::reach_of(address) >= reach)
            .take(limits::NODE_ADDRESSES)
            .map(|address| without_peer_id(address.clone()).to_string())
            .collect();
        Signed::sign(
            &self.identity,
            NodeRecord {
                v: V1,
                network: self.config.network.clone(),
                node: self.identity.peer_id(),
                seq: now.millis,
                expires: now.millis + limits::NODE_RECORD_LIFE_MS,
                addrs,
            },
        )
    }

    fn tick(&mut self, now: Now) {
        let renew = match self.record() {
            Some(record) => record.expires < now.millis + RECORD_RENEWAL_MS,
            None => true,
        };
        if renew {
            self.sign_record();
        }
        self.strangers.retain(|_, until| *until > now.millis);
        if self.connections.len() > self.config.connections.high {
            self.cut(now);
        }
        if self.connections.len() < self.config.connections.low {
            self.look_for_nodes(now);
        }
        self.keep_neighbours(now);
        self.duties.forget_gone(now);
    }

    fn cut(&mut self, now: Now) {
        let (own, config) = (self.identity.peer_id(), &self.config.connections);
        let needed = self.duties.needed(own, config.near);
        for node in self
            .connections
            .to_cut(config, now.instant, |node| needed.contains(node))
        {
            tracing::debug!(%node, "connection cut: above the high water mark");
            self.close(node);
        }
    }

    /// Opens links to nodes that stay; the others get one when there is something to be said.
    fn keep_neighbours(&mut self, now: Now) {
        let settled = self
            .connections
            .settle(&self.config.connections, now.instant);
        for node in settled {
            self.duties.presence.keep(node);
            self.duties.signaling.keep(node);
            self.duties.discovery.keep(node);
        }
    }

    fn look_for_nodes(&mut self, now: Now) {
        let (connections, strangers) = (&self.connections, &self.strangers);
        let own = self.identity.peer_id();
        for node in self.book.candidates(DIALS_PER_TICK, now, |node| {
            *node != own && !connections.contains(node) && !strangers.contains_key(node)
        }) {
            self.dial(node);
        }
        if self.connections.len() == 0 {
            for address in self.nameless.clone() {
                self.pending.push_back(ToSwarm::Dial {
                    opts: DialOpts::unknown_peer_id().address(address).build(),
                });
            }
        }
    }

    fn dial(&mut self, node: PeerId) {
        self.pending.push_back(ToSwarm::Dial {
            opts: DialOpts::peer_id(node)
                .condition(PeerCondition::DisconnectedAndNotDialing)
                .build(),
        });
    }

    fn close(&mut self, node: PeerId) {
        self.pending.push_back(ToSwarm::CloseConnection {
            peer_id: node,
            connection: CloseConnection::All,
        });
    }

    fn dial_failed(&mut self, node: Option<PeerId>, error: &DialError) {
        if matches!(
            error,
            DialError::DialPeerConditionFalse(_)
                | DialError::NoAddresses
                | DialError::Denied { .. }
        ) {
            return;
        }
        if let DialError::Transport(failures) = error {
            for (address, reason) in failures {
                let plain = without_peer_id(address.clone());
                let given = self
                    .config
                    .bootstrap
                    .iter()
                    .find(|bootstrap| without_peer_id((*bootstrap).clone()) == plain);
                if let Some(address) = given {
                    let event = Event::BootstrapFailed {
                        address: address.clone(),
                        reason: addresses::explain(reason),
                    };
                    self.pending.push_back(ToSwarm::GenerateEvent(event));
                }
            }
        }
        if let DialError::WrongPeerId { obtained, address } = error {
            let event = Event::BootstrapFailed {
                address: address.clone(),
                reason: format!("another node answers there: {obtained}"),
            };
            self.pending.push_back(ToSwarm::GenerateEvent(event));
        }
        if let Some(node) = node {
            self.book.failed(&node);
            if let DialError::Transport(failures) = error {
                let tried = failures
                    .iter()
                    .map(|(address, _)| without_peer_id(address.clone()));
                self.unreachable
                    .failed(node, tried.collect(), Now::read().instant);
            }
        }
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = THandler<Duties>;
    type ToSwarm = Event;

    fn handle_pending_inbound_connection(
        &mut self,
        id: ConnectionId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        self.duties
            .handle_pending_inbound_connection(id, local, remote)
    }

    fn handle_established_inbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.duties
            .handle_established_inbound_connection(id, peer, local, remote)
    }

    fn handle_pending_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: Option<PeerId>,
        given: &[Multiaddr],
        role: Endpoint,
    ) -> Result<Vec<Multiaddr>, ConnectionDenied> {
        let mut all = self
            .duties
            .handle_pending_outbound_connection(id, peer, given, role)?;
        if let Some(peer) = peer {
            for address in self.book.addresses(&peer) {
                if !all.contains(address) && !given.contains(address) {
                    all.push(address.clone());
                }
            }
            // Who is alone tries everybody again and again.
            if self.connections.len() > 0 {
                let tried: Vec<_> = given
                    .iter()
                    .chain(&all)
                    .map(|address| without_peer_id(address.clone()))
                    .collect();
                self.unreachable
                    .may_be_dialed(&peer, &tried, Now::read().instant)
                    .map_err(ConnectionDenied::new)?;
            }
        }
        Ok(all)
    }

    fn handle_established_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        role: Endpoint,
        port_use: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.duties
            .handle_established_outbound_connection(id, peer, address, role, port_use)
    }

    fn on_swarm_event(&mut self, event: FromSwarm) {
        match &event {
            FromSwarm::ConnectionEstablished(established) => {
                self.unreachable.reached(&established.peer_id);
                self.duties.discovery.state_mut().seen_at(
                    established.peer_id,
                    established.endpoint.get_remote_address(),
                );
                if let libp2p::core::ConnectedPoint::Dialer { address, .. } = established.endpoint {
                    if self.strangers.contains_key(&established.peer_id) {
                        self.close(established.peer_id);
                    } else {
                        self.book.dialed(established.peer_id, address.clone());
                    }
                }
            }
            FromSwarm::ConnectionClosed(closed) if closed.remaining_established == 0 => {
                self.connections.remove(&closed.peer_id);
            }
            FromSwarm::DialFailure(failure) => {
                self.dial_failed(failure.peer_id, failure.error);
            }
            FromSwarm::NewListenAddr(listen) => {
                self.listening.insert(listen.addr.clone());
                relay::listens(&mut self.duties.relay, listen.addr);
                self.sign_record();
            }
            FromSwarm::ExpiredListenAddr(listen) => {
                self.listening.remove(listen.addr);
                self.sign_record();
            }
            _ => {}
        }
        self.duties.on_swarm_event(event);
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        id: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        self.duties.on_connection_handler_event(peer, id, event);
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ToSwarm<Event, THandlerInEvent<Self>>> {
        loop {
            if let Some(event) = self.pending.pop_front() {
                return Poll::Ready(event);
            }
            match self.duties.poll(cx) {
                Poll::Ready(ToSwarm::GenerateEvent(event)) => {
                    self.route(event);
                    continue;
                }
                Poll::Ready(other) => {
                    return Poll::Ready(other.map_out(|_| unreachable!("matched above")));
                }
                Poll::Pending => {}
            }
            let now = Now::read();
            if self.next_tick.instant <= now.instant {
                self.next_tick = now.after(TICK);
                self.tick(now);
                continue;
            }
            let tick = self.alarm.poll(self.next_tick.instant, now.instant, cx);
            if tick.is_pending() && self.pending.is_empty() {
                return Poll::Pending;
            }
        }
    }
}
