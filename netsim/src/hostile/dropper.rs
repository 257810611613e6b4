//! A node that takes envelopes and passes none on.

use std::{cell::RefCell, collections::BTreeSet, rc::Rc};

use simnet::{Filter, Stream};
use velox_mesh::wire::{attach::FromNode, cbor, limits};

use super::{
    mouth::{Said, by_frame},
    pubsub,
};
use crate::programs::NETWORK;

/// How frames that carry envelopes begin, or say that one wasn't carried.
const CARRY: &[u8] = b"\xa1\x65carry";
const UNDELIVERED: &[u8] = b"\xa1\x6bundelivered";
/// How a gossiped envelope begins.
const GOSSIPED: &[u8] = b"\xa1\x68envelope";

/// The tap of a node that loses this share of the envelopes it should pass on: to its peers, to
/// other nodes, and by gossip. Nor does it ever say that it couldn't deliver one.
pub fn dropper(share: f64, chance: Stream) -> impl FnMut(&str) -> Option<Filter> {
    let chance = Rc::new(RefCell::new(chance));
    let signal = format!("/velox/{NETWORK}/signal/1");
    move |protocol| {
        let chance = chance.clone();
        let mut loses = move || chance.borrow_mut().happens(share);
        if protocol == "/velox/attach/1" {
            let mut lost = BTreeSet::new();
            return Some(by_frame(move |frame| to_peer(frame, &mut lost, &mut loses)));
        }
        if protocol == signal {
            return Some(by_frame(move |_| said(!loses())));
        }
        protocol.starts_with("/meshsub/").then(|| {
            by_frame(move |rpc| {
                let keeps = |data: &[u8]| !data.starts_with(GOSSIPED) || !loses();
                match pubsub::thin(rpc, keeps, true) {
                    None => Said::Itself,
                    Some(rest) if rest.is_empty() => Said::Nothing,
                    Some(rest) => Said::Instead(vec![rest]),
                }
            })
        })
    }
}

/// `lost`: messages whose first fragment was dropped, and so all others are.
fn to_peer(frame: &[u8], lost: &mut BTreeSet<u64>, loses: &mut impl FnMut() -> bool) -> Said {
    let carries = |bytes: &[u8]| bytes.starts_with(CARRY) || bytes.starts_with(UNDELIVERED);
    if carries(frame) {
        return said(!loses());
    }
    let Ok(FromNode::Fragment(piece)) = cbor::decode("message", frame, limits::ATTACH_FRAME) else {
        return Said::Itself;
    };
    if carries(&piece.data) && loses() {
        lost.insert(piece.id);
    }
    let drops = lost.contains(&piece.id);
    if piece.last {
        lost.remove(&piece.id);
    }
    said(!drops)
}

fn said(says: bool) -> Said {
    if says { Said::Itself } else { Said::Nothing }
}

#[cfg(test)]
mod tests {
    use super::*;
    use libp2p::PeerId;
    use velox_mesh::wire::{
        Array, Bytes,
        attach::Beat,
        envelope::Parcel,
        fragment, frame,
        signal::{Carried, Undelivered},
    };

    fn framed(messages: &[FromNode]) -> Vec<u8> {
        let mut out = Vec::new();
        for (id, message) in (0..).zip(messages) {
            let bytes = cbor::encode(message);
            if bytes.len() <= limits::FRAGMENT {
                frame::push(&mut out, &bytes);
                continue;
            }
            for piece in fragment::cut(id, &bytes) {
                frame::push(&mut out, &cbor::encode(&FromNode::Fragment(piece)));
            }
        }
        out
    }

    fn carry(bytes: usize) -> FromNode {
        FromNode::Carry(Carried {
            to: PeerId::random(),
            room: "room".to_owned(),
            via: Vec::new(),
            parcel: Parcel::Envelope(Bytes::from(vec![0; bytes])),
        })
    }

    #[test]
    fn envelopes_are_lost_and_nothing_else_is() {
        let undelivered = FromNode::Undelivered(Undelivered {
            id: Array::new([0; 16]),
            to: PeerId::random(),
            code: "not-attached".to_owned(),
        });
        let ping = FromNode::Ping(Beat { n: 1 });
        let all = [carry(100), ping.clone(), carry(9_000), undelivered];
        for (share, expected) in [(1.0, framed(&[ping])), (0.0, framed(&all))] {
            let mut tap = dropper(share, Stream::new(1, "dropper"));
            let mut filter = tap("/velox/attach/1").expect("attachments are tapped");
            assert_eq!(filter(&framed(&all)), expected, "{share}");
        }
        assert!(dropper(1.0, Stream::new(1, "dropper"))("/ipfs/ping/1.0.0").is_none());
    }
}
