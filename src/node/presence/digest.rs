use libp2p::PeerId;
use sha2::{Digest as _, Sha256};

use super::rank::Rank;
use crate::wire::{
    Array,
    presence::{self, BUCKETS, Digest},
};

/// The bucket of a peer or node: the last byte of its PeerId.
pub(super) fn bucket(peer: &PeerId) -> u8 {
    peer.to_bytes().last().copied().unwrap_or_default()
}

/// What a signed message puts into its peer's bucket: the first 8 bytes of its SHA-256.
pub(super) fn hash(signed: &[u8]) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&Sha256::digest(signed)[..8]);
    u64::from_be_bytes(first)
}

/// What is known of a room within a reach, in short: over every live record, every detached
/// message that voids one of its attachments, and every count.
pub(super) struct Buckets {
    reach: Rank,
    values: Box<[u64; BUCKETS]>,
}

impl Buckets {
    /// Over these peers and nodes, and what each puts in.
    pub fn new(reach: Rank, known: impl Iterator<Item = (PeerId, u64)>) -> Self {
        let mut values = Box::new([0; BUCKETS]);
        for (peer, hash) in known {
            values[usize::from(bucket(&peer))] ^= hash;
        }
        Buckets { reach, values }
    }

    fn sum(&self) -> Array<8> {
        let sum = self.values.iter().fold(0, |sum, value| sum ^ value);
        Array::new(sum.to_be_bytes())
    }

    /// The digest as it is sent.
    pub fn digest(&self, room: &str) -> Digest {
        Digest {
            room: room.to_owned(),
            reach: self.reach.to_wire(),
            sum: self.sum(),
        }
    }

    /// Whether somebody else's digest of the same reach says the same.
    pub fn agrees(&self, theirs: &Digest) -> bool {
        self.sum() == theirs.sum
    }

    /// The buckets as they are sent.
    pub fn to_wire(&self, room: &str) -> presence::Buckets {
        let mut buckets = [0; BUCKETS * 8];
        for (bytes, value) in buckets.chunks_exact_mut(8).zip(&*self.values) {
            bytes.copy_from_slice(&value.to_be_bytes());
        }
        presence::Buckets {
            room: room.to_owned(),
            reach: self.reach.to_wire(),
            buckets: Array::new(buckets),
        }
    }

    /// Where somebody else's buckets of the same reach differ.
    pub fn differing(&self, theirs: &presence::Buckets) -> Differing {
        let mut differing = [0; BUCKETS / 8];
        let theirs = theirs.buckets.chunks_exact(8);
        for (i, (bytes, value)) in theirs.zip(&*self.values).enumerate() {
            if *bytes != value.to_be_bytes() {
                differing[i / 8] |= 1 << (i % 8);
            }
        }
        Differing {
            reach: self.reach,
            buckets: Array::new(differing),
        }
    }
}

/// A part of a room: some buckets, within a reach.
#[derive(Clone)]
pub(super) struct Differing {
    pub reach: Rank,
    pub buckets: Array<{ BUCKETS / 8 }>,
}

impl Differing {
    pub fn is_empty(&self) -> bool {
        self.buckets.iter().all(|byte| *byte == 0)
    }

    /// Whether it has the bucket of this peer or node.
    pub fn contains(&self, peer: &PeerId) -> bool {
        let i = usize::from(bucket(peer));
        self.buckets[i / 8] & (1 << (i % 8)) != 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn peers() -> impl Strategy<Value = Vec<(PeerId, u64)>> {
        prop::collection::vec(
            (any::<u8>(), any::<u64>()).prop_map(|(last, hash)| {
                let mut digest = [7; 32];
                digest[31] = last;
                let multihash = libp2p::multihash::Multihash::<64>::wrap(0, &digest).unwrap();
                (PeerId::from_multihash(multihash).unwrap(), hash | 1)
            }),
            0..40,
        )
    }

    fn buckets(known: &[(PeerId, u64)]) -> Buckets {
        Buckets::new(Rank::LAST, known.iter().copied())
    }

    proptest! {
        #[test]
        fn equal_sets_agree_whatever_the_order(mut known in peers()) {
            let a = buckets(&known);
            known.reverse();
            let b = buckets(&known);
            prop_assert!(a.agrees(&b.digest("r")));
            prop_assert!(a.differing(&b.to_wire("r")).is_empty());
        }

        #[test]
        fn one_more_is_found(known in peers(), more in peers()) {
            prop_assume!(!more.is_empty());
            let a = buckets(&known);
            let b = buckets(&[&known[..], &more[..1]].concat());
            prop_assert!(!a.agrees(&b.digest("r")));
            let differing = a.differing(&b.to_wire("r"));
            prop_assert!(differing.contains(&more[0].0));
            let marked: u32 = differing.buckets.iter().map(|byte| byte.count_ones()).sum();
            prop_assert_eq!(marked, 1);
        }
    }
}
