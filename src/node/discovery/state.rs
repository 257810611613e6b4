use std::collections::VecDeque;

use libp2p::{Multiaddr, PeerId};
use serde::Serialize;
use web_time::Instant;

use super::Config;
use crate::{
    clock::Now,
    node::{
        Denied,
        link::{Output, StateMachine},
    },
    wire::{
        Bytes, Malformed, Signed,
        attach::{FromNode, Locate},
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
    /// [`State::query_finished`]. Never asked again for a key whose query is under way.
    FindProviders(Vec<u8>),
    /// Nodes that serve a room, this one left out; each once a search.
    RoomNodes {
        /// The room.
        room: String,
        /// The nodes.
        nodes: Vec<PeerId>,
    },
    /// For a peer that is attached here: `providers`, `done` or `refused`.
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

/// What discovery has done since the node started, and what it holds now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Look-ups of resources that peers asked for.
    pub locates: u64,
    /// Of these, ended with at least one record.
    pub located: u64,
    /// Look-ups that neighbours asked for.
    pub asked: u64,
    /// Refused by a budget or a quota.
    pub over_budget: u64,
    /// Records and node records refused for their form or signature.
    pub refused: u64,
    /// Records of resources held now.
    pub resources: usize,
    /// Keys published in the DHT now.
    pub published: usize,
    /// Look-ups of resources under way now.
    pub lookups: usize,
    /// Rooms searched now.
    pub rooms: usize,
    /// Neighbours linked now.
    pub neighbours: usize,
    /// Of these, with a valid node record.
    pub node_records: usize,
}

/// The rules of discovery.
#[derive(Debug)]
pub struct State {
    outputs: VecDeque<Output<Event>>,
}

impl State {
    /// Nothing provided, nothing looked up.
    pub fn new(_config: Config, _network: String, _node: PeerId) -> Self {
        State {
            outputs: VecDeque::new(),
        }
    }

    /// The node's own record. It is sent to every neighbour, now and on each new link.
    pub fn set_own_record(&mut self, _record: Signed<NodeRecord>, _now: Now) {}

    /// An attached peer provides a resource: `record` is its presence record in the room
    /// `/cid/<cid>`, verified. Answers `done` once the DHT has been told.
    pub fn provide(
        &mut self,
        _peer: PeerId,
        _id: u64,
        _record: Signed<PresenceRecord>,
        _now: Now,
    ) -> Result<(), Denied> {
        Ok(())
    }

    /// A peer no longer provides a resource.
    pub fn unprovide(&mut self, _leave: Signed<Leave>, _now: Now) {}

    /// A peer is no longer attached.
    pub fn detached(&mut self, _peer: PeerId, _now: Now) {}

    /// An attached peer asks who provides a resource.
    pub fn locate(&mut self, _peer: PeerId, _locate: Locate, _now: Now) -> Result<(), Denied> {
        Ok(())
    }

    /// The node serves a room: publish that, and look for others that do. Called again
    /// whenever presence wants to look again.
    pub fn seek(&mut self, _room: &str, _now: Now) {}

    /// The node no longer serves it.
    pub fn unseek(&mut self, _room: &str, _now: Now) {}

    /// A query has brought nodes.
    pub fn providers_found(&mut self, _key: &[u8], _nodes: &[PeerId], _now: Now) {}

    /// A query has ended, well or not.
    pub fn query_finished(&mut self, _key: &[u8], _now: Now) {}

    /// A neighbour is connected at a further address: a record that lists it is confirmed.
    pub fn seen_at(&mut self, _node: PeerId, _address: &Multiaddr, _now: Now) {}

    /// Up to `count` signed node records of neighbours for a peer that comes from
    /// `peer_address`.
    pub fn nodes_for(&self, _peer_address: &Multiaddr, _count: usize) -> Vec<Bytes> {
        Vec::new()
    }

    /// What has been done, and what is held.
    pub fn summary(&self) -> Summary {
        Summary::default()
    }
}

impl StateMachine for State {
    type Event = Event;

    fn linked(&mut self, _node: PeerId, _address: &Multiaddr, _now: Now) {}

    fn unlinked(&mut self, _node: PeerId, _now: Now) {}

    fn received(&mut self, _node: PeerId, _frame: &[u8], _now: Now) -> Result<(), Malformed> {
        Ok(())
    }

    fn deadline(&self) -> Option<Instant> {
        None
    }

    fn expired(&mut self, _now: Now) {}

    fn output(&mut self) -> Option<Output<Event>> {
        self.outputs.pop_front()
    }
}
