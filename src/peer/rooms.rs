//! The rooms that a peer is in, and whom it sees there.

use std::collections::{BTreeMap, HashMap};

use libp2p::PeerId;

use crate::{
    clock::Now,
    identity::Identity,
    wire::{
        Array, Bytes, Signed, V1, limits,
        presence::{Leave, PresenceRecord},
    },
};

/// When a record is renewed, in ms before its end: half of its life.
const RENEWAL_MS: u64 = limits::RECORD_LIFE_MS / 2;

/// A change in who is seen.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Somebody new.
    Joined(Signed<PresenceRecord>),
    /// Somebody is gone.
    Left(PeerId),
}

struct Room {
    meta: Vec<u8>,
    expires: u64,
    members: HashMap<PeerId, Member>,
}

struct Member {
    record: Signed<PresenceRecord>,
    /// The nodes that say so at present.
    seen_by: Vec<PeerId>,
}

/// The rooms of one peer.
pub(super) struct Rooms {
    identity: Identity,
    network: String,
    key: [u8; 32],
    seq: u64,
    /// The first sequence has been used.
    begun: bool,
    max_members: usize,
    rooms: BTreeMap<String, Room>,
}

impl Rooms {
    pub(super) fn new(
        identity: Identity,
        network: String,
        key: [u8; 32],
        max_members: usize,
        now: Now,
    ) -> Self {
        Rooms {
            identity,
            network,
            key,
            seq: now.millis,
            begun: false,
            max_members,
            rooms: BTreeMap::new(),
        }
    }

    /// The network's time is known. Sequences begin with it, if none was used before: with a
    /// clock of one's own that is ahead they would be refused.
    pub(super) fn begin(&mut self, now: Now) {
        if !self.begun {
            self.seq = now.millis;
        }
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.rooms.keys().cloned().collect()
    }

    pub(super) fn join(&mut self, room: String, meta: Vec<u8>) {
        self.rooms
            .entry(room)
            .and_modify(|room| room.meta = meta.clone())
            .or_insert_with(|| Room {
                meta,
                expires: 0,
                members: HashMap::new(),
            });
    }

    pub(super) fn leave(&mut self, room: &str) -> Option<Signed<Leave>> {
        self.rooms.remove(room)?;
        let seq = self.next_seq();
        Some(Signed::sign(
            &self.identity,
            Leave {
                v: V1,
                network: self.network.clone(),
                room: room.to_owned(),
                peer: self.identity.peer_id(),
                seq,
            },
        ))
    }

    /// A fresh record in `room`, which is one of ours or a resource's.
    pub(super) fn record(
        &mut self,
        room: &str,
        attach: Vec<PeerId>,
        now: Now,
    ) -> Signed<PresenceRecord> {
        let expires = now.millis + limits::RECORD_LIFE_MS;
        let meta = match self.rooms.get_mut(room) {
            Some(joined) => {
                joined.expires = expires;
                joined.meta.clone()
            }
            None => Vec::new(),
        };
        let seq = self.next_seq();
        Signed::sign(
            &self.identity,
            PresenceRecord {
                v: V1,
                network: self.network.clone(),
                room: room.to_owned(),
                peer: self.identity.peer_id(),
                key: Array::new(self.key),
                seq,
                expires,
                attach,
                meta,
            },
        )
    }

    /// Rooms whose records should be signed anew.
    pub(super) fn due(&self, now: Now) -> Vec<String> {
        self.rooms
            .iter()
            .filter(|(_, room)| room.expires < now.millis + RENEWAL_MS)
            .map(|(name, _)| name.clone())
            .collect()
    }

    pub(super) fn members(&self, room: &str) -> Vec<Signed<PresenceRecord>> {
        self.rooms.get(room).map_or_else(Vec::new, |room| {
            room.members
                .values()
                .map(|member| member.record.clone())
                .collect()
        })
    }

    pub(super) fn len(&self, room: &str) -> usize {
        self.rooms.get(room).map_or(0, |room| room.members.len())
    }

