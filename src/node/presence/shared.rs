//! What of a room is to be known to all of its nodes.

use libp2p::PeerId;

use super::{
    Config,
    bundle::Unit,
    check,
    counts::Counts,
    digest::{Buckets, Differing},
    entry::Entry,
    rank::Rank,
    room::Room,
    sample::Place,
};
use crate::wire::Millis;

impl Room {
    pub fn has_record(&self, peer: &PeerId, wire: &[u8]) -> bool {
        let record = self.get(peer).and_then(Entry::record);
        record.is_some_and(|record| record.wire == wire)
    }

    pub fn has_leave(&self, peer: &PeerId, wire: &[u8]) -> bool {
        let leave = self.get(peer).and_then(Entry::leave);
        leave.is_some_and(|leave| leave == wire)
    }

    pub fn has_void(&self, peer: &PeerId, node: &PeerId, wire: &[u8]) -> bool {
        let void = self.get(peer).and_then(|entry| entry.void_by(node));
        void.is_some_and(|void| void == wire)
    }

    /// How many members each node has.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The rank up to which members are told to other nodes: everybody, unless the room is big.
    pub fn reach(&self, config: &Config) -> Rank {
        if self.is_big() {
            self.sample.reach(config.sample)
        } else {
            Rank::LAST
        }
    }

    /// The rank up to which this node can say who is missing.
    pub fn horizon(&self) -> Rank {
        self.horizon
    }

    /// Whether other nodes are to hear the peer's own newest message: a record if it is within
    /// `reach`, a leave if they may have a record that it voids.
    pub fn concerns_others(&self, peer: &PeerId, reach: Rank, now: Millis) -> bool {
        self.get(peer).is_some_and(|entry| match entry.record() {
            Some(record) => record.rank <= reach,
            None => check::over(entry.shared_until) > now,
        })
    }

    /// Attached peers of whom other nodes should be told and haven't been.
    pub fn untold(&self, config: &Config) -> Vec<PeerId> {
        let most = if self.is_big() {
            config.sample
        } else {
            usize::MAX
        };
        self.sample.open(most, self.reach(config))
    }

    /// Members within a reach whom other nodes know or are about to: not those who stay with
    /// this node, of whose end they wouldn't hear.
    fn shared(&self, reach: Rank, config: &Config) -> impl Iterator<Item = (PeerId, Place)> + '_ {
        let own = self.reach(config);
        let within = self.sample.within(reach);
        within.filter(move |(_, place)| !place.open || place.rank <= own)
    }

    /// What is known within a reach, in short.
    pub fn buckets(&self, reach: Rank, config: &Config) -> Buckets {
        let members = self.shared(reach, config);
        let members = members.map(|(peer, place)| (peer, place.digest));
        let counts = self.counts.all().map(|(node, hash, _)| (*node, hash));
        Buckets::new(reach, members.chain(counts))
    }

    /// Everything that is kept in this part, proofs that somebody is gone included.
    pub fn units_in(&self, part: &Differing, config: &Config) -> Vec<Unit> {
        let members = self.shared(part.reach, config).map(|(peer, _)| peer);
        let gone = self.gone().filter(|(_, entry)| {
            let record = entry.record();
            record.is_none_or(|record| record.rank <= part.reach)
        });
        let peers = members.chain(gone.map(|(peer, _)| *peer));
        let entries = peers.filter(|peer| part.contains(peer));
        let counts = self.counts.all().filter(|(node, ..)| part.contains(node));
        entries
            .filter_map(|peer| self.get(&peer))
            .map(Entry::unit)
            .chain(counts.map(|(_, _, wire)| Unit::count(wire)))
            .collect()
    }

    /// Every live record that is to be known to all nodes, with what voids some of its
    /// attachments, and the counts.
    pub fn live_units(&self, config: &Config) -> impl Iterator<Item = Unit> + '_ {
        let members = self.shared(self.reach(config), config);
        let members = members.filter_map(|(peer, _)| self.get(&peer));
        let counts = self.counts.all().map(|(_, _, wire)| Unit::count(wire));
        counts.chain(members.map(Entry::unit))
    }
}
