//! Keys that are tried until they lie where they are wanted.

use libp2p::kad::KBucketKey;
use rand::Rng;
use simnet::Stream;
use velox_mesh::identity::Identity;

/// How much nearer than the nearest of as many random nodes a key is to lie, in bits.
const NEARER: u32 = 4;

/// An identity whose place in the DHT is nearer to `key` than that of any of `nodes` others, as
/// far as chance lets them: it takes some ten thousand tries for a thousand nodes.
pub fn next_to(key: &[u8], nodes: usize, mut chance: Stream) -> Identity {
    let key = KBucketKey::new(key.to_vec());
    let bits = nodes.max(1).ilog2() + NEARER;
    loop {
        let mut seed = [0; 32];
        chance.fill_bytes(&mut seed);
        let identity = Identity::from_seed(seed);
        let place = KBucketKey::from(identity.peer_id());
        let distance = place.distance(&key).ilog2().unwrap_or(0);
        if distance < 256 - bits {
            return identity;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_of_the_others_is_nearer() {
        let key = b"a room's key";
        let place = KBucketKey::new(key.to_vec());
        let distance = |identity: &Identity| KBucketKey::from(identity.peer_id()).distance(&place);
        let mut chance = Stream::new(1, "others");
        let sybil = next_to(key, 64, Stream::new(1, "sybil"));
        let nearer = (0..64)
            .filter(|_| {
                let mut seed = [0; 32];
                chance.fill_bytes(&mut seed);
                distance(&Identity::from_seed(seed)) < distance(&sybil)
            })
            .count();
        assert_eq!(nearer, 0);
        assert_eq!(
            next_to(key, 64, Stream::new(1, "sybil")).peer_id(),
            sybil.peer_id()
        );
    }
}
