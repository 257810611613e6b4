use std::collections::{BTreeSet, HashMap, HashSet};

use libp2p::PeerId;

use super::{
    Config,
    bundle::Unit,
    census::Census,
    check::{self, Verified},
    digest::{Buckets, Differing},
    entry::{Entry, Merged},
};
use crate::{
    clock::Now,
    wire::{
        Millis, Signed,
        presence::{Detached, Digest, Leave, PresenceRecord},
    },
};

/// What this node knows of one room: the records of those who are in it, and of those who are
/// gone what proves it, until an old record can't bring them back any more.
#[derive(Default)]
pub(super) struct Room {
    entries: HashMap<PeerId, Kept>,
    /// When entries are over: records that expire, tombstones that have done their work.
    ends: BTreeSet<(Millis, PeerId)>,
    /// Those of `ends` that are tombstones.
    graves: BTreeSet<(Millis, PeerId)>,
    /// Live records of peers that aren't attached here.
    strangers: usize,
    buckets: Buckets,
    here: Census,
    changed: HashSet<PeerId>,
    fallen: Vec<PeerId>,
}

#[derive(Default)]
struct Kept {
    entry: Entry,
    end: Millis,
}

/// What of an entry the room keeps account of.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Standing {
    live: Option<u64>,
    digest: Option<u64>,
    here: bool,
    local: bool,
    end: Millis,
}

impl Kept {
    fn standing(&self) -> Standing {
        Standing {
            live: self.entry.live().map(|record| record.hash),
            digest: self.entry.digest(),
            here: self.entry.is_here(),
            local: self.entry.local,
            end: self.end,
        }
    }
}

/// What became of a batch of signed messages.
#[derive(Debug, Default)]
pub(super) struct Applied {
    /// Messages that said something new.
    pub new: usize,
    /// Peers that the batch had a record or a leave of, and who stand by it now.
    pub confirmed: Vec<PeerId>,
    /// Peers with a new record.
    pub joined: Vec<PeerId>,
}

impl Room {
    /// Takes in what other nodes say. `space` is the number of entries that all rooms together
    /// may still gain.
    pub fn apply(&mut self, batch: Verified, space: usize, now: Now, config: &Config) -> Applied {
        let most = self.entries.len().saturating_add(space);
        let mut applied = Applied {
            confirmed: batch.again,
            ..Applied::default()
        };
        for record in &batch.records {
            if self.record(record, most, now, config) == Merged::New {
                applied.new += 1;
                applied.joined.push(record.peer);
            }
            if self.has_record(&record.peer, record.bytes()) {
                applied.confirmed.push(record.peer);
            }
        }
        for leave in &batch.leaves {
            applied.new += usize::from(self.leave(leave, most, now, config) == Merged::New);
            if self.has_leave(&leave.peer, leave.bytes()) {
                applied.confirmed.push(leave.peer);
            }
        }
        for detached in &batch.detached {
            applied.new += usize::from(self.detached(detached, now, config) == Merged::New);
        }
        applied
    }

    fn record(
        &mut self,
        record: &Signed<PresenceRecord>,
        most: usize,
        now: Now,
        config: &Config,
    ) -> Merged {
        if !check::is_timely(record, now) || record.attach.is_empty() {
            return Merged::Known;
        }
        let known = self.get(&record.peer);
        let counts = known.is_some_and(|entry| entry.local || entry.live().is_some());
        let full =
            self.strangers >= config.max_records || (known.is_none() && self.entries.len() >= most);
        if !counts && full {
            return Merged::Known;
        }
        self.change(record.peer, now, config, |entry| entry.merge_record(record))
    }

    /// Takes in the record of an attached peer, however many strangers there are.
    pub fn join(&mut self, record: &Signed<PresenceRecord>, now: Now, config: &Config) -> Merged {
        self.change(record.peer, now, config, |entry| {
            let merged = entry.merge_record(record);
            if !entry.is_empty() && !entry.local {
                entry.local = true;
                return if merged == Merged::Known {
                    Merged::Wider
                } else {
                    merged
                };
            }
            merged
        })
    }

    /// The peer is no longer attached here.
    pub fn part(&mut self, peer: PeerId, now: Now, config: &Config) {
        self.change(peer, now, config, |entry| {
            entry.local = false;
            Merged::Wider
        });
    }

    /// Takes in a leave. One of an unknown peer is remembered where there is room: its record
    /// may still be on the way. That isn't news, since nobody can tell it from an invention.
    pub fn leave(
        &mut self,
        leave: &Signed<Leave>,
        most: usize,
        now: Now,
        config: &Config,
    ) -> Merged {
        if !check::is_possible(leave.seq, now) {
            return Merged::Known;
        }
        let known = self.get(&leave.peer).is_some();
        let room = self.graves.len() < config.max_tombstones / 2 && self.entries.len() < most;
        if !known && !room {
            return Merged::Known;
        }
        let merged = self.change(leave.peer, now, config, |entry| entry.merge_leave(leave));
        if known { merged } else { Merged::Known }
    }

