use libp2p::PeerId;

use super::{bundle::Unit, digest, rank::Rank};
use crate::wire::{
    Bytes, Millis, Signed,
    presence::{Detached, Leave, PresenceRecord},
};

/// What is kept of a verified record.
pub(super) struct Record {
    pub seq: u64,
    pub expires: Millis,
    pub attach: Vec<PeerId>,
    /// Where it stands in a big room.
    pub rank: Rank,
    /// What it puts into the digest.
    pub hash: u64,
    pub wire: Bytes,
}

struct Left {
    seq: u64,
    wire: Bytes,
}

struct Void {
    node: PeerId,
    seq: u64,
    /// What it puts into the digest.
    hash: u64,
    wire: Bytes,
}

/// What a signed message did to an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Merged {
    /// It says something new.
    New,
    /// Nobody needs to hear it, but it covers more than the one that was kept, and replaces it.
    Wider,
    /// It is known, or older than what is known.
    Known,
}

/// One peer in one room: the newest record, and what voids it. Whatever the order in which
/// signed messages arrive, the same messages lead to the same entry, but for voids that arrive
/// before the record they are about: those come again with a digest.
#[derive(Default)]
pub(super) struct Entry {
    record: Option<Record>,
    /// Only where it is newer than the newest record, which is then dropped.
    leave: Option<Left>,
    /// By nodes that the record lists, with at least its sequence.
    voids: Vec<Void>,
    /// Nodes that the record lists and that this node presumes dead. Its own opinion: it
    /// decides who attached peers are told is here, and is no part of the digest.
    missing: Vec<PeerId>,
    /// Whether the newest message about the peer was seen on the topic, or published there.
    pub gossiped: bool,
    /// Whether the peer is attached here and in the room.
    pub local: bool,
    /// When the last of its records is over that other nodes may have: until then they must
    /// hear of its end.
    pub shared_until: Millis,
}

impl Entry {
    /// Takes in a record.
    pub fn merge_record(&mut self, signed: &Signed<PresenceRecord>) -> Merged {
        if self
            .leave
            .as_ref()
            .is_some_and(|leave| leave.seq > signed.seq)
        {
            return Merged::Known;
        }
        let newer = self.record.as_ref().is_none_or(|record| {
            (record.seq, record.wire.as_slice()) < (signed.seq, signed.bytes())
        });
        if !newer {
            return Merged::Known;
        }
        self.leave = None;
        self.missing.clear();
        self.gossiped = false;
        self.voids
            .retain(|void| void.seq >= signed.seq && signed.attach.contains(&void.node));
        self.record = Some(Record {
            seq: signed.seq,
            expires: signed.expires,
            attach: signed.attach.clone(),
            rank: Rank::of(signed),
            hash: digest::hash(signed.bytes()),
            wire: signed.to_wire(),
        });
        Merged::New
    }

    /// Takes in a leave.
    pub fn merge_leave(&mut self, signed: &Signed<Leave>) -> Merged {
        if self
            .record
            .as_ref()
            .is_some_and(|record| record.seq >= signed.seq)
        {
            return Merged::Known;
        }
        let merged = match &self.leave {
            Some(leave) if leave.seq >= signed.seq => return Merged::Known,
            Some(_) => Merged::Wider,
            None => Merged::New,
        };
        self.leave = Some(Left {
            seq: signed.seq,
            wire: signed.to_wire(),
        });
        if merged == Merged::New {
            self.gossiped = false;
        }
        self.record = None;
        self.voids.clear();
        self.missing.clear();
        merged
    }

    /// Takes in a node's word that the peer is no longer attached to it.
    pub fn merge_detached(&mut self, signed: &Signed<Detached>) -> Merged {
        let about = self
            .record
            .as_ref()
            .is_some_and(|record| record.seq <= signed.seq && record.attach.contains(&signed.node));
        if !about {
            return Merged::Known;
        }
        let void = Void {
            node: signed.node,
            seq: signed.seq,
            hash: digest::hash(signed.bytes()),
            wire: signed.to_wire(),
        };
        match self.voids.iter_mut().find(|void| void.node == signed.node) {
            Some(known) if known.seq >= void.seq => Merged::Known,
            Some(known) => {
                *known = void;
                Merged::Wider
            }
            None => {
                self.voids.push(void);
                Merged::New
            }
        }
    }

