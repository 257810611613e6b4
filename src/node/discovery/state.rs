use std::collections::{HashMap, VecDeque};

use libp2p::{Multiaddr, PeerId};
use web_time::Instant;

use super::{
    Config, Summary,
    keys::Resource,
    lookups::Lookups,
    neighbours::{Neighbours, reach},
    own::Own,
    publisher::Publisher,
    queries::{Begun, Queries},
    resources::Resources,
    rooms::{Keys, Rooms},
};
use crate::{
    clock::Now,
    node::{
        Budget, Denied, Leftovers, Reach,
        link::{Output, StateMachine},
    },
    wire::{
        Bytes, Malformed, Signed,
        attach::{Done, FromNode},
        cbor,
        discovery::DiscoveryFrame,
        limits,
        node_record::NodeRecord,
        presence::{Leave, PresenceRecord},
    },
};

/// What discovery tells the rest of the node.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Call `kad.start_providing` with this key: for the first time, or again.
    StartProviding(Vec<u8>),
    /// Call `kad.stop_providing` with this key.
    StopProviding(Vec<u8>),
    /// Call `kad.get_providers` with this key, and report by [`State::providers_found`] and
    /// [`State::query_finished`]. Not asked again for a key until its end is reported, or
    /// [`Config::query_ms`] have passed.
    FindProviders(Vec<u8>),
    /// End the query of this key: enough is found.
    StopFinding(Vec<u8>),
    /// Nodes that serve a room, this one left out; each once a search.
    RoomNodes {
        /// The room.
        room: String,
        /// The nodes.
        nodes: Vec<PeerId>,
    },
    /// For a peer that is attached here: `providers` or `done`.
    ToPeer {
        /// The peer.
        peer: PeerId,
        /// What it is told.
        message: FromNode,
    },
    /// A neighbour's record: its signature, network and signer are verified.
    NodeRecord {
        /// The record as signed: its `addrs` are the neighbour's word alone.
        record: Signed<NodeRecord>,
        /// Where the neighbour is connected from or to.
        address: Multiaddr,
        /// The addresses of the record that the connection confirms: of the same IP address,
        /// or a DNS name with TLS.
        confirmed: Vec<Multiaddr>,
    },
}

/// The rules of discovery.
#[derive(Debug)]
pub struct State {
    pub(super) config: Config,
    pub(super) network: String,
    pub(super) node: PeerId,
    own: Own,
    pub(super) neighbours: Neighbours,
    pub(super) resources: Resources,
    publisher: Publisher,
    /// When everything is published again, after a time without neighbours.
    rejoined: Option<Instant>,
    pub(super) rooms: Rooms,
    pub(super) lookups: Lookups,
    pub(super) queries: Queries,
    /// What attached peers may look up: made with their first look-up, dropped as they detach.
    pub(super) locates: HashMap<PeerId, Budget>,
    /// What peers that are gone may still look up.
    pub(super) left: Leftovers<Budget>,
    pub(super) outputs: VecDeque<Output<Event>>,
    pub(super) counts: Summary,
}

impl State {
    /// Nothing provided, nothing looked up.
    pub fn new(config: Config, network: String, node: PeerId) -> Self {
        State {
            own: Own::new(config.announce_every()),
            neighbours: Neighbours::new(config.neighbours),
            resources: Resources::new(config.resources_per_peer, config.resources),
            publisher: Publisher::new(config.publications),
            rejoined: None,
            rooms: Rooms::new(network.clone(), node, config.rooms()),
            lookups: Lookups::new(config.lookups()),
            // What was given up may still be under way: as much again.
            queries: Queries::new(
                config.query_life(),
                2 * (config.lookups + 2 * config.room_lookups),
                config.nodes_per_room.max(config.nodes_per_lookup),
            ),
            locates: HashMap::new(),
            left: Leftovers::new(config.peers),
            outputs: VecDeque::new(),
            counts: Summary::default(),
            config,
            network,
            node,
        }
    }

    /// The node's own record, for neighbours however far away. It is sent to every neighbour,
    /// now, on each new link, and from time to time.
    ///
    /// A record that a neighbour over the open internet can't confirm address by address is
    /// told to nobody by it: see [`State::set_own_record_for`].
    pub fn set_own_record(&mut self, record: Signed<NodeRecord>, now: Now) {
        for reach in [Reach::Loopback, Reach::Private, Reach::Global] {
            self.set_own_record_for(reach, record.clone(), now);
        }
    }