    /// Takes in a node's word about its own attachment.
    pub fn detached(&mut self, detached: &Signed<Detached>, now: Now, config: &Config) -> Merged {
        if !check::is_possible(detached.seq, now) || self.get(&detached.peer).is_none() {
            return Merged::Known;
        }
        self.change(detached.peer, now, config, |entry| {
            entry.merge_detached(detached)
        })
    }

    /// Presumes a node dead, or no longer so. Goes through the whole room.
    pub fn presume(&mut self, node: &PeerId, dead: bool, now: Now, config: &Config) {
        let peers: Vec<_> = self.entries.keys().copied().collect();
        for peer in peers {
            self.change(peer, now, config, |entry| entry.presume(node, dead));
        }
    }

    /// Forgets what is over.
    pub fn expire(&mut self, now: Now) {
        while let Some((end, peer)) = self.ends.first().copied() {
            if end > now.millis {
                return;
            }
            self.forget(peer);
        }
    }

    /// The one place where an entry changes: everything that is derived from it follows here.
    fn change(
        &mut self,
        peer: PeerId,
        now: Now,
        config: &Config,
        change: impl FnOnce(&mut Entry) -> Merged,
    ) -> Merged {
        let kept = self.entries.entry(peer).or_default();
        let before = kept.standing();
        let merged = change(&mut kept.entry);
        if kept.entry.is_empty() {
            self.entries.remove(&peer);
            return merged;
        }
        if merged == Merged::Known {
            return merged;
        }
        kept.end = match kept.entry.live() {
            Some(record) => check::over(record.expires),
            None => check::horizon(now),
        };
        let after = kept.standing();
        self.account(peer, before, Some(after));
        while self.graves.len() > config.max_tombstones {
            let Some((_, first)) = self.graves.first().copied() else {
                break;
            };
            self.forget(first);
        }
        merged
    }

    fn forget(&mut self, peer: PeerId) {
        if let Some(kept) = self.entries.remove(&peer) {
            self.account(peer, kept.standing(), None);
        }
    }

    fn account(&mut self, peer: PeerId, before: Standing, after: Option<Standing>) {
        self.ends.remove(&(before.end, peer));
        self.graves.remove(&(before.end, peer));
        if let Some(after) = after {
            self.ends.insert((after.end, peer));
            if after.live.is_none() {
                self.graves.insert((after.end, peer));
            }
        }
        let live = after.and_then(|after| after.live);
        let digest = after.and_then(|after| after.digest);
        if before.digest != digest {
            for hash in before.digest.iter().chain(&digest) {
                self.buckets.toggle(&peer, *hash);
            }
        }
        let is_stranger = |s: &Standing| s.live.is_some() && !s.local;
        self.strangers -= usize::from(is_stranger(&before));
        self.strangers += usize::from(after.as_ref().is_some_and(is_stranger));
        let here = after.is_some_and(|after| after.here);
        if here {
            self.here.insert(peer);
        } else {
            self.here.remove(&peer);
        }
        if before.here != here || (here && before.live != live) {
            self.changed.insert(peer);
        }
        let is_local = after.map_or(before.local, |after| after.local);
        if live.is_none() && is_local {
            self.fallen.push(peer);
        }
    }

    /// Who has come, changed or gone since the last call.
    pub fn take_changed(&mut self) -> HashSet<PeerId> {
        std::mem::take(&mut self.changed)
    }

    pub fn has_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    /// Attached peers whose record has ended since the last call.
    pub fn take_fallen(&mut self) -> Vec<PeerId> {
        std::mem::take(&mut self.fallen)
    }

    /// When the first entry is over.
    pub fn next_end(&self) -> Option<Millis> {
        self.ends.first().map(|(end, _)| *end)
    }

    pub fn get(&self, peer: &PeerId) -> Option<&Entry> {
        self.entries.get(peer).map(|kept| &kept.entry)
    }

    /// Marks the newest message about a peer as seen on the topic.
    pub fn gossiped(&mut self, peer: &PeerId) {
        if let Some(kept) = self.entries.get_mut(peer) {
            kept.entry.gossiped = true;
        }
    }

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

    /// Who is here.
    pub fn here(&self) -> &Census {
        &self.here
    }

    /// Entries, of the present and the gone.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Entries of the gone.
    pub fn tombstones(&self) -> usize {
        self.graves.len()
    }

    pub fn digest(&self, name: &str) -> Digest {
        self.buckets.digest(name)
    }

    pub fn differing(&self, theirs: &Digest) -> Differing {
        self.buckets.differing(theirs)
    }

    /// Everything that is kept in these buckets, proofs that somebody is gone included.
    pub fn units_in<'a>(&'a self, buckets: &'a Differing) -> impl Iterator<Item = Unit> + 'a {
        self.entries
            .iter()
            .filter(|(peer, _)| buckets.contains(peer))
            .map(|(_, kept)| kept.entry.unit())
    }

    /// Every live record, with what voids some of its attachments.
    pub fn live_units(&self) -> impl Iterator<Item = Unit> + '_ {
        self.entries
            .values()
            .filter(|kept| kept.entry.live().is_some())
            .map(|kept| kept.entry.unit())
    }
}