    /// Presumes a node dead, or no longer so.
    pub fn presume(&mut self, node: &PeerId, dead: bool) -> Merged {
        let listed = self
            .live()
            .is_some_and(|record| record.attach.contains(node));
        let missing = self.missing.contains(node);
        if !listed || missing == dead {
            return Merged::Known;
        }
        if dead {
            self.missing.push(*node);
        } else {
            self.missing.retain(|other| other != node);
        }
        Merged::Wider
    }

    /// The newest record, be it void or not.
    pub fn record(&self) -> Option<&Record> {
        self.record.as_ref()
    }

    /// The leave, if it is the newest word.
    pub fn leave(&self) -> Option<&Bytes> {
        self.leave.as_ref().map(|leave| &leave.wire)
    }

    /// Whether a record with this sequence, from a peer attached to `node`, is void or replaced
    /// already.
    pub fn refuses(&self, seq: u64, node: &PeerId) -> bool {
        let left = self.leave.as_ref().is_some_and(|leave| leave.seq > seq);
        let void = self
            .voids
            .iter()
            .any(|void| void.node == *node && void.seq >= seq);
        let replaced = self.record.as_ref().is_some_and(|record| record.seq > seq);
        left || void || (replaced && !self.is_attached_to(node))
    }

    /// The record, unless signed messages void it.
    pub fn live(&self) -> Option<&Record> {
        let record = self.record.as_ref()?;
        record
            .attach
            .iter()
            .any(|node| !self.is_void(node))
            .then_some(record)
    }

    /// What a live record and its void attachments put into the digest. Without the latter, two
    /// nodes that each know of another attachment's end would never find that together they
    /// know of the peer's.
    pub fn digest(&self) -> Option<u64> {
        let record = self.live()?;
        let voids = self.voids.iter().map(|void| void.hash);
        Some(voids.fold(record.hash, |all, hash| all ^ hash))
    }

    /// Whether this node takes the peer to be here.
    pub fn is_here(&self) -> bool {
        self.attachments().next().is_some()
    }

    /// The attachments that stand, in rank order.
    pub fn attachments(&self) -> impl Iterator<Item = &PeerId> {
        self.record
            .iter()
            .flat_map(|record| &record.attach)
            .filter(|node| !self.is_void(node) && !self.missing.contains(node))
    }

    /// Nodes at which the peer may no longer be, though they don't say so: another of its
    /// attachments has ended, and it hasn't renewed its record.
    pub fn in_doubt(&self) -> impl Iterator<Item = &PeerId> {
        let doubt = !self.voids.is_empty() && !self.local;
        self.attachments().filter(move |_| doubt)
    }

    /// Whether the record lists `node` and that attachment isn't void.
    pub fn is_attached_to(&self, node: &PeerId) -> bool {
        self.attachments().any(|other| other == node)
    }

    /// How many attachments that stand are before `node`'s.
    pub fn rank(&self, node: &PeerId) -> usize {
        self.attachments()
            .take_while(|other| *other != node)
            .count()
    }

    fn is_void(&self, node: &PeerId) -> bool {
        self.voids.iter().any(|void| void.node == *node)
    }

    /// `node`'s own word that the peer isn't attached to it.
    pub fn void_by(&self, node: &PeerId) -> Option<&Bytes> {
        self.voids
            .iter()
            .find(|void| void.node == *node)
            .map(|void| &void.wire)
    }

    /// Every signed message that is kept, for a node that may have none of them.
    pub fn unit(&self) -> Unit {
        Unit {
            record: self.record.as_ref().map(|record| record.wire.clone()),
            leave: self.leave.as_ref().map(|leave| leave.wire.clone()),
            detached: self.voids.iter().map(|void| void.wire.clone()).collect(),
            count: None,
        }
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.record.is_none() && self.leave.is_none()
    }
}
