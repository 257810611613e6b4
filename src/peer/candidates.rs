//! The nodes that a peer knows, and which of them it dials when.

use std::time::Duration;

use libp2p::{Multiaddr, PeerId, multiaddr::Protocol};
use web_time::Instant;

use crate::{
    clock::Now,
    wire::{Bytes, Signed, limits, node_record::NodeRecord},
};

/// How long a dial is waited for until another node is dialed beside it: half as long as a dial
/// of a dead one takes.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// How long after a failed dial a node is tried again; doubled by each further one, to 10 s.
const RETRY: Duration = Duration::from_millis(500);
const MAX_RETRY: Duration = Duration::from_secs(10);
/// Nodes that are remembered.
const MAX_NODES: usize = 64;

/// Nodes to attach to.
#[derive(Default)]
pub(super) struct Candidates {
    all: Vec<Candidate>,
}

struct Candidate {
    node: PeerId,
    addresses: Vec<Multiaddr>,
    failures: u32,
    /// When it may be dialed (again).
    next: Instant,
    /// Until when it is dialed only if nobody else is there.
    avoided: Option<Instant>,
    /// Since when it is being dialed.
    dialing: Option<Instant>,
}

impl Candidates {
    /// A node and where it is reached.
    pub fn learn(&mut self, node: PeerId, addresses: Vec<Multiaddr>, now: Now) {
        if addresses.is_empty() {
            return;
        }
        if let Some(candidate) = self.find(&node) {
            candidate.addresses.extend(addresses);
            candidate.addresses.sort_unstable();
            candidate.addresses.dedup();
            candidate.addresses.truncate(limits::NODE_ADDRESSES);
        } else if self.all.len() < MAX_NODES {
            self.all.push(Candidate {
                node,
                addresses,
                failures: 0,
                next: now.instant,
                avoided: None,
                dialing: None,
            });
        }
    }

    /// Nodes' own records, as another has handed them on; those that don't hold are passed over.
    pub fn learn_records(&mut self, records: &[Bytes], network: &str, now: Now) {
        for record in records {
            let Ok(record) = Signed::<NodeRecord>::verify(record) else {
                continue;
            };
            if record.network != network || record.expires < now.millis {
                continue;
            }
            let addresses = record
                .addrs
                .iter()
                .filter_map(|text| text.parse::<Multiaddr>().ok())
                .filter(|address| {
                    !address
                        .iter()
                        .any(|part| matches!(part, Protocol::Ws(_) | Protocol::Wss(_)))
                })
                .collect();
            self.learn(record.node, addresses, now);
        }
    }

    /// A dial has succeeded.
    pub fn linked(&mut self, node: &PeerId) {
        if let Some(candidate) = self.find(node) {
            candidate.dialing = None;
            candidate.failures = 0;
        }
    }

    /// The node is dialed again after a while, longer after each failure in a row.
    pub fn postpone(&mut self, node: &PeerId, now: Now) {
        if let Some(candidate) = self.find(node) {
            candidate.dialing = None;
            candidate.next =
                now.instant + (RETRY * (1 << candidate.failures.min(5))).min(MAX_RETRY);
            candidate.failures += 1;
        }
    }

    /// For as long, the node is dialed only if nobody else is there.
    pub fn avoid(&mut self, node: &PeerId, until: Instant) {
        if let Some(candidate) = self.find(node) {
            candidate.avoided = Some(until);
        }
    }

    /// Nodes to be dialed now, for so many attachments as are lacking; they count as being
    /// dialed.
    pub fn dial(
        &mut self,
        lacking: usize,
        linked: &[PeerId],
        now: Now,
    ) -> Vec<(PeerId, Vec<Multiaddr>)> {
        let hopeful = self
            .dialing()
            .filter(|since| *since + PATIENCE > now.instant)
            .count();
        let mut due: Vec<_> = self
            .all
            .iter_mut()
            .filter(|candidate| {
                let avoided = candidate.avoided.is_some_and(|until| until > now.instant);
                candidate.dialing.is_none()
                    && candidate.next <= now.instant
                    && (!avoided || linked.is_empty())
                    && !linked.contains(&candidate.node)
            })
            .collect();
        due.sort_by_key(|candidate| candidate.failures);
        due.into_iter()
            .take(lacking.saturating_sub(hopeful))
            .map(|candidate| {
                candidate.dialing = Some(now.instant);
                (candidate.node, candidate.addresses.clone())
            })
            .collect()
    }

    /// When [`Candidates::dial`] wants to be called again.
    pub fn deadline(&self, lacking: usize, linked: &[PeerId]) -> Option<Instant> {
        if lacking == 0 {
            return None;
        }
        let next = self
            .all
            .iter()
            .filter(|candidate| candidate.dialing.is_none() && !linked.contains(&candidate.node))
            .map(|candidate| match candidate.avoided {
                Some(until) if !linked.is_empty() => candidate.next.max(until),
                _ => candidate.next,
            })
            .min()?;
        Some(self.impatient(lacking).map_or(next, |at| next.max(at)))
    }

    /// When the dials under way have taken too long for as many attachments as are lacking: from
    /// then on others are dialed beside them. At once if there are too few dials.
    fn impatient(&self, lacking: usize) -> Option<Instant> {
        let mut until: Vec<_> = self.dialing().map(|since| since + PATIENCE).collect();
        until.sort_unstable_by(|a, b| b.cmp(a));
        until.get(lacking.checked_sub(1)?).copied()
    }

    fn dialing(&self) -> impl Iterator<Item = Instant> {
        self.all.iter().filter_map(|candidate| candidate.dialing)
    }

    fn find(&mut self, node: &PeerId) -> Option<&mut Candidate> {
        self.all
            .iter_mut()
            .find(|candidate| candidate.node == *node)
    }
}
