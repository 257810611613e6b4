//! What a node reads of a parcel, in place: nothing is copied and nothing allocated.

use libp2p::PeerId;
use sha2::{Digest, Sha256};

use super::scan::{Scan, peer_id_bytes};
use crate::{
    clock::Now,
    identity,
    wire::{
        Body, Malformed, Millis, Signed,
        envelope::{Envelope, EnvelopeId, Parcel, StaleKey, Tag},
        limits,
    },
};

/// The outside of a signed envelope or stale-key. Its encoding has been checked as strictly as
/// [`Signed::peek`] does; its signature hasn't.
pub(super) struct Outside<'a> {
    domain: &'static str,
    /// Who signs.
    pub from: PeerId,
    /// The blinded receiver.
    pub tag: Tag,
    /// Unique among the sender's.
    pub id: EnvelopeId,
    /// When it ends.
    pub expires: Millis,
    body: &'a [u8],
    signature: &'a [u8],
}

/// Whether an envelope may travel now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// It may.
    Valid,
    /// Its end has passed.
    Over,
    /// Its end is further ahead than any may be.
    TooLong,
}

impl<'a> Outside<'a> {
    /// Reads the outside of `parcel`.
    pub fn read(parcel: &'a Parcel) -> Result<Self, Malformed> {
        match parcel {
            Parcel::Envelope(bytes) => {
                scan::<Envelope>(bytes, true).ok_or_else(|| explain::<Envelope>(bytes))
            }
            Parcel::StaleKey(bytes) => {
                scan::<StaleKey>(bytes, false).ok_or_else(|| explain::<StaleKey>(bytes))
            }
        }
    }

    /// Whether the signature is the sender's. About 50 µs.
    pub fn verify(&self) -> bool {
        identity::public_key(&self.from)
            .is_some_and(|key| identity::verify(&key, self.domain, self.body, self.signature))
    }

    /// Whether `to` is the blinded receiver.
    pub fn is_for(&self, to: &PeerId) -> bool {
        let mut bytes = [0; 80];
        self.is_for_bytes(peer_id_bytes(to, &mut bytes))
    }

    /// Whether the PeerId of which `to` are the bytes is the blinded receiver.
    pub fn is_for_bytes(&self, to: &[u8]) -> bool {
        let mut hash = Sha256::new();
        hash.update(b"velox/blind/1\0");
        hash.update(*self.id);
        hash.update(to);
        hash.finalize()[..16] == *self.tag
    }

    /// Whether it may travel now, clocks being up to [`limits::CLOCK_SKEW_MS`] apart.
    pub fn life(&self, now: Now) -> Life {
        if self.expires.saturating_add(limits::CLOCK_SKEW_MS) < now.millis {
            Life::Over
        } else if self.expires
            > now
                .millis
                .saturating_add(limits::ENVELOPE_LIFE_MS + limits::CLOCK_SKEW_MS)
        {
            Life::TooLong
        } else {
            Life::Valid
        }
    }
}

/// How many bytes a parcel's signed message has.
pub(super) fn len(parcel: &Parcel) -> usize {
    match parcel {
        Parcel::Envelope(bytes) | Parcel::StaleKey(bytes) => bytes.len(),
    }
}

/// Whether [`Outside::read`] and [`Signed::peek`] agree on a parcel: for the fuzzer, since one
/// is written by hand for speed and the other is what receivers go by.
#[doc(hidden)]
pub fn reads_alike(parcel: &Parcel) -> bool {
    let fast = Outside::read(parcel)
        .ok()
        .map(|o| (o.from, o.tag, o.id, o.expires));
    let slow = match parcel {
        Parcel::Envelope(bytes) => Signed::<Envelope>::peek(bytes)
            .ok()
            .map(|e| (e.from, e.tag, e.id, e.expires)),
        Parcel::StaleKey(bytes) => Signed::<StaleKey>::peek(bytes)
            .ok()
            .map(|s| (s.from, s.tag, s.id, s.expires)),
    };
    fast == slow
}

/// The slow way to the same refusal, which names what is wrong.
fn explain<T: Body>(bytes: &[u8]) -> Malformed {
    match Signed::<T>::peek(bytes) {
        Err(malformed) => malformed,
        Ok(_) => Malformed::NonCanonical { what: T::NAME },
    }
}

