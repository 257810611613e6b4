//! What every decoder of bytes from outside must hold to, whatever the bytes are.

use serde::{Serialize, de::DeserializeOwned};
use velox_mesh::wire::{Array, Body, Bytes, Signed, cbor, frame};

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
        assert!(Signed::<T>::peek(data).is_ok(), "what is verified can be read");
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
