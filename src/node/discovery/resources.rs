//! What the attached peers provide.

use std::collections::{BTreeSet, HashMap};

use libp2p::PeerId;
use web_time::Instant;

use super::keys::Resource;
use crate::{
    clock::Now,
    node::Denied,
    wire::{Bytes, Signed, limits, presence::PresenceRecord},
};

/// Records of the attached peers, bounded for each peer and in all.
#[derive(Debug)]
pub(super) struct Resources {
    by_room: HashMap<String, Vec<Entry>>,
    by_peer: HashMap<PeerId, BTreeSet<String>>,
    /// When each record ends.
    ends: BTreeSet<(Instant, PeerId, String)>,
    len: usize,
    per_peer: usize,
    max: usize,
    /// Where the next answer begins, so that all providers of a resource have their turn.
    turn: usize,
}

#[derive(Debug)]
struct Entry {
    peer: PeerId,
    record: Signed<PresenceRecord>,
    key: Vec<u8>,
    end: Instant,
    /// The request that waits for the publication.
    waiting: Option<u64>,
}

impl Resources {
    pub fn new(per_peer: usize, max: usize) -> Self {
        Resources {
            by_room: HashMap::new(),
            by_peer: HashMap::new(),
            ends: BTreeSet::new(),
            len: 0,
            per_peer,
            max,
            turn: 0,
        }
    }

    /// Keeps a record. Whether the peer hadn't provided the resource before.
    pub fn put(
        &mut self,
        resource: &Resource,
        record: Signed<PresenceRecord>,
        now: Now,
    ) -> Result<bool, Denied> {
        let (peer, room) = (record.peer, &resource.room);
        let left = record
            .expires
            .saturating_sub(now.millis)
            .min(limits::RECORD_LIFE_MS + limits::CLOCK_SKEW_MS);
        let end = now.instant + std::time::Duration::from_millis(left);
        let known = self.by_room.get_mut(room);
        if let Some(entry) = known.and_then(|all| all.iter_mut().find(|entry| entry.peer == peer)) {
            if entry.record.seq < record.seq {
                self.ends.remove(&(entry.end, peer, room.clone()));
                self.ends.insert((end, peer, room.clone()));
                entry.record = record;
                entry.end = end;
            }
            return Ok(false);
        }
        let own = self.by_peer.get(&peer).map_or(0, BTreeSet::len);
        if own >= self.per_peer {
            return Err(Denied::new(
                "quota",
                format!(
                    "a peer provides at most {} resources here: unprovide some, or put them in one",
                    self.per_peer
                ),
            ));
        }
        if self.len >= self.max {
            return Err(Denied::new(
                "quota",
                "this node announces as many resources as it may: provide it at another node",
            ));
        }
        self.len += 1;
        self.ends.insert((end, peer, room.clone()));
        self.by_peer.entry(peer).or_default().insert(room.clone());
        self.by_room.entry(room.clone()).or_default().push(Entry {
            peer,
            record,
            key: resource.key.clone(),
            end,
            waiting: None,
        });
        Ok(true)
    }

    /// The request `id` of `peer` waits for the publication of what it provides in `room`.
    pub fn wait(&mut self, room: &str, peer: &PeerId, id: u64) {
        let entries = self.by_room.get_mut(room).into_iter().flatten();
        if let Some(entry) = entries.into_iter().find(|entry| entry.peer == *peer) {
            entry.waiting = Some(id);
        }
    }

    /// Who waits for the publication of `key`, by peer and request.
    pub fn published(&mut self, key: &[u8]) -> Vec<(PeerId, u64)> {
        self.by_room
            .values_mut()
            .flatten()
            .filter(|entry| entry.key == key)
            .filter_map(|entry| Some((entry.peer, entry.waiting.take()?)))
            .collect()
    }

    /// Forgets the record of `peer` in `room` if its sequence is below `seq`. Returns its key.
    pub fn remove(&mut self, room: &str, peer: &PeerId, seq: u64) -> Option<Vec<u8>> {
        let entries = self.by_room.get_mut(room)?;
        let at = entries
            .iter()
            .position(|entry| entry.peer == *peer && entry.record.seq < seq)?;
        let entry = entries.swap_remove(at);
        if entries.is_empty() {
            self.by_room.remove(room);
        }
        if let Some(rooms) = self.by_peer.get_mut(peer) {
            rooms.remove(room);
            if rooms.is_empty() {
                self.by_peer.remove(peer);
            }
        }
        self.ends.remove(&(entry.end, *peer, room.to_owned()));
        self.len -= 1;
        Some(entry.key)
    }

    /// Forgets all that `peer` provides. Returns the keys.
    pub fn remove_peer(&mut self, peer: &PeerId) -> Vec<Vec<u8>> {
        let rooms = self.by_peer.get(peer).cloned().unwrap_or_default();
        rooms
            .iter()
            .filter_map(|room| self.remove(room, peer, u64::MAX))
            .collect()
    }

