//! Canonical DAG-CBOR, read and written in place.
//!
//! It has one encoding of every value, keys by length and then by bytes: so what a message holds
//! lies where it must, and can be read without a decoder's copies.

use libp2p::{PeerId, multihash::Multihash};

use crate::wire::Array;

const NUMBER: u8 = 0;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const LIST: u8 = 4;

/// What is left to read.
pub(super) struct Scan<'a>(&'a [u8]);

impl<'a> Scan<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Scan(bytes)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// These very bytes.
    pub fn literal(&mut self, expected: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(expected)?;
        Some(())
    }

    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(taken)
    }

    /// The argument of an item of `major` type, in as few bytes as it takes.
    fn head(&mut self, major: u8) -> Option<u64> {
        let first = *self.0.first()?;
        if first >> 5 != major {
            return None;
        }
        let (width, least) = match first & 0x1f {
            small @ 0..=23 => {
                self.take(1)?;
                return Some(u64::from(small));
            }
            24 => (1, 24),
            25 => (2, 1 << 8),
            26 => (4, 1 << 16),
            27 => (8, 1 << 32),
            _ => return None,
        };
        let value = self.take(1 + width)?[1..]
            .iter()
            .fold(0, |value, byte| value << 8 | u64::from(*byte));
        (value >= least).then_some(value)
    }

    pub fn number(&mut self) -> Option<u64> {
        self.head(NUMBER)
    }

    pub fn text(&mut self) -> Option<&'a str> {
        let len = self.head(TEXT)?;
        std::str::from_utf8(self.take(usize::try_from(len).ok()?)?).ok()
    }

    pub fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = self.head(BYTES)?;
        self.take(usize::try_from(len).ok()?)
    }

    pub fn array<const N: usize>(&mut self) -> Option<Array<N>> {
        let bytes: [u8; N] = self.bytes()?.try_into().ok()?;
        Some(Array::new(bytes))
    }

    pub fn peer_id(&mut self) -> Option<PeerId> {
        let bytes = self.bytes()?;
        // Its code and length are below 128: a varint of several bytes would be a second
        // encoding.
        if bytes.iter().take(2).any(|byte| *byte >= 0x80) {
            return None;
        }
        PeerId::from_bytes(bytes).ok()
    }
}

/// Appends the head of an item of `major` type in as few bytes as it takes.
fn head(out: &mut Vec<u8>, major: u8, value: usize) {
    let major = major << 5;
    let bytes = value.to_be_bytes();
    match value {
        0..=23 => out.push(major | value as u8),
        24..=0xff => out.extend([major | 24, value as u8]),
        0x100..=0xffff => {
            out.push(major | 25);
            out.extend(&bytes[bytes.len() - 2..]);
        }
        _ => {
            out.push(major | 26);
            out.extend(&bytes[bytes.len() - 4..]);
        }
    }
}

/// Appends a byte string of less than 4 GiB.
pub(super) fn push_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    head(out, BYTES, bytes.len());
    out.extend_from_slice(bytes);
}

/// Appends a text of less than 4 GiB.
pub(super) fn push_text(out: &mut Vec<u8>, text: &str) {
    head(out, TEXT, text.len());
    out.extend_from_slice(text.as_bytes());
}

/// Appends the head of a list.
pub(super) fn push_list(out: &mut Vec<u8>, len: usize) {
    head(out, LIST, len);
}

/// Appends a PeerId.
pub(super) fn push_peer_id(out: &mut Vec<u8>, peer: &PeerId) {
    let mut bytes = [0; 80];
    push_bytes(out, peer_id_bytes(peer, &mut bytes));
}

/// A PeerId's bytes, without an allocation.
pub(super) fn peer_id_bytes<'a>(peer: &PeerId, buffer: &'a mut [u8; 80]) -> &'a [u8] {
    let multihash: &Multihash<64> = peer.as_ref();
    let len = multihash.write(buffer.as_mut_slice()).unwrap_or(0);
    &buffer[..len]
}