/// The fields lie where they must, or the message isn't one.
fn scan<T: Body>(bytes: &[u8], envelope: bool) -> Option<Outside<'_>> {
    if bytes.len() > T::MAX {
        return None;
    }
    let mut outer = Scan::new(bytes);
    outer.literal(&[0x82])?;
    let body = outer.bytes()?;
    let signature = outer.bytes()?;
    if signature.len() != 64 || !outer.is_empty() {
        return None;
    }
    let mut inner = Scan::new(body);
    inner.literal(if envelope { &[0xa7] } else { &[0xa6] })?;
    inner.literal(b"\x61v\x01\x62id")?;
    let id = inner.array()?;
    if envelope {
        inner.literal(b"\x63kid")?;
        inner.array::<8>()?;
    }
    inner.literal(b"\x63tag")?;
    let tag = inner.array()?;
    inner.literal(b"\x64from")?;
    let from = inner.peer_id()?;
    inner.literal(if envelope {
        b"\x66sealed"
    } else {
        b"\x66record"
    })?;
    let content = inner.bytes()?;
    if envelope && content.len() < 48 {
        return None;
    }
    inner.literal(b"\x67expires")?;
    let expires = inner.number()?;
    if !inner.is_empty() {
        return None;
    }
    Some(Outside {
        domain: T::DOMAIN,
        from,
        tag,
        id,
        expires,
        body,
        signature,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        identity::Identity,
        wire::{Array, Bytes, V1, envelope::blind},
    };

    fn envelope(sealed: usize, expires: Millis) -> (Envelope, Signed<Envelope>) {
        let identity = Identity::from_seed([7; 32]);
        let id = Array::new([9; 16]);
        let to = Identity::from_seed([8; 32]).peer_id();
        let body = Envelope {
            v: V1,
            from: identity.peer_id(),
            tag: blind(&id, &to),
            id,
            expires,
            kid: Array::new([3; 8]),
            sealed: vec![5; sealed],
        };
        (body.clone(), Signed::sign(&identity, body))
    }

    fn stale_key() -> Signed<StaleKey> {
        let identity = Identity::from_seed([7; 32]);
        let id = Array::new([9; 16]);
        Signed::sign(
            &identity,
            StaleKey {
                v: V1,
                from: identity.peer_id(),
                tag: blind(&id, &identity.peer_id()),
                id,
                expires: 12,
                record: vec![1; 300],
            },
        )
    }

    #[test]
    fn reads_what_is_there() {
        for (sealed, expires) in [(48, 0), (255, 23), (256, 24), (20_000, 1 << 40)] {
            let (body, signed) = envelope(sealed, expires);
            let parcel = Parcel::Envelope(signed.to_wire());
            let outside = Outside::read(&parcel).unwrap();
            assert_eq!(outside.from, body.from);
            assert_eq!(outside.tag, body.tag);
            assert_eq!(outside.id, body.id);
            assert_eq!(outside.expires, body.expires);
            assert!(outside.verify());
            let to = Identity::from_seed([8; 32]).peer_id();
            assert!(outside.is_for(&to));
            assert!(!outside.is_for(&body.from));
        }
        let parcel = Parcel::StaleKey(stale_key().to_wire());
        assert!(Outside::read(&parcel).unwrap().verify());
    }

    #[test]
    fn one_type_is_not_the_other() {
        let (_, signed) = envelope(100, 1);
        assert!(Outside::read(&Parcel::StaleKey(signed.to_wire())).is_err());
        assert!(Outside::read(&Parcel::Envelope(stale_key().to_wire())).is_err());
    }

    #[test]
    fn a_refusal_says_why() {
        let (_, signed) = envelope(47, 1);
        let refused = Outside::read(&Parcel::Envelope(signed.to_wire())).err();
        assert!(refused.unwrap().to_string().contains("48 bytes"));
        let refused = Outside::read(&Parcel::Envelope(Bytes::from(vec![0; 40_000]))).err();
        assert!(refused.unwrap().to_string().contains("at most 32768"));
    }

    #[test]
    fn a_signature_holds_for_every_byte() {
        let (_, signed) = envelope(100, 1);
        let mut bytes = signed.bytes().to_vec();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        let parcel = Parcel::Envelope(Bytes::from(bytes));
        assert!(!Outside::read(&parcel).unwrap().verify());
    }

    #[test]
    fn lives_within_its_time() {
        let (_, signed) = envelope(100, 1_000_000);
        let parcel = Parcel::Envelope(signed.to_wire());
        let outside = Outside::read(&parcel).unwrap();
        let at = |millis| Now {
            millis,
            ..Now::read()
        };
        assert_eq!(outside.life(at(1_000_000 - 150_001)), Life::TooLong);
        assert_eq!(outside.life(at(1_000_000 - 150_000)), Life::Valid);
        assert_eq!(outside.life(at(1_000_000 + 120_000)), Life::Valid);
        assert_eq!(outside.life(at(1_000_000 + 120_001)), Life::Over);
    }

    proptest! {
        /// The scan and the decoder accept the same bytes.
        #[test]
        fn agrees_with_the_decoder(
            edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..3), 0..3),
            short in any::<bool>(),
            stale in any::<bool>(),
        ) {
            let mut bytes = if stale {
                stale_key().bytes().to_vec()
            } else {
                envelope(if short { 60 } else { 300 }, 77).1.bytes().to_vec()
            };
            // The signature's 64 bytes hold no structure: edits go before them.
            for (at, byte, how) in edits {
                let at = at.index(bytes.len().min(150));
                match how {
                    0 => bytes[at] = byte,
                    1 => bytes.insert(at, byte),
                    _ => {
                        bytes.remove(at);
                    }
                }
            }
            let (scanned, peeked) = if stale {
                (
                    scan::<StaleKey>(&bytes, false).map(|o| (o.from, o.tag, o.id, o.expires)),
                    Signed::<StaleKey>::peek(&bytes).ok().map(|e| (e.from, e.tag, e.id, e.expires)),
                )
            } else {
                (
                    scan::<Envelope>(&bytes, true).map(|o| (o.from, o.tag, o.id, o.expires)),
                    Signed::<Envelope>::peek(&bytes).ok().map(|e| (e.from, e.tag, e.id, e.expires)),
                )
            };
            prop_assert_eq!(scanned, peeked);
        }
    }
}
