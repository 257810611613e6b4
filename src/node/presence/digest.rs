use libp2p::PeerId;
use sha2::{Digest as _, Sha256};

use crate::wire::{
    Array,
    presence::{BUCKETS, Digest},
};

/// The bucket of a peer: the last byte of its PeerId.
pub(super) fn bucket(peer: &PeerId) -> u8 {
    peer.to_bytes().last().copied().unwrap_or_default()
}

/// What a signed message puts into its peer's bucket: the first 8 bytes of its SHA-256.
pub(super) fn hash(signed: &[u8]) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&Sha256::digest(signed)[..8]);
    u64::from_be_bytes(first)
}

/// The digest of a room, kept up to date entry by entry: over every live record, and every
/// detached message that voids one of its attachments.
pub(super) struct Buckets(Box<[u64; BUCKETS]>);

impl Default for Buckets {
    fn default() -> Self {
        Buckets(Box::new([0; BUCKETS]))
    }
}

impl Buckets {
    /// Puts an entry in, or takes it out again.
    pub fn toggle(&mut self, peer: &PeerId, hash: u64) {
        self.0[usize::from(bucket(peer))] ^= hash;
    }

    /// The digest as it is sent.
    pub fn digest(&self, room: &str) -> Digest {
        let mut buckets = [0; BUCKETS * 8];
        for (bytes, value) in buckets.chunks_exact_mut(8).zip(&*self.0) {
            bytes.copy_from_slice(&value.to_be_bytes());
        }
        Digest {
            room: room.to_owned(),
            buckets: Array::new(buckets),
        }
    }

    /// Where somebody else's digest differs.
    pub fn differing(&self, theirs: &Digest) -> Differing {
        let mut differing = [0; BUCKETS / 8];
        for (i, (bytes, value)) in theirs.buckets.chunks_exact(8).zip(&*self.0).enumerate() {
            if *bytes != value.to_be_bytes() {
                differing[i / 8] |= 1 << (i % 8);
            }
        }
        Differing(Array::new(differing))
    }
}

/// A set of buckets.
#[derive(Clone)]
pub(super) struct Differing(pub Array<{ BUCKETS / 8 }>);

impl Differing {
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|byte| *byte == 0)
    }

    pub fn contains(&self, peer: &PeerId) -> bool {
        let i = usize::from(bucket(peer));
        self.0[i / 8] & (1 << (i % 8)) != 0
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
                (PeerId::from_multihash(multihash).unwrap(), hash)
            }),
            0..20,
        )
    }

    proptest! {
        #[test]
        fn equal_sets_have_equal_digests(mut set in peers()) {
            let mut a = Buckets::default();
            set.iter().for_each(|(peer, hash)| a.toggle(peer, *hash));
            set.reverse();
            let mut b = Buckets::default();
            set.iter().for_each(|(peer, hash)| b.toggle(peer, *hash));
            prop_assert!(a.differing(&b.digest("r")).is_empty());
        }

        #[test]
        fn exactly_the_changed_bucket_differs(set in peers(), peer in any::<u8>(), hash in 1u64..) {
            let mut a = Buckets::default();
            let mut b = Buckets::default();
            for (peer, hash) in &set {
                a.toggle(peer, *hash);
                b.toggle(peer, *hash);
            }
            let mut digest = [7; 32];
            digest[31] = peer;
            let multihash = libp2p::multihash::Multihash::<64>::wrap(0, &digest).unwrap();
            let changed = PeerId::from_multihash(multihash).unwrap();
            b.toggle(&changed, hash);
            let differing = a.differing(&b.digest("r"));
            prop_assert!(differing.contains(&changed));
            prop_assert_eq!(differing.0.iter().map(|byte| byte.count_ones()).sum::<u32>(), 1);
            b.toggle(&changed, hash);
            prop_assert!(a.differing(&b.digest("r")).is_empty());
        }
    }
}
