use std::collections::HashSet;

use libp2p::PeerId;

use super::room::Room;
use crate::wire::{
    Bytes,
    attach::{FromNode, Presence, Snapshot},
    limits,
};

/// Bytes of a message's wrapping: names of fields, the room, the size.
const WRAPPING: usize = 512;
/// Bytes of the CBOR head of a byte string.
const HEAD: usize = 3;
/// Bytes of a PeerId of an Ed25519 key, with its head.
const PEER_ID: usize = 42;

/// What is new about one peer.
enum Change {
    Record(Bytes),
    Gone(Option<Bytes>),
}

impl Change {
    fn bytes(&self) -> usize {
        match self {
            Change::Record(wire) => wire.len() + HEAD,
            Change::Gone(leave) => PEER_ID + leave.as_ref().map_or(0, |wire| wire.len() + HEAD),
        }
    }
}

/// What attached peers are told about those that changed in a room: nothing about themselves,
/// at most 64 peers and 64 KiB a message.
pub(super) struct Bulletin {
    /// One message each, with those whom it mentions.
    parts: Vec<(Presence, HashSet<PeerId>)>,
}

impl Bulletin {
    /// About peers that have come, changed or gone. One that came and went in between is told
    /// to be gone all the same: a snapshot may have shown it to somebody.
    pub fn new(name: &str, room: &Room, changed: &HashSet<PeerId>) -> Self {
        let mut parts: Vec<(Presence, HashSet<PeerId>)> = Vec::new();
        let mut bytes = usize::MAX;
        for peer in changed {
            let change = change(room, peer);
            let full = bytes.saturating_add(change.bytes()) > limits::MESSAGE - WRAPPING;
            if full
                || parts
                    .last()
                    .is_none_or(|(_, about)| about.len() >= limits::BATCH)
            {
                parts.push((empty(name, room), HashSet::new()));
                bytes = 0;
            }
            bytes += change.bytes();
            if let Some((presence, about)) = parts.last_mut() {
                about.insert(*peer);
                match change {
                    Change::Record(wire) => presence.records.push(wire),
                    Change::Gone(leave) => {
                        presence.gone.push(*peer);
                        presence.leaves.extend(leave);
                    }
                }
            }
        }
        Bulletin { parts }
    }

    /// The messages for one attached peer.
    pub fn to<'a>(
        &'a self,
        room: &'a Room,
        peer: &'a PeerId,
    ) -> impl Iterator<Item = FromNode> + 'a {
        self.parts.iter().filter_map(move |(presence, about)| {
            let mut presence = presence.clone();
            if about.contains(peer) {
                let own = room.get(peer).and_then(|entry| entry.record());
                presence
                    .records
                    .retain(|wire| own.is_none_or(|own| own.wire != *wire));
                presence.gone.retain(|gone| gone != peer);
                if presence.records.is_empty() && presence.gone.is_empty() {
                    return None;
                }
            }
            Some(FromNode::Presence(presence))
        })
    }
}

fn change(room: &Room, peer: &PeerId) -> Change {
    let entry = room.get(peer);
    let here = entry.filter(|entry| entry.is_here());
    match here.and_then(|entry| entry.record()) {
        Some(record) => Change::Record(record.wire.clone()),
        None => Change::Gone(entry.and_then(|entry| entry.leave()).cloned()),
    }
}

fn empty(name: &str, room: &Room) -> Presence {
    Presence {
        room: name.to_owned(),
        records: Vec::new(),
        gone: Vec::new(),
        leaves: Vec::new(),
        size: room.here().len() as u64,
    }
}

/// Who is in a room, for an attached peer: everybody else, or 64 at random.
pub(super) fn snapshot(name: &str, room: &Room, to: &PeerId) -> Snapshot {
    let mut bytes = WRAPPING;
    let records = room
        .here()
        .sample(limits::BATCH, to)
        .iter()
        .filter_map(|peer| room.get(peer).and_then(|entry| entry.record()))
        .map(|record| record.wire.clone())
        .take_while(|wire| {
            bytes += wire.len() + HEAD;
            bytes <= limits::MESSAGE
        })
        .collect();
    Snapshot {
        room: name.to_owned(),
        records,
        size: room.here().len() as u64,
    }
}
