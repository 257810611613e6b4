use libp2p::PeerId;
use sha2::{Digest as _, Sha256};

use crate::wire::{Array, presence::PresenceRecord};

const HOUR_MS: u64 = 60 * 60_000;

/// Where somebody stands in the order in which a big room's sample is drawn: the smallest are
/// in it. Everybody computes the same, so no node has to ask another whether its peer is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Rank(u64);

impl Rank {
    /// Behind everybody.
    pub const LAST: Rank = Rank(u64::MAX);

    /// Of a peer, by its record: the first 8 bytes (big-endian) of SHA-256(`velox/rank/1` 0x00
    /// network 0x00 room 0x00 peer hour), where the hour is that of the record's expiry. It
    /// changes with the hour, so that nobody is in the sample for ever, and with a record that
    /// is signed anyway, so that it doesn't hang on anybody's clock.
    pub fn of(record: &PresenceRecord) -> Self {
        let hour = record.expires / HOUR_MS;
        Self::hash(&record.network, &record.room, &record.peer, hour)
    }

    /// Of a node among those that count a room's members: as of a peer, in hour 0.
    pub fn of_node(network: &str, room: &str, node: &PeerId) -> Self {
        Self::hash(network, room, node, 0)
    }

    fn hash(network: &str, room: &str, id: &PeerId, hour: u64) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"velox/rank/1\0");
        hash.update(network);
        hash.update([0]);
        hash.update(room);
        hash.update([0]);
        hash.update(id.to_bytes());
        hash.update(hour.to_be_bytes());
        let mut first = [0; 8];
        first.copy_from_slice(&hash.finalize()[..8]);
        Rank(u64::from_be_bytes(first))
    }

    /// Where the `n`-th stands if this is the `of`-th.
    pub fn project(self, n: usize, of: usize) -> Self {
        let projected = u128::from(self.0) * n as u128 / of.max(1) as u128;
        Rank(u64::try_from(projected).unwrap_or(u64::MAX))
    }

    pub fn to_wire(self) -> Array<8> {
        Array::new(self.0.to_be_bytes())
    }

    pub fn from_wire(wire: &Array<8>) -> Self {
        Rank(u64::from_be_bytes(**wire))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn projects_and_saturates() {
        assert_eq!(Rank(100).project(256, 128), Rank(200));
        assert_eq!(Rank(u64::MAX / 2).project(256, 2), Rank::LAST);
        assert_eq!(Rank(7).project(3, 0), Rank(21));
        assert_eq!(Rank::from_wire(&Rank(258).to_wire()), Rank(258));
    }

    #[test]
    fn is_as_specified() {
        let peer = crate::identity::Identity::from_seed([1; 32]).peer_id();
        let rank = Rank::hash("example.org", "lobby", &peer, 490_896);
        assert_eq!(rank, Rank(0xa8f2_b5b8_dc8e_ff32));
    }

    #[test]
    fn depends_on_room_and_hour() {
        let peer = PeerId::random();
        let rank = Rank::hash("n", "r", &peer, 1);
        assert_eq!(rank, Rank::hash("n", "r", &peer, 1));
        assert_ne!(rank, Rank::hash("n", "r", &peer, 2));
        assert_ne!(rank, Rank::hash("n", "s", &peer, 1));
        assert_ne!(rank, Rank::hash("n", "r", &PeerId::random(), 1));
    }
}
