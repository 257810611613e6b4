use std::collections::{BTreeSet, HashMap, HashSet};

use libp2p::PeerId;

use super::{
    Config,
    census::Census,
    check::{self, Verified},
    counts::Counts,
    entry::{Entry, Merged},
    rank::Rank,
    sample::{Place, Sample},
};
use crate::{
    clock::Now,
    wire::{
        Millis, Signed,
        presence::{Count, Detached, Leave, PresenceRecord},
    },
};

/// What this node knows of one room: the records of those who are in it, and of those who are
/// gone what proves it, until an old record can't bring them back any more. Of a big room it is
/// the attached peers, a sample of the others, and how many each node has.
pub(super) struct Room {
    entries: HashMap<PeerId, Kept>,
    /// When entries are over: records that expire, tombstones that have done their work.
    ends: BTreeSet<(Millis, PeerId)>,
    /// Those of `ends` that are tombstones.
    graves: BTreeSet<(Millis, PeerId)>,
    /// Live records of peers that aren't attached here.
    strangers: usize,
    pub(super) sample: Sample,
    pub(super) counts: Counts,
    /// Whether it is taken to be big.
    big: bool,
    /// In a big room, whose rank is above this has no place among those that are kept.
    pub(super) horizon: Rank,
    here: Census,
    changed: HashSet<PeerId>,
    fallen: Vec<PeerId>,
    /// Peers of which an attachment has become void.
    shaken: Vec<PeerId>,
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
    place: Option<Place>,
    primary: Option<PeerId>,
    local: bool,
    end: Millis,
}