    pub(super) fn member(&self, room: &str, peer: &PeerId) -> Option<&Signed<PresenceRecord>> {
        Some(&self.rooms.get(room)?.members.get(peer)?.record)
    }

    /// `node` has sent all that it knows of a room.
    pub(super) fn snapshot(
        &mut self,
        node: PeerId,
        room: &str,
        records: &[Bytes],
        now: Now,
    ) -> Vec<Change> {
        let records = self.verified(room, records, now);
        let Some(known) = self.rooms.get_mut(room) else {
            return Vec::new();
        };
        let unseen: Vec<_> = known
            .members
            .keys()
            .filter(|peer| !records.iter().any(|record| record.peer == **peer))
            .copied()
            .collect();
        let mut changes = self.seen(node, room, records);
        changes.extend(self.unseen(node, room, &unseen));
        changes
    }

    /// `node` tells of changes in a room.
    pub(super) fn changed(
        &mut self,
        node: PeerId,
        room: &str,
        records: &[Bytes],
        gone: &[PeerId],
        leaves: &[Bytes],
        now: Now,
    ) -> Vec<Change> {
        let records = self.verified(room, records, now);
        let mut changes = self.seen(node, room, records);
        changes.extend(self.unseen(node, room, gone));
        for leave in leaves {
            let Ok(leave) = Signed::<Leave>::verify(leave) else {
                continue;
            };
            let Some(known) = self.rooms.get_mut(room) else {
                break;
            };
            let left = leave.room == room
                && leave.network == self.network
                && known
                    .members
                    .get(&leave.peer)
                    .is_some_and(|member| member.record.seq < leave.seq);
            if left {
                known.members.remove(&leave.peer);
                changes.push(Change::Left(leave.peer));
            }
        }
        changes
    }

    /// An attachment has ended: its node no longer vouches for anybody. Members whom only it
    /// saw stay until another node's snapshot leaves them out.
    pub(super) fn forget_node(&mut self, node: &PeerId) {
        for room in self.rooms.values_mut() {
            for member in room.members.values_mut() {
                if member.seen_by.len() > 1 {
                    member.seen_by.retain(|other| other != node);
                }
            }
        }
    }

    fn verified(&self, room: &str, records: &[Bytes], now: Now) -> Vec<Signed<PresenceRecord>> {
        records
            .iter()
            .filter_map(|record| Signed::<PresenceRecord>::verify(record).ok())
            .filter(|record| {
                record.room == room
                    && record.network == self.network
                    && record.peer != self.identity.peer_id()
                    && record.expires + limits::CLOCK_SKEW_MS > now.millis
            })
            .collect()
    }

    fn seen(
        &mut self,
        node: PeerId,
        room: &str,
        records: Vec<Signed<PresenceRecord>>,
    ) -> Vec<Change> {
        let max = self.max_members;
        let Some(known) = self.rooms.get_mut(room) else {
            return Vec::new();
        };
        let mut changes = Vec::new();
        for record in records {
            let full = known.members.len() >= max;
            match known.members.get_mut(&record.peer) {
                Some(member) => {
                    if !member.seen_by.contains(&node) {
                        member.seen_by.push(node);
                    }
                    if record.seq > member.record.seq {
                        member.record = record;
                    }
                }
                None if !full => {
                    changes.push(Change::Joined(record.clone()));
                    let seen_by = vec![node];
                    known
                        .members
                        .insert(record.peer, Member { record, seen_by });
                }
                None => {}
            }
        }
        changes
    }

    fn unseen(&mut self, node: PeerId, room: &str, peers: &[PeerId]) -> Vec<Change> {
        let Some(known) = self.rooms.get_mut(room) else {
            return Vec::new();
        };
        let mut changes = Vec::new();
        for peer in peers {
            if let Some(member) = known.members.get_mut(peer) {
                member.seen_by.retain(|other| *other != node);
                if member.seen_by.is_empty() {
                    known.members.remove(peer);
                    changes.push(Change::Left(*peer));
                }
            }
        }
        changes
    }

    fn next_seq(&mut self) -> u64 {
        self.begun = true;
        self.seq += 1;
        self.seq
    }
}
