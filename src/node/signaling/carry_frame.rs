//! [`SignalFrame::Carry`](crate::wire::signal::SignalFrame::Carry), by far the most frequent
//! frame: written and read with one allocation for the envelope, and one for the room's name.

use super::{
    outside,
    scan::{Scan, push_bytes, push_list, push_peer_id, push_text},
};
use crate::wire::{Bytes, envelope::Parcel, signal::Carried};

/// More than what is around an envelope: names of fields, PeerIds and room apart.
const AROUND: usize = 64;
/// A PeerId and its head.
const PEER: usize = 48;

/// The frame that carries `carried`.
pub(super) fn write(carried: &Carried) -> Vec<u8> {
    let peers = 1 + carried.via.len();
    let room = carried.room.len();
    let mut out = Vec::with_capacity(outside::len(&carried.parcel) + room + PEER * peers + AROUND);
    out.extend_from_slice(b"\xa1\x65carry\xa4\x62to");
    push_peer_id(&mut out, &carried.to);
    out.extend_from_slice(b"\x63via");
    push_list(&mut out, carried.via.len());
    for node in &carried.via {
        push_peer_id(&mut out, node);
    }
    out.extend_from_slice(b"\x64room");
    push_text(&mut out, &carried.room);
    out.extend_from_slice(b"\x66parcel\xa1");
    let bytes = match &carried.parcel {
        Parcel::Envelope(bytes) => {
            out.extend_from_slice(b"\x68envelope");
            bytes
        }
        Parcel::StaleKey(bytes) => {
            out.extend_from_slice(b"\x69stale-key");
            bytes
        }
    };
    push_bytes(&mut out, bytes);
    out
}

/// What a frame carries, if it is such a frame in its one canonical form with `via` empty, as
/// nodes write it. The decoder judges every other.
pub(super) fn read(frame: &[u8]) -> Option<Carried> {
    let mut scan = Scan::new(frame);
    scan.literal(b"\xa1\x65carry\xa4\x62to")?;
    let to = scan.peer_id()?;
    scan.literal(b"\x63via\x80\x64room")?;
    let room = scan.text()?;
    scan.literal(b"\x66parcel\xa1")?;
    let parcel: fn(Bytes) -> Parcel = match scan.text()? {
        "envelope" => Parcel::Envelope,
        "stale-key" => Parcel::StaleKey,
        _ => return None,
    };
    let bytes = scan.bytes()?;
    scan.is_empty().then(|| Carried {
        to,
        room: room.to_owned(),
        via: Vec::new(),
        parcel: parcel(Bytes::from(bytes.to_vec())),
    })
}

#[cfg(test)]
mod tests {
    use libp2p::PeerId;
    use proptest::prelude::*;

    use super::*;
    use crate::wire::{cbor, limits, signal::SignalFrame};

    fn carried(room: String, via: usize, stale: bool, bytes: Vec<u8>) -> Carried {
        let bytes = Bytes::from(bytes);
        Carried {
            to: PeerId::random(),
            room,
            via: (0..via).map(|_| PeerId::random()).collect(),
            parcel: if stale {
                Parcel::StaleKey(bytes)
            } else {
                Parcel::Envelope(bytes)
            },
        }
    }

    proptest! {
        #[test]
        fn writes_what_the_encoder_writes(
            room in ".{0,40}",
            via in 0usize..5,
            stale in any::<bool>(),
            len in prop::sample::select(vec![0usize, 23, 24, 255, 256, 3_000, 65_535, 65_536]),
        ) {
            let carried = carried(room, via, stale, vec![7; len]);
            let frame = cbor::encode(&SignalFrame::Carry(carried.clone()));
            prop_assert_eq!(&write(&carried), &frame);
            prop_assert_eq!(read(&frame), (via == 0).then_some(carried));
        }

        /// What is read is what the decoder reads, of whatever is near a frame.
        #[test]
        fn reads_nothing_that_the_decoder_refuses(
            edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..3), 1..3),
            via in 0usize..2,
        ) {
            let mut frame = write(&carried("lobby".to_owned(), via, false, vec![9; 30]));
            for (at, byte, how) in edits {
                let at = at.index(frame.len());
                match how {
                    0 => frame[at] = byte,
                    1 => frame.insert(at, byte),
                    _ => {
                        frame.remove(at);
                    }
                }
            }
            let decoded = cbor::decode("frame", &frame, limits::NODE_FRAME).ok();
            if let Some(carried) = read(&frame) {
                prop_assert_eq!(decoded, Some(SignalFrame::Carry(carried)));
            }
        }
    }
}