    /// The node's own record for neighbours that are linked over addresses of this reach: it
    /// should list only addresses that reach as far.
    pub fn set_own_record_for(&mut self, reach: Reach, record: Signed<NodeRecord>, now: Now) {
        let told = self.own.set(reach, &record, &self.neighbours, now);
        self.outputs
            .extend(told.map(|(node, frame)| Output::Send(node, frame)));
    }

    /// An attached peer provides a resource: `record` is its presence record in the room
    /// `/cid/<cid>`, verified. Answers `done` once the DHT has been told.
    pub fn provide(
        &mut self,
        peer: PeerId,
        id: u64,
        record: Signed<PresenceRecord>,
        now: Now,
    ) -> Result<(), Denied> {
        let resource = Resource::of_room(&record.room)
            .map_err(|bad| Denied::new("bad-cid", format!("provide {}: {bad}", record.room)))?;
        if record.peer != peer {
            return Err(Denied::fatal(
                "forged",
                format!("provide: the record is {}'s", record.peer),
            ));
        }
        let new = self
            .resources
            .put(&resource, record, now)
            .inspect_err(|_| self.counts.over_budget += 1)?;
        let started = if new {
            self.publisher.want(&resource.key)
        } else {
            self.publisher.is_started(&resource.key)
        };
        if started {
            self.tell(peer, FromNode::Done(Done { id }));
        } else {
            self.resources.wait(&resource.room, &peer, id);
            self.publish(now);
        }
        Ok(())
    }

    /// A peer no longer provides a resource.
    pub fn unprovide(&mut self, leave: Signed<Leave>, now: Now) {
        let key = self.resources.remove(&leave.room, &leave.peer, leave.seq);
        self.unwant(key);
        self.publish(now);
    }

    /// Forgets those who are gone and whose budgets have filled up.
    pub fn forget_gone(&mut self, now: Now) {
        self.left.forget(now);
    }

    /// A peer is no longer attached.
    pub fn detached(&mut self, peer: PeerId, now: Now) {
        let keys = self.resources.remove_peer(&peer);
        self.unwant(keys);
        if let Some(budget) = self.locates.remove(&peer) {
            self.left.put(peer, budget);
        }
        self.lookups.forget(&peer);
        self.publish(now);
    }

    /// The node serves a room: publish that, and look for others that do. Called again
    /// whenever presence wants to look again.
    pub fn seek(&mut self, room: &str, now: Now) {
        match self.rooms.seek(room, now) {
            Some(keys) => self.republish(keys, now),
            None => {
                self.counts.over_budget += 1;
                tracing::debug!(room, "too many rooms: neither published nor searched");
            }
        }
        self.search_rooms(now);
    }

    /// The node no longer serves it.
    pub fn unseek(&mut self, room: &str, now: Now) {
        let keys = self.rooms.unseek(room);
        self.republish(keys, now);
        self.search_rooms(now);
    }

    /// A query has brought nodes.
    pub fn providers_found(&mut self, key: &[u8], nodes: &[PeerId], _: Now) {
        let new = self.queries.found(key, nodes);
        self.named(key, &new);
        if self.rooms.is_known(key)
            && self.queries.is_quiet(key)
            && self.lookups.of_key(key).is_empty()
        {
            self.event(Event::StopFinding(key.to_vec()));
        }
    }

    /// A query has ended, well or not.
    pub fn query_finished(&mut self, key: &[u8], now: Now) {
        if self.queries.finish(key) {
            self.searched(key, now);
        }
    }

    /// A neighbour is connected at a further address than its first link's: a record that
    /// lists it is confirmed.
    pub fn seen_at(&mut self, node: PeerId, address: &Multiaddr) {
        self.neighbours.see(&node, address);
    }

    /// Up to `count` signed node records of neighbours for a peer that comes from
    /// `peer_address`: each with an address for pages that reaches it, and with private and
    /// loopback addresses only for those who come from such.
    pub fn nodes_for(&self, peer_address: &Multiaddr, count: usize) -> Vec<Bytes> {
        self.neighbours.records_for(peer_address, count)
    }

    /// What has been done, and what is held.
    pub fn summary(&self) -> Summary {
        Summary {
            resources: self.resources.len(),
            published: self.publisher.len(),
            lookups: self.lookups.len(),
            rooms: self.rooms.len(),
            neighbours: self.neighbours.len(),
            node_records: self.neighbours.records(),
            ..self.counts
        }
    }

    pub(super) fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    pub(super) fn tell(&mut self, peer: PeerId, message: FromNode) {
        self.event(Event::ToPeer { peer, message });
    }

    fn unwant(&mut self, keys: impl IntoIterator<Item = Vec<u8>>) {
        for key in keys {
            if self.publisher.unwant(&key) {
                self.event(Event::StopProviding(key));
            }
        }
    }

