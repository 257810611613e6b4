use crate::wire::{Bytes, limits, presence::Changes};

/// Bytes of a bundle's wrapping: names of fields, the room, a difference's bits.
const WRAPPING: usize = 512;
/// Bytes of the CBOR head of a byte string of at most [`limits::RECORD`] bytes.
const HEAD: usize = 3;

/// What is said about one peer, or by a node about itself. It isn't torn apart: a record without what voids it would
/// bring the peer back.
#[derive(Debug, Default)]
pub(super) struct Unit {
    pub record: Option<Bytes>,
    pub leave: Option<Bytes>,
    pub detached: Vec<Bytes>,
    /// A node's word on itself, rather than about a peer.
    pub count: Option<Bytes>,
}

impl Unit {
    /// A node's count alone.
    pub fn count(wire: &Bytes) -> Self {
        Unit {
            count: Some(wire.clone()),
            ..Unit::default()
        }
    }

    /// The signed messages in it.
    pub fn all(&self) -> impl Iterator<Item = &Bytes> {
        let peer = self.record.iter().chain(&self.leave).chain(&self.detached);
        peer.chain(&self.count)
    }

    /// How many they are.
    pub fn len(&self) -> usize {
        self.all().count()
    }

    fn bytes(&self) -> usize {
        self.all().map(|wire| wire.len() + HEAD).sum()
    }
}

/// Units that travel in one message: at most [`limits::BATCH`] signed messages, such that it
/// fits in gossip as in a frame.
#[derive(Debug, Default)]
pub(super) struct Bundle {
    pub changes: Changes,
    pub len: usize,
    bytes: usize,
}

impl Bundle {
    /// Adds a unit, or gives it back if the bundle is full.
    pub fn add(&mut self, unit: Unit) -> Result<(), Unit> {
        let (len, bytes) = (unit.len(), unit.bytes());
        if self.len + len > limits::BATCH || self.bytes + bytes + WRAPPING > limits::GOSSIP {
            return Err(unit);
        }
        self.len += len;
        self.bytes += bytes;
        self.changes.records.extend(unit.record);
        self.changes.leaves.extend(unit.leave);
        self.changes.detached.extend(unit.detached);
        self.changes.counts.extend(unit.count);
        Ok(())
    }

    /// As many bundles as the units need: at least one.
    pub fn pack(units: impl Iterator<Item = Unit>) -> Vec<Bundle> {
        let mut full = Vec::new();
        let mut last = Bundle::default();
        for unit in units {
            if let Err(unit) = last.add(unit) {
                full.push(std::mem::take(&mut last));
                let fits = last.add(unit);
                debug_assert!(fits.is_ok(), "a unit alone fits");
            }
        }
        full.push(last);
        full
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::{
        cbor,
        presence::{Gossip, PresenceFrame, RoomChanges},
    };

    fn unit() -> impl Strategy<Value = Unit> {
        let wire = || (1usize..=limits::RECORD).prop_map(|n| Bytes::from(vec![0; n]));
        (
            prop::option::of(wire()),
            prop::option::of(wire()),
            prop::collection::vec(wire(), 0..=limits::ATTACHMENTS),
            prop::option::of(wire()),
        )
            .prop_map(|(record, leave, detached, count)| Unit {
                record,
                leave,
                detached,
                count,
            })
    }

    proptest! {
        #[test]
        fn every_unit_is_packed_and_every_bundle_fits(units in prop::collection::vec(unit(), 0..120)) {
            let total: usize = units.iter().map(Unit::len).sum();
            let bundles = Bundle::pack(units.into_iter());
            prop_assert_eq!(bundles.iter().map(|bundle| bundle.len).sum::<usize>(), total);
            for Bundle { changes, len, .. } in bundles {
                prop_assert!(len <= limits::BATCH);
                let frame = PresenceFrame::Records(RoomChanges {
                    room: "r".repeat(limits::ROOM),
                    changes: changes.clone(),
                });
                prop_assert!(cbor::encode(&frame).len() <= limits::NODE_FRAME);
                let gossip = cbor::encode(&Gossip::Presence(changes));
                prop_assert!(gossip.len() <= limits::GOSSIP);
            }
        }
    }
}
