//! The node's own record, and when neighbours are told of it again.

use std::{collections::BTreeMap, time::Duration};

use libp2p::PeerId;
use web_time::Instant;

use super::neighbours::Neighbours;
use crate::{
    clock::Now,
    node::Reach,
    wire::{
        Signed, cbor,
        discovery::{DiscoveryFrame, NodeAnnouncement},
        node_record::NodeRecord,
    },
};

/// The own record in the forms that neighbours far and near are told, each as its frame.
#[derive(Debug)]
pub(super) struct Own {
    frames: BTreeMap<Reach, Vec<u8>>,
    every: Duration,
    next: Option<Instant>,
}

impl Own {
    /// Neighbours are told again as often as `every` says.
    pub fn new(every: Duration) -> Self {
        Own {
            frames: BTreeMap::new(),
            every,
            next: None,
        }
    }

    /// Sets the record for neighbours of this reach. Returns what they are told now: nothing if
    /// it is the same as before.
    pub fn set<'a>(
        &mut self,
        reach: Reach,
        record: &Signed<NodeRecord>,
        neighbours: &'a Neighbours,
        now: Now,
    ) -> impl Iterator<Item = (PeerId, Vec<u8>)> + use<'a> {
        let frame = cbor::encode(&DiscoveryFrame::Node(NodeAnnouncement {
            record: record.to_wire(),
        }));
        let changed = self.frames.get(&reach) != Some(&frame);
        if changed {
            self.frames.insert(reach, frame.clone());
            self.next = Some(now.instant + self.every);
        }
        neighbours
            .iter()
            .filter(move |(_, its)| changed && *its == reach)
            .map(move |(node, _)| (node, frame.clone()))
    }

    /// What a neighbour of this reach is told.
    pub fn frame(&self, reach: Reach) -> Option<Vec<u8>> {
        self.frames.get(&reach).cloned()
    }

    /// What neighbours are told again, if it is time.
    pub fn again(&mut self, neighbours: &Neighbours, now: Now) -> Vec<(PeerId, Vec<u8>)> {
        if self.next.is_none_or(|at| at > now.instant) {
            return Vec::new();
        }
        self.next = Some(now.instant + self.every);
        neighbours
            .iter()
            .filter_map(|(node, reach)| Some((node, self.frame(reach)?)))
            .collect()
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.next
    }
}
