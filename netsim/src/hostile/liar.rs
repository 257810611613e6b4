//! A node that serves presence that isn't so.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use libp2p::PeerId;
use rand::RngExt;
use simnet::{Filter, Stream};
use velox_mesh::wire::{
    Bytes, Signed,
    attach::FromNode,
    cbor,
    fragment::{self, Reassembly},
    limits,
    presence::{Changes, PresenceFrame, PresenceRecord},
};

use super::{
    mouth::{Said, by_frame},
    pubsub,
};
use crate::programs::NETWORK;

/// How gossiped presence begins.
const GOSSIPED: &[u8] = b"\xa1\x68presence";
/// Records and rooms that it remembers, to serve them when they are old.
const MAX_REMEMBERED: usize = 4_096;

/// The kinds of lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lie {
    /// Members are left out.
    Omission,
    /// Records are older ones.
    Staleness,
    /// A record's signature isn't its peer's.
    Forgery,
}

/// What a liar remembers, and what it draws from.
struct Tongue {
    share: f64,
    chance: Stream,
    /// The first record that it has seen of each peer in each room.
    first: BTreeMap<(String, PeerId), Bytes>,
}

/// The tap of a node whose answers about presence are lies in this share: to its peers, to nodes
/// that ask it, and in what it passes on by gossip.
pub fn liar(share: f64, chance: Stream) -> impl FnMut(&str) -> Option<Filter> {
    let tongue = Rc::new(RefCell::new(Tongue {
        share,
        chance,
        first: BTreeMap::new(),
    }));
    let presence = format!("/velox/{NETWORK}/presence/1");
    move |protocol| {
        let tongue = tongue.clone();
        if protocol == "/velox/attach/1" {
            let mut reassembly = Reassembly::default();
            return Some(by_frame(move |frame| {
                tongue.borrow_mut().answer_peer(frame, &mut reassembly)
            }));
        }
        if protocol == presence {
            return Some(by_frame(move |frame| {
                tongue.borrow_mut().answer_node(frame)
            }));
        }
        protocol.starts_with("/meshsub/").then(|| {
            by_frame(move |rpc| {
                let mut tongue = tongue.borrow_mut();
                // What it says it has it would have to give.
                let keeps = |data: &[u8]| !data.starts_with(GOSSIPED) || !tongue.lies();
                match pubsub::thin(rpc, keeps, false) {
                    None => Said::Itself,
                    Some(rest) if rest.is_empty() => Said::Nothing,
                    Some(rest) => Said::Instead(vec![rest]),
                }
            })
        })
    }
}

impl Tongue {
    fn lies(&mut self) -> bool {
        self.chance.happens(self.share)
    }

    fn lie(&mut self) -> Lie {
        match self.chance.random_range(0..8) {
            0..=4 => Lie::Omission,
            5 | 6 => Lie::Staleness,
            _ => Lie::Forgery,
        }
    }

    /// Large messages come in fragments: they are put together, and cut again.
    fn answer_peer(&mut self, frame: &[u8], reassembly: &mut Reassembly) -> Said {
        let Ok(message) = cbor::decode("message", frame, limits::ATTACH_FRAME) else {
            return Said::Itself;
        };
        let FromNode::Fragment(piece) = message else {
            return match self.about_rooms(message) {
                Some(lie) => Said::Instead(frames(u64::MAX, &lie)),
                None => Said::Itself,
            };
        };
        let Ok(Some(whole)) = reassembly.push(&piece) else {
            return Said::Nothing;
        };
        let Ok(message) = cbor::decode("message", &whole, limits::MESSAGE) else {
            return Said::Nothing;
        };
        let said = self.about_rooms(message).unwrap_or(whole);
        Said::Instead(frames(piece.id, &said))
    }

    /// What is told a peer in the place of `message`.
    fn about_rooms(&mut self, message: FromNode) -> Option<Vec<u8>> {
        let message = match message {
            FromNode::Snapshot(mut snapshot) if self.lies() => {
                snapshot.records = self.records(&snapshot.room, snapshot.records);
                snapshot.size = self.chance.random_range(1..=10 * snapshot.size.max(1));
                FromNode::Snapshot(snapshot)
            }
            FromNode::Presence(mut presence) if self.lies() => {
                // Some of those who have just come are gone again.
                presence.gone.extend(peers(&presence.records).take(2));
                presence.records = self.records(&presence.room, presence.records);
                presence.leaves.clear();
                presence.size = self.chance.random_range(1..=10 * presence.size.max(1));
                FromNode::Presence(presence)
            }
            _ => return None,
        };
        Some(cbor::encode(&message))
    }

    /// What is told a node in the place of a frame.
    fn answer_node(&mut self, frame: &[u8]) -> Said {
        let Ok(frame) = cbor::decode("presence frame", frame, limits::NODE_FRAME) else {
            return Said::Itself;
        };
        if !self.lies() {
            return Said::Itself;
        }
        let lie = match frame {
            // To say nothing to a digest is to agree.
            PresenceFrame::Buckets(_) => return Said::Nothing,
            PresenceFrame::Records(mut records) => {
                records.changes = self.changes(&records.room, records.changes);
                PresenceFrame::Records(records)
            }
            PresenceFrame::Difference(mut difference) => {
                difference.changes = self.changes(&difference.room, difference.changes);
                PresenceFrame::Difference(difference)
            }
            PresenceFrame::Digest(_) | PresenceFrame::Snapshot(_) => return Said::Itself,
        };
        Said::Instead(vec![cbor::encode(&lie)])
    }

