//! Every message between two nodes.

use velox_mesh::wire::{
    Array, Bytes, Signed, V1,
    discovery::{DiscoveryFrame, NodeAnnouncement},
    envelope::Parcel,
    presence::*,
    signal::SignalFrame,
};

use crate::{
    actors::*,
    attach::{carried, leave, locate, message, node_bytes, providers, undelivered},
    hold,
};

fn changes() -> Changes {
    let detached = Detached {
        v: V1,
        network: NETWORK.into(),
        node: node_a(),
        peer: alice().peer_id(),
        seq: NOW,
    };
    let identity = velox_mesh::identity::Identity::from_seed(NODE_A);
    Changes {
        records: vec![alice_record(), bob_record()],
        leaves: vec![leave(ROOM)],
        detached: vec![Signed::sign(&identity, detached).to_wire()],
        counts: vec![Signed::sign(&identity, count()).to_wire()],
    }
}

pub fn count() -> Count {
    Count {
        v: V1,
        network: NETWORK.into(),
        room: ROOM.into(),
        node: node_a(),
        members: 4_096,
        seq: NOW,
        expires: NOW + 600_000,
    }
}

#[test]
fn node_messages_are_as_committed() {
    let mut buckets = [0; BUCKETS * 8];
    buckets[..8].copy_from_slice(&[1, 2, 3, 4, 5, 6, 7, 8]);
    let mut differing = [0; BUCKETS / 8];
    differing[0] = 1;
    let whole = Array::new([0xff; 8]);
    let digest = Digest {
        room: ROOM.into(),
        reach: whole,
        sum: Array::new([1, 2, 3, 4, 5, 6, 7, 8]),
    };
    let part = Digest {
        reach: Array::new([0x0d, 0x1b, 0x71, 0x75, 0x8e, 0x21, 0x96, 0x52]),
        ..digest.clone()
    };
    let buckets = Buckets {
        room: ROOM.into(),
        reach: whole,
        buckets: Array::new(buckets),
    };
    let difference = Difference {
        room: ROOM.into(),
        reach: whole,
        differing: Array::new(differing),
        changes: changes(),
    };
    let records = RoomChanges {
        room: ROOM.into(),
        changes: changes(),
    };
    let nothing = Gossip::Presence(Changes::default());
    let parcel = Parcel::Envelope(Bytes::from(vec![0x82, 0x40, 0x40]));
    let snapshot = RoomName { room: ROOM.into() };
    let node = NodeAnnouncement {
        record: node_bytes(),
    };
    hold(
        "nodes.json",
        vec![
            message("presence", "gossip", &Gossip::Presence(changes())),
            message("no change", "gossip", &nothing),
            message("an envelope", "gossip", &Gossip::Envelope(parcel)),
            message("digest", "presence-frame", &PresenceFrame::Digest(digest)),
            message(
                "digest of a sample",
                "presence-frame",
                &PresenceFrame::Digest(part),
            ),
            message(
                "buckets",
                "presence-frame",
                &PresenceFrame::Buckets(Box::new(buckets)),
            ),
            message(
                "difference",
                "presence-frame",
                &PresenceFrame::Difference(difference),
            ),
            message(
                "records",
                "presence-frame",
                &PresenceFrame::Records(records),
            ),
            message(
                "snapshot",
                "presence-frame",
                &PresenceFrame::Snapshot(snapshot),
            ),
            message("carry", "signal-frame", &SignalFrame::Carry(carried(false))),
            message(
                "undelivered",
                "signal-frame",
                &SignalFrame::Undelivered(undelivered()),
            ),
            message("node", "discovery-frame", &DiscoveryFrame::Node(node)),
            message(
                "locate",
                "discovery-frame",
                &DiscoveryFrame::Locate(locate()),
            ),
            message(
                "providers",
                "discovery-frame",
                &DiscoveryFrame::Providers(providers(true)),
            ),
        ],
    );
}
