//! Neighbours: how long two nodes take to tell each other what they know, and what that costs.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use libp2p::PeerId;
use netsim_scenario::{Kind, metrics};
use simnet::{ConnectionId, HostId};

use super::{Run, ms};
use crate::{
    agenda::{Deed, HostNo, RoomNo},
    programs::Program,
};

/// How long it is watched whether two nodes get up to date: who isn't by then counts with this.
const WATCHED: Duration = Duration::from_secs(30);
/// Numbers of what is awaited at two nodes begin here: those below are joins'.
const FIRST: u64 = 1 << 48;

struct Watched {
    at: Duration,
    /// What was missing: at which node, of which room, whom.
    missing: Vec<(HostNo, RoomNo, PeerId)>,
    /// How much of it is missing still.
    left: usize,
    nodes: [HostNo; 2],
}

/// Nodes that were connected lately.
#[derive(Default)]
pub(super) struct Neighbours {
    watched: BTreeMap<u64, Watched>,
    next: u64,
    bytes: HashMap<ConnectionId, u64>,
}

impl Run<'_> {
    /// Two nodes are connected, as one of them has found.
    pub(super) fn connected(&mut self, node: HostNo, peer: &PeerId, at: Duration) {
        let Some(other) = self.population.whose(peer) else {
            return;
        };
        let nodes = [node.min(other), node.max(other)];
        let watched = |watched: &Watched| watched.nodes == nodes;
        if at < self.scenario.warmup.0 || self.neighbours.watched.values().any(watched) {
            return;
        }
        let missing = self.missing(nodes);
        // Who lacks nothing has nothing to be told.
        if missing.is_empty() {
            return;
        }
        let id = FIRST + self.neighbours.next;
        self.neighbours.next += 1;
        let mut sightings = self.sightings.borrow_mut();
        for (node, room, peer) in &missing {
            sightings.await_at(*node, id, &self.rooms.all[*room].name, *peer);
        }
        drop(sightings);
        let watched = Watched {
            at,
            left: missing.len(),
            missing,
            nodes,
        };
        self.neighbours.watched.insert(id, watched);
        self.agenda.add(at + WATCHED, Deed::SyncOver(id));
    }

    /// What each of two nodes lacks of what the other has, in the rooms that both serve.
    fn missing(&self, nodes: [HostNo; 2]) -> Vec<(HostNo, RoomNo, PeerId)> {
        let mut missing = Vec::new();
        let [Some(Program::Node(one)), Some(Program::Node(other))] =
            nodes.map(|node| self.population.hosts[node].program.as_ref())
        else {
            return missing;
        };
        for (number, room) in self.rooms.all.iter().enumerate() {
            let serves = |running: &simnet::Running<velox_mesh::node::Behaviour>| {
                running.look(|swarm| swarm.behaviour().presence().serves(&room.name)) == Some(true)
            };
            if !serves(one) || !serves(other) {
                continue;
            }
            for member in room.members.keys() {
                let peer = self.population.hosts[*member].peer_id();
                let has = [one, other].map(|running| {
                    running.look(|swarm| swarm.behaviour().presence().lists(&room.name, &peer))
                });
                match has {
                    [Some(true), Some(false)] => missing.push((nodes[1], number, peer)),
                    [Some(false), Some(true)] => missing.push((nodes[0], number, peer)),
                    _ => {}
                }
            }
        }
        missing
    }

    /// A node has come to list somebody that it lacked. Says whether that is what the number
    /// stands for.
    pub(super) fn synced(&mut self, id: u64, at: Duration) -> bool {
        if id < FIRST {
            return false;
        }
        if let Some(watched) = self.neighbours.watched.get_mut(&id) {
            watched.left -= 1;
            if watched.left == 0 {
                let (began, took) = (watched.at, ms(at - watched.at));
                self.neighbours.watched.remove(&id);
                self.measures
                    .sample(metrics::NEIGHBOUR_SYNC.name, began, took);
            }
        }
        true
    }

    /// Two nodes have had their time.
    pub(super) fn sync_over(&mut self, id: u64) {
        let Some(mut watched) = self.neighbours.watched.remove(&id) else {
            return;
        };
        let nodes = watched.nodes;
        self.sightings.borrow_mut().forget(id, nodes.into_iter());
        // Who has left meanwhile need not be told of; nor whom its own node no longer serves.
        let still = self.missing(nodes);
        watched.missing.retain(|missing| still.contains(missing));
        if !watched.missing.is_empty() {
            self.measures
                .sample(metrics::NEIGHBOUR_SYNC.name, watched.at, ms(WATCHED));
        }
    }

    /// What goes between nodes that are connected.
    pub(super) fn sample_neighbours(&mut self, now: Duration) {
        let is_node: HashMap<HostId, ()> = self
            .population
            .alive(|kind| kind == Kind::Node)
            .map(|host| (self.population.hosts[host].id, ()))
            .collect();
        let span = self.scenario.sample_every.as_secs_f64();
        let before = std::mem::take(&mut self.neighbours.bytes);
        let mut after = HashMap::with_capacity(before.len());
        let measured = now >= self.scenario.warmup.0;
        let measures = &mut self.measures;
        self.sim.each_connection(|id, ends, bytes| {
            if !ends.iter().all(|end| is_node.contains_key(end)) {
                return;
            }
            if let (Some(before), true) = (before.get(&id), measured) {
                let rate = (bytes - before) as f64 / span;
                measures.sample(metrics::NEIGHBOUR_BYTES.name, now, rate);
            }
            after.insert(id, bytes);
        });
        self.neighbours.bytes = after;
    }
}