    fn changes(&mut self, room: &str, changes: Changes) -> Changes {
        Changes {
            records: self.records(room, changes.records),
            ..Changes::default()
        }
    }

    fn records(&mut self, room: &str, mut records: Vec<Bytes>) -> Vec<Bytes> {
        for record in &records {
            self.remember(room, record);
        }
        match self.lie() {
            Lie::Omission => records.retain(|_| self.chance.happens(0.5)),
            Lie::Staleness => {
                for record in &mut records {
                    let old = peers(std::slice::from_ref(record))
                        .next()
                        .and_then(|peer| self.first.get(&(room.to_owned(), peer)));
                    if let Some(old) = old {
                        record.clone_from(old);
                    }
                }
            }
            Lie::Forgery => {
                if let Some(last) = records.last_mut().and_then(|record| record.last_mut()) {
                    // The signature ends the message.
                    *last ^= 1;
                }
            }
        }
        records
    }

    fn remember(&mut self, room: &str, record: &Bytes) {
        let Some(peer) = peers(std::slice::from_ref(record)).next() else {
            return;
        };
        if self.first.len() < MAX_REMEMBERED {
            self.first
                .entry((room.to_owned(), peer))
                .or_insert_with(|| record.clone());
        }
    }
}

fn peers(records: &[Bytes]) -> impl Iterator<Item = PeerId> {
    records
        .iter()
        .filter_map(|record| Signed::<PresenceRecord>::peek(record).ok())
        .map(|record| record.peer)
}

fn frames(id: u64, message: &[u8]) -> Vec<Vec<u8>> {
    if message.len() <= limits::FRAGMENT {
        return vec![message.to_vec()];
    }
    fragment::cut(id, message)
        .map(|piece| cbor::encode(&FromNode::Fragment(piece)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use velox_mesh::{
        identity::Identity,
        wire::{
            Array, V1,
            attach::{Beat, Snapshot},
            frame,
            presence::RoomChanges,
        },
    };

    const ROOM: &str = "room";

    fn record(n: u8) -> Bytes {
        let identity = Identity::from_seed([n; 32]);
        let record = PresenceRecord {
            v: V1,
            network: NETWORK.to_owned(),
            room: ROOM.to_owned(),
            peer: identity.peer_id(),
            key: Array::new([0; 32]),
            seq: 1,
            expires: 2,
            attach: vec![PeerId::random()],
            meta: vec![0; 200],
        };
        Signed::sign(&identity, record).to_wire()
    }

    fn read(bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut decoder = frame::Decoder::new(limits::NODE_FRAME);
        decoder.extend(bytes);
        std::iter::from_fn(|| decoder.next_frame().unwrap()).collect()
    }

    #[test]
    fn a_snapshot_is_a_lie_and_well_formed_however_large() {
        for members in [3, 40] {
            let records: Vec<_> = (0..members).map(record).collect();
            let snapshot = cbor::encode(&FromNode::Snapshot(Snapshot {
                room: ROOM.to_owned(),
                records: records.clone(),
                size: 3,
            }));
            let mut written = Vec::new();
            for frame in frames(7, &snapshot) {
                frame::push(&mut written, &frame);
            }
            frame::push(&mut written, &cbor::encode(&FromNode::Ping(Beat { n: 1 })));
            let mut filter = liar(1.0, Stream::new(1, "liar"))("/velox/attach/1").unwrap();
            let mut reassembly = Reassembly::default();
            let mut told = Vec::new();
            for frame in read(&filter(&written)) {
                match cbor::decode("message", &frame, limits::ATTACH_FRAME).unwrap() {
                    FromNode::Fragment(piece) => told.extend(reassembly.push(&piece).unwrap()),
                    _ => told.push(frame),
                }
            }
            assert_eq!(told.len(), 2, "the snapshot and the ping");
            let Ok(FromNode::Snapshot(lie)) = cbor::decode("message", &told[0], limits::MESSAGE)
            else {
                panic!("a snapshot stays one");
            };
            assert!(lie.records != records || lie.size != 3);
        }
    }

    #[test]
    fn nodes_are_told_less_than_is_so_and_nothing_against_their_digests() {
        let frame = PresenceFrame::Records(RoomChanges {
            room: ROOM.to_owned(),
            changes: Changes {
                records: (0..20).map(record).collect(),
                ..Changes::default()
            },
        });
        let mut written = Vec::new();
        for _ in 0..8 {
            frame::push(&mut written, &cbor::encode(&frame));
        }
        let protocol = format!("/velox/{NETWORK}/presence/1");
        let mut filter = liar(1.0, Stream::new(1, "liar"))(&protocol).unwrap();
        let told = read(&filter(&written));
        assert_eq!(told.len(), 8);
        assert!(told.iter().any(|other| *other != cbor::encode(&frame)));
        let mut honest = liar(0.0, Stream::new(1, "liar"))(&protocol).unwrap();
        assert_eq!(honest(&written), written);
    }
}