    fn republish(&mut self, keys: Keys, now: Now) {
        for key in &keys.want {
            self.publisher.want(key);
        }
        for key in &keys.again {
            self.publisher.again(key);
        }
        self.unwant(keys.unwant);
        self.publish(now);
    }

    /// Starts publications, as many as their pace allows.
    fn publish(&mut self, now: Now) {
        while let Some(key) = self.publisher.start(now) {
            let waiting = self.resources.published(&key);
            self.event(Event::StartProviding(key));
            for (peer, id) in waiting {
                self.tell(peer, FromNode::Done(Done { id }));
            }
        }
    }

    fn search_rooms(&mut self, now: Now) {
        while let Some(keys) = self.rooms.search(now) {
            for key in keys {
                match self.queries.begin(&key, now) {
                    Begun::Start => self.event(Event::FindProviders(key)),
                    Begun::Joined(nodes) => self.named(&key, &nodes),
                    Begun::Full => self.rooms.put_off(&key),
                }
            }
        }
    }

    /// The DHT names nodes for a key: to ask, or to tell presence of.
    pub(super) fn named(&mut self, key: &[u8], nodes: &[PeerId]) {
        if let Some((room, nodes)) = self.rooms.found(key, nodes) {
            self.event(Event::RoomNodes { room, nodes });
        }
        for id in self.lookups.of_key(key) {
            self.ask_nodes(id, nodes);
        }
    }

    fn searched(&mut self, key: &[u8], now: Now) {
        self.rooms.searched(key);
        for id in self.lookups.of_key(key) {
            if self.lookups.search_again(id) {
                self.search(id, key, now);
            } else {
                self.lookups.searched(id);
                self.finish_if_over(id);
            }
        }
        self.search_rooms(now);
    }
}

impl StateMachine for State {
    type Event = Event;

    fn linked(&mut self, node: PeerId, address: &Multiaddr, now: Now) {
        if self.neighbours.len() == 0 {
            self.rejoined = Some(now.instant + self.config.rejoin());
            self.rooms.joined(now);
        }
        if !self.neighbours.add(node, address, &self.config, now) {
            self.unlinked(node, now);
            return;
        }
        if let Some(frame) = self.own.frame(reach(address)) {
            self.outputs.push_back(Output::Send(node, frame));
        }
        for id in self.lookups.linked(&node) {
            self.ask(id, node);
        }
    }

    fn unlinked(&mut self, node: PeerId, _: Now) {
        self.neighbours.remove(&node);
        for id in self.lookups.of_node(&node) {
            self.lookups.done_with(id, &node);
            self.finish_if_over(id);
        }
    }

    fn received(&mut self, node: PeerId, frame: &[u8], now: Now) -> Result<(), Malformed> {
        match cbor::decode("discovery frame", frame, limits::NODE_FRAME)? {
            DiscoveryFrame::Node(announcement) => {
                let news = self
                    .neighbours
                    .announced(node, &announcement.record, &self.network, now)
                    .inspect_err(|_| self.counts.refused += 1)?;
                if let Some(news) = news {
                    self.event(Event::NodeRecord {
                        record: news.record,
                        address: news.address,
                        confirmed: news.confirmed,
                    });
                }
            }
            DiscoveryFrame::Locate(locate) => self.asked(node, locate, now),
            DiscoveryFrame::Providers(answer) => self.answered(node, &answer, now),
        }
        Ok(())
    }

    fn deadline(&self) -> Option<Instant> {
        [
            self.own.deadline(),
            self.rejoined,
            self.neighbours.deadline(),
            self.resources.deadline(),
            self.publisher.deadline(),
            self.rooms.deadline(),
            self.lookups.deadline(),
            self.queries.deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn expired(&mut self, now: Now) {
        self.neighbours.expire(now);
        while let Some(key) = self.resources.pop(now) {
            self.unwant([key]);
        }
        while let Some(keys) = self.rooms.pop(now) {
            self.republish(keys, now);
        }
        while let Some(lookup) = self.lookups.pop(now) {
            self.finish(lookup);
        }
        while let Some(key) = self.queries.pop(now) {
            self.searched(&key, now);
        }
        let told = self.own.again(&self.neighbours, now);
        self.outputs.extend(
            told.into_iter()
                .map(|(node, frame)| Output::Send(node, frame)),
        );
        if self.rejoined.is_some_and(|at| at <= now.instant) {
            self.rejoined = None;
            self.publisher.all_again();
        }
        self.publish(now);
    }

    fn output(&mut self) -> Option<Output<Event>> {
        self.outputs.pop_front()
    }
}
