//! What every decoder of bytes from outside must hold to, whatever the bytes are.

mod turn;

use std::time::Instant;

use libp2p_webrtc_direct::{
    config::EntranceLimits,
    entrance::{Entrance, Verdict},
    frame::{Decoder, MAX_MESSAGE, MAX_PAYLOAD, encode},
};
use serde::{Serialize, de::DeserializeOwned};
use velox_mesh::{
    content::{cid, unixfs},
    gateway::socket::noise,
    node::signaling,
    wire::{
        Array, Body, Bytes, Signed, attach::Fragment, cbor, envelope::Parcel, fragment::Reassembly,
        frame, limits,
    },
};

pub use turn::{turn_message, turn_stream};

/// A message without a signature: what is accepted has this one encoding.
pub fn plain<T: Serialize + DeserializeOwned>(data: &[u8], max: usize) {
    if let Ok(value) = cbor::decode::<T>("message", data, max) {
        assert!(data.len() <= max);
        assert_eq!(cbor::encode(&value), data);
    }
}

/// A signed message: read as it is, and as a body under a signature that isn't the signer's.
pub fn signed<T: Body>(data: &[u8]) {
    if let Ok(signed) = Signed::<T>::verify(data) {
        assert_eq!(signed.bytes(), data);
        assert!(data.len() <= T::MAX);
        assert!(
            Signed::<T>::peek(data).is_ok(),
            "what is verified can be read"
        );
    }
    let wrapped = cbor::encode(&(Bytes::from(data.to_vec()), Array::new([0; 64])));
    assert!(Signed::<T>::verify(&wrapped).is_err(), "forged");
    if let Ok(body) = Signed::<T>::peek(&wrapped) {
        assert_eq!(cbor::encode(&body), data);
    }
}

/// A byte stream cut in pieces: the first byte says where, the rest is the stream. However it
/// is cut, the same frames come out, none above the bound, and they encode to what was read.
pub fn frame(data: &[u8]) {
    const MAX: usize = 4160;
    let Some((cut, stream)) = data.split_first() else {
        return;
    };
    let whole = frames(stream, stream.len().max(1), MAX);
    assert_eq!(whole, frames(stream, usize::from(*cut).max(1), MAX));
    let mut again = Vec::new();
    for one in &whole.0 {
        assert!(one.len() <= MAX);
        frame::push(&mut again, one);
    }
    assert!(stream.starts_with(&again));
}

/// The frames of `stream`, fed in pieces of `cut` bytes, and whether it ended in an error.
fn frames(stream: &[u8], cut: usize, max: usize) -> (Vec<Vec<u8>>, bool) {
    let mut decoder = frame::Decoder::new(max);
    let mut seen = Vec::new();
    for piece in stream.chunks(cut) {
        decoder.extend(piece);
        loop {
            match decoder.next_frame() {
                Ok(Some(one)) => seen.push(one),
                Ok(None) => break,
                Err(_) => return (seen, true),
            }
        }
    }
    (seen, false)
}

/// The identity payload of a Noise handshake: the first 32 bytes are the static key that it is
/// about.
pub fn noise_payload(data: &[u8]) {
    if let Some((key, payload)) = data.split_at_checked(32)
        && let Ok(peer) = noise::verify_payload(payload, key)
    {
        assert!(velox_mesh::identity::public_key(&peer).is_some());
    }
}

/// A block that links to others: what is accepted has this one encoding.
pub fn unixfs_node(data: &[u8]) {
    let name = cid::dag_pb(data);
    if let Ok(node) = unixfs::Node::decode(&name, data) {
        assert_eq!(node.encode(), data);
        assert!(!node.links.is_empty() && node.links.len() <= unixfs::MAX_LINKS);
    }
}

/// A CID's text.
pub fn cid(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(read) = cid::parse(text)
    {
        assert_eq!(cid::parse(&read.to_string()), Ok(read));
    }
}

/// An envelope as nodes read it in place, and as receivers read it. The first byte says which
/// kind of parcel it is; the rest is read as it is, and as a body with a signature.
pub fn parcel(data: &[u8]) {
    let Some((kind, data)) = data.split_first() else {
        return;
    };
    let wrapped = cbor::encode(&(Bytes::from(data.to_vec()), Array::new([0; 64])));
    for bytes in [data.to_vec(), wrapped] {
        let parcel = match kind & 1 {
            0 => Parcel::Envelope(Bytes::from(bytes)),
            _ => Parcel::StaleKey(Bytes::from(bytes)),
        };
        assert!(signaling::reads_alike(&parcel));
    }
}

/// Fragments in any order: each two bytes are one, of a message from 0 to 7, sized in steps of
/// 64 bytes.
pub fn fragments(data: &[u8]) {
    let mut reassembly = Reassembly::default();
    for pair in data.chunks_exact(2) {
        let fragment = Fragment {
            id: u64::from(pair[0] & 7),
            last: pair[0] & 8 != 0,
            data: Bytes::from(vec![pair[0]; usize::from(pair[1]) * 64]),
        };
        match reassembly.push(&fragment) {
            Ok(Some(message)) => assert!(message.len() <= limits::MESSAGE),
            Ok(None) => {}
            Err(_) => return,
        }
    }
}

/// A datagram from a stranger: whatever it is, an answer is never three times as long, and nobody
/// who hasn't introduced themselves gets in.
pub fn webrtc_datagram(data: &[u8]) {
    let mut entrance = Entrance::new(EntranceLimits::default());
    let source = ([192, 0, 2, 1], 4000).into();
    let mut introduced = false;
    for _ in 0..2 {
        match entrance.datagram(source, data, Instant::now()) {
            Verdict::Ignore(_) => {}
            Verdict::Answer(answer) => {
                introduced = true;
                assert!(answer.len() <= 3 * data.len());
            }
            Verdict::Admit(_) => assert!(introduced),
        }
    }
    assert!(entrance.waiting() <= 1);
}

/// Data channel messages, cut anywhere: the same frames come out, none above the bound, and what
/// is encoded of them is read again.
pub fn webrtc_frame(data: &[u8]) {
    let Some((cut, stream)) = data.split_first() else {
        return;
    };
    let read = |size: usize| {
        let mut decoder = Decoder::default();
        let mut frames = Vec::new();
        for message in stream.chunks(size.max(1)) {
            match decoder.push(message) {
                Ok(more) => frames.extend(more),
                Err(_) => return None,
            }
        }
        Some(frames)
    };
    let whole = read(stream.len());
    assert_eq!(whole, read(usize::from(*cut)));
    for frame in whole.into_iter().flatten() {
        assert!(frame.payload.len() <= MAX_MESSAGE);
        if frame.payload.len() <= MAX_PAYLOAD {
            let message = encode(frame.flag, &frame.payload);
            assert_eq!(Decoder::default().push(&message), Ok(vec![frame]));
        }
    }
}
