//! Which nodes have yet to learn of which joins.

use std::{rc::Rc, time::Duration};

use libp2p::PeerId;

use crate::agenda::HostNo;

/// Joins that nodes haven't seen yet, and those that they have seen since last asked.
#[derive(Default)]
pub struct Sightings {
    awaited: Vec<Vec<Awaited>>,
    /// Which join, which node, when.
    pub seen: Vec<(u64, HostNo, Duration)>,
}

struct Awaited {
    join: u64,
    room: Rc<str>,
    peer: PeerId,
}

impl Sightings {
    /// A node should see `peer` in `room`.
    pub fn await_at(&mut self, node: HostNo, join: u64, room: &Rc<str>, peer: PeerId) {
        if self.awaited.len() <= node {
            self.awaited.resize_with(node + 1, Vec::new);
        }
        self.awaited[node].push(Awaited {
            join,
            room: room.clone(),
            peer,
        });
    }

    /// Whether there is anything that a node should see.
    pub fn awaits(&self, node: HostNo) -> bool {
        self.awaited.get(node).is_some_and(|all| !all.is_empty())
    }

    /// A node has computed: has it come to list any?
    pub fn look(&mut self, node: HostNo, lists: impl Fn(&str, &PeerId) -> bool) {
        let seen = &mut self.seen;
        self.awaited[node].retain(|awaited| {
            let listed = lists(&awaited.room, &awaited.peer);
            if listed {
                seen.push((awaited.join, node, simnet::now()));
            }
            !listed
        });
    }

    /// Nobody waits for a join any more.
    pub fn forget(&mut self, join: u64, nodes: impl Iterator<Item = HostNo>) {
        for node in nodes {
            if let Some(awaited) = self.awaited.get_mut(node) {
                awaited.retain(|awaited| awaited.join != join);
            }
        }
    }
}