    /// Forgets a record that has ended. Returns its key.
    pub fn pop(&mut self, now: Now) -> Option<Vec<u8>> {
        let (end, peer, room) = self.ends.first()?;
        if *end > now.instant {
            return None;
        }
        let (peer, room) = (*peer, room.clone());
        self.remove(&room, &peer, u64::MAX)
    }

    /// When the next record ends.
    pub fn deadline(&self) -> Option<Instant> {
        self.ends.first().map(|(end, ..)| *end)
    }

    /// Up to `count` records of a resource, `except` one peer's: other ones each time.
    pub fn records(
        &mut self,
        room: &str,
        count: usize,
        except: Option<&PeerId>,
    ) -> Vec<(PeerId, Bytes)> {
        let Some(entries) = self.by_room.get(room) else {
            return Vec::new();
        };
        self.turn = self.turn.wrapping_add(1);
        let start = self.turn % entries.len();
        entries[start..]
            .iter()
            .chain(&entries[..start])
            .filter(|entry| Some(&entry.peer) != except)
            .take(count)
            .map(|entry| (entry.peer, entry.record.to_wire()))
            .collect()
    }

    pub fn len(&self) -> usize {
        self.len
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, time::Duration};

    use super::*;
    use crate::{
        identity::Identity,
        wire::{Array, V1},
    };

    const CIDS: [&str; 3] = [
        "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e",
        "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
        "bafkreidogqfzz75tpkmjzjke425xqcrmpcib2p5tg44hnbirumdbpl5adu",
    ];

    fn record(peer: u8, cid: usize, seq: u64, now: Now) -> (Resource, Signed<PresenceRecord>) {
        let identity = Identity::from_seed([peer; 32]);
        let resource = Resource::of_cid(CIDS[cid]).unwrap();
        let record = PresenceRecord {
            v: V1,
            network: "example.org".to_owned(),
            room: resource.room.clone(),
            peer: identity.peer_id(),
            key: Array::new([0; 32]),
            seq,
            expires: now.millis + 60_000,
            attach: vec![],
            meta: vec![],
        };
        (resource, Signed::sign(&identity, record))
    }

    fn put(
        resources: &mut Resources,
        peer: u8,
        cid: usize,
        seq: u64,
        now: Now,
    ) -> Result<bool, Denied> {
        let (resource, record) = record(peer, cid, seq, now);
        resources.put(&resource, record, now)
    }

    #[test]
    fn quotas_hold_for_a_peer_and_in_all() {
        let (mut resources, now) = (Resources::new(2, 3), Now::read());
        assert_eq!(put(&mut resources, 1, 0, 1, now), Ok(true));
        assert_eq!(put(&mut resources, 1, 1, 1, now), Ok(true));
        assert_eq!(put(&mut resources, 1, 2, 1, now).unwrap_err().code, "quota");
        assert_eq!(put(&mut resources, 1, 0, 2, now), Ok(false), "no new one");
        assert_eq!(put(&mut resources, 2, 0, 1, now), Ok(true));
        assert_eq!(put(&mut resources, 3, 0, 1, now).unwrap_err().code, "quota");
        assert_eq!(resources.len(), 3);
        let peer = Identity::from_seed([1; 32]).peer_id();
        assert_eq!(resources.remove_peer(&peer).len(), 2);
        assert_eq!(put(&mut resources, 3, 0, 1, now), Ok(true));
    }

    #[test]
    fn a_leave_voids_what_is_older() {
        let (mut resources, now) = (Resources::new(9, 9), Now::read());
        put(&mut resources, 1, 0, 5, now).unwrap();
        let peer = Identity::from_seed([1; 32]).peer_id();
        let room = format!("/cid/{}", CIDS[0]);
        assert_eq!(resources.remove(&room, &peer, 5), None);
        assert!(resources.remove(&room, &peer, 6).is_some());
        assert_eq!((resources.len(), resources.deadline()), (0, None));
    }

    #[test]
    fn records_end_in_their_time() {
        let (mut resources, now) = (Resources::new(9, 9), Now::read());
        put(&mut resources, 1, 0, 1, now).unwrap();
        let later = now.after(Duration::from_secs(30));
        put(&mut resources, 1, 0, 2, later).unwrap();
        assert_eq!(resources.pop(now.after(Duration::from_secs(60))), None);
        let end = later.after(Duration::from_secs(60));
        assert_eq!(resources.deadline(), Some(end.instant));
        assert!(resources.pop(end).is_some());
        assert_eq!((resources.len(), resources.pop(end)), (0, None));
    }

    #[test]
    fn every_provider_has_its_turn() {
        let (mut resources, now) = (Resources::new(9, 9), Now::read());
        for peer in 1..=5 {
            put(&mut resources, peer, 0, 1, now).unwrap();
        }
        let room = format!("/cid/{}", CIDS[0]);
        let asker = Identity::from_seed([5; 32]).peer_id();
        let mut seen = HashSet::new();
        for _ in 0..5 {
            let records = resources.records(&room, 2, Some(&asker));
            assert_eq!(records.len(), 2);
            seen.extend(records.into_iter().map(|(peer, _)| peer));
        }
        assert_eq!(seen.len(), 4, "all but the asker");
    }
}
