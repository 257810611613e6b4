use libp2p::PeerId;

use super::entry::Entry;
use crate::wire::{
    Bytes,
    attach::{FromNode, Presence},
    limits,
};

/// Bytes of a message's wrapping: names of fields, the room, the size.
pub(super) const WRAPPING: usize = 512;
/// Bytes of the CBOR head of a byte string.
pub(super) const HEAD: usize = 3;
/// Bytes of a PeerId of an Ed25519 key, with its head.
const PEER_ID: usize = 42;

/// What has become of a peer.
#[derive(Clone)]
pub(super) enum Change {
    Record(Bytes),
    Gone(Option<Bytes>),
}

impl Change {
    /// As this node sees it now.
    pub fn of(entry: Option<&Entry>) -> Self {
        let here = entry.filter(|entry| entry.is_here());
        match here.and_then(Entry::record) {
            Some(record) => Change::Record(record.wire.clone()),
            None => Change::Gone(entry.and_then(Entry::leave).cloned()),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Change::Record(wire) => wire.len() + HEAD,
            Change::Gone(leave) => PEER_ID + leave.as_ref().map_or(0, |wire| wire.len() + HEAD),
        }
    }
}

/// What one attached peer is told about others: at most 64 of them and 64 KiB a message.
pub(super) struct Letter {
    blank: Presence,
    full: Vec<Presence>,
    last: Presence,
    len: usize,
    bytes: usize,
}

impl Letter {
    pub fn new(room: &str, size: u64) -> Self {
        let blank = Presence {
            room: room.to_owned(),
            records: Vec::new(),
            gone: Vec::new(),
            leaves: Vec::new(),
            size,
        };
        Letter {
            last: blank.clone(),
            blank,
            full: Vec::new(),
            len: 0,
            bytes: WRAPPING,
        }
    }

    pub fn add(&mut self, peer: PeerId, change: Change) {
        let bytes = change.bytes();
        if self.len >= limits::BATCH || self.bytes + bytes > limits::MESSAGE {
            let full = std::mem::replace(&mut self.last, self.blank.clone());
            self.full.push(full);
            (self.len, self.bytes) = (0, WRAPPING);
        }
        self.len += 1;
        self.bytes += bytes;
        match change {
            Change::Record(wire) => self.last.records.push(wire),
            Change::Gone(leave) => {
                self.last.gone.push(peer);
                self.last.leaves.extend(leave);
            }
        }
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Its messages: at least one, which says the size if nothing else.
    pub fn messages(self) -> impl Iterator<Item = FromNode> {
        let all = self.full.into_iter().chain([self.last]);
        all.map(FromNode::Presence)
    }
}