impl Kept {
    fn standing(&self) -> Standing {
        let entry = &self.entry;
        let live = entry.live();
        Standing {
            live: live.map(|record| record.hash),
            place: live.map(|record| Place {
                rank: record.rank,
                digest: entry.digest().unwrap_or_default(),
                open: entry.local && !entry.gossiped,
            }),
            primary: entry.attachments().next().copied(),
            local: entry.local,
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
    /// As node `own` sees it: nobody is there.
    pub fn new(own: PeerId) -> Self {
        Room {
            entries: HashMap::new(),
            ends: BTreeSet::new(),
            graves: BTreeSet::new(),
            strangers: 0,
            sample: Sample::default(),
            counts: Counts::new(own),
            big: false,
            horizon: Rank::LAST,
            here: Census::default(),
            changed: HashSet::new(),
            fallen: Vec::new(),
            shaken: Vec::new(),
        }
    }

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
        for count in &batch.counts {
            let space = most.saturating_sub(self.entries.len());
            applied.new += usize::from(self.counts.merge(count, space, now, config));
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
        let merged = self.change(record.peer, now, config, |entry| {
            entry.shared_until = entry.shared_until.max(record.expires);
            entry.merge_record(record)
        });
        self.trim(config);
        merged
    }

    /// Whether a record may say something here: in a big room only of a peer that is known, or
    /// belongs to the sample.
    pub fn has_place(&self, record: &PresenceRecord) -> bool {
        Rank::of(record) <= self.horizon || self.entries.contains_key(&record.peer)
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
        let merged = self.change(detached.peer, now, config, |entry| {
            entry.merge_detached(detached)
        });
        if merged == Merged::New {
            self.shaken.push(detached.peer);
        }
        merged
    }

    /// Takes in this node's own count.
    pub fn count(&mut self, count: &Signed<Count>, now: Now, config: &Config) {
        self.counts.merge(count, 1, now, config);
    }

    /// Presumes a node dead, or no longer so. Goes through the whole room.
    pub fn presume(&mut self, node: &PeerId, dead: bool, now: Now, config: &Config) {
        let peers: Vec<_> = self.entries.keys().copied().collect();
        for peer in peers {
            self.change(peer, now, config, |entry| entry.presume(node, dead));
        }
        self.counts.presume(*node, dead);
    }

    /// Presumes that a peer is no longer attached to `node`, which isn't heard of.
    pub fn convict(&mut self, peer: PeerId, node: &PeerId, now: Now, config: &Config) {
        self.change(peer, now, config, |entry| entry.presume(node, true));
    }

    /// Forgets what is over.
    pub fn expire(&mut self, now: Now) {
        self.counts.expire(now);
        while let Some((end, peer)) = self.ends.first().copied()
            && end <= now.millis
        {
            self.forget(peer);
        }
    }

    /// Looks whether the room has become big, or no longer is: then it is `Some`. One between
    /// the two bounds stays what it was, or is what others take it for.
    pub fn resize(&mut self, config: &Config) -> Option<bool> {
        let size = self.counts.size();
        let bound = if self.big || self.counts.others_count() {
            config.big_until
        } else {
            config.big_above + 1
        };
        let big = size >= bound;
        let changed = big != self.big;
        self.big = big;
        self.trim(config);
        changed.then_some(big)
    }

    /// Whether the room is taken to be big.
    pub fn is_big(&self) -> bool {
        self.big
    }

    /// In a big room, forgets those who are displaced from the sample, but for attached peers
    /// and whoever isn't counted yet where it is attached.
    fn trim(&mut self, config: &Config) {
        self.horizon = Rank::LAST;
        if !self.big {
            return;
        }
        for peer in self.sample.beyond(config.sample_kept) {
            let Some(entry) = self.get(&peer) else {
                continue;
            };
            let primary = entry.attachments().next();
            if entry.local {
                self.mark(&peer, |kept| kept.entry.gossiped = false);
            } else if primary.is_none_or(|node| self.counts.has_said(node)) {
                self.forget(peer);
            }
        }
        self.horizon = self.sample.nth(config.sample_kept);
    }

    /// Marks the newest message about a peer as seen on the topic.
    pub fn gossiped(&mut self, peer: &PeerId, config: &Config) {
        self.mark(peer, |kept| kept.entry.gossiped = true);
        self.share(peer);
        self.trim(config);
    }

    /// Other nodes are, or will be, told of a peer's record.
    pub fn share(&mut self, peer: &PeerId) {
        if let Some(Kept { entry, .. }) = self.entries.get_mut(peer) {
            let expires = entry.record().map_or(0, |record| record.expires);
            entry.shared_until = entry.shared_until.max(expires);
        }
    }

    /// The one place where what is signed about a peer changes: everything that is derived
    /// from it follows here.
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

    /// Changes what this node alone thinks of a peer.
    fn mark(&mut self, peer: &PeerId, mark: impl FnOnce(&mut Kept)) {
        if let Some(kept) = self.entries.get_mut(peer) {
            let before = kept.standing();
            mark(kept);
            let after = kept.standing();
            self.account(*peer, before, Some(after));
        }
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
        if let Some(place) = before.place {
            self.sample.remove(&peer, place.rank);
        }
        if let Some(place) = after.and_then(|after| after.place) {
            self.sample.insert(peer, place);
        }
        let live = after.and_then(|after| after.live);
        let is_stranger = |s: &Standing| s.live.is_some() && !s.local;
        self.strangers -= usize::from(is_stranger(&before));
        self.strangers += usize::from(after.as_ref().is_some_and(is_stranger));
        let primary = after.and_then(|after| after.primary);
        self.counts.moved(before.primary, primary);
        let (was_here, here) = (before.primary.is_some(), primary.is_some());
        if here {
            self.here.insert(peer);
        } else {
            self.here.remove(&peer);
        }
        if was_here != here || (here && before.live != live) {
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

    /// Peers of which an attachment has become void since the last call.
    pub fn take_shaken(&mut self) -> Vec<PeerId> {
        std::mem::take(&mut self.shaken)
    }

    pub fn has_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    /// Attached peers whose record has ended since the last call.
    pub fn take_fallen(&mut self) -> Vec<PeerId> {
        std::mem::take(&mut self.fallen)
    }

    /// When the first entry or count is over.
    pub fn next_end(&self) -> Option<Millis> {
        let first = self.ends.first().map(|(end, _)| *end);
        first.into_iter().chain(self.counts.next_end()).min()
    }

    pub fn get(&self, peer: &PeerId) -> Option<&Entry> {
        self.entries.get(peer).map(|kept| &kept.entry)
    }

    /// What proves that somebody is gone.
    pub fn gone(&self) -> impl Iterator<Item = (&PeerId, &Entry)> {
        let peers = self.graves.iter().map(|(_, peer)| peer);
        peers.filter_map(|peer| Some((peer, self.get(peer)?)))
    }

    /// Who is here, of those that this node knows.
    pub fn here(&self) -> &Census {
        &self.here
    }

    /// Members of the whole room, as far as is known.
    pub fn size(&self) -> usize {
        self.counts.size()
    }

    /// Entries, of the present and the gone, and counts.
    pub fn len(&self) -> usize {
        self.entries.len() + self.counts.len()
    }

    /// Entries of the gone.
    pub fn tombstones(&self) -> usize {
        self.graves.len()
    }
}
