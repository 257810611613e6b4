//! Signed messages: presence records, leaves, detached, node records, stale keys, envelopes.

use serde_json::{Value, json};
use velox_mesh::{
    identity::Identity,
    wire::{
        Array, Body, Signed, V1, cbor,
        envelope::{Envelope, StaleKey, blind, key_id},
        node_record::NodeRecord,
        presence::{Detached, Leave},
    },
};

use crate::{
    actors::*,
    hold,
    json::{hex, value},
    nodes::count,
};

pub fn signed<T: Body + Clone>(name: &str, kind: &str, seed: [u8; 32], body: T) -> Value {
    let encoded = cbor::encode(&body);
    let identity = Identity::from_seed(seed);
    let signed = Signed::sign(&identity, body.clone());
    let again = Signed::<T>::verify(signed.bytes()).expect("verifies what was signed");
    assert_eq!(again.bytes(), signed.bytes());
    json!({
        "name": name,
        "type": kind,
        "seed": hex(seed),
        "signer": identity.peer_id().to_base58(),
        "domain": T::DOMAIN,
        "value": value(&body),
        "body": hex(encoded),
        "hex": hex(signed.bytes()),
    })
}

pub fn node_record(seed: [u8; 32]) -> NodeRecord {
    NodeRecord {
        v: V1,
        network: NETWORK.into(),
        node: Identity::from_seed(seed).peer_id(),
        seq: NOW,
        expires: NOW + 86_400_000,
        addrs: vec![
            "/ip4/192.0.2.7/tcp/4001".into(),
            "/ip4/192.0.2.7/udp/4001/quic-v1".into(),
            "/ip4/192.0.2.7/tcp/8080/ws".into(),
            "/dns/node.example.org/tcp/443/wss".into(),
        ],
    }
}

#[test]
fn records_are_as_committed() {
    let mut everything = record(ALICE, ALICE_SECRET, ROOM, b"{\"name\":\"Alice\"}");
    everything.network = "n".repeat(64);
    everything.room = "r".repeat(128);
    everything.meta = vec![0xff; 256];
    everything.attach = vec![node_a(), node_b(), bob().peer_id(), alice().peer_id()];
    let mut nowhere = record(BOB, BOB_SECRET, "räume/Ж/🛰", b"");
    nowhere.attach.clear();
    nowhere.seq = 0;

    let id = Array::new([0x5a; 16]);
    let stale = StaleKey {
        v: V1,
        from: bob().peer_id(),
        tag: blind(&id, &alice().peer_id()),
        id,
        expires: NOW + 30_000,
        record: bob_record().into_vec(),
    };
    let envelope = Envelope {
        v: V1,
        from: alice().peer_id(),
        tag: blind(&id, &bob().peer_id()),
        id,
        expires: NOW + 30_000,
        kid: key_id(&sealing(BOB_SECRET).public()),
        sealed: vec![0xee; 48],
    };
    let mut closed = node_record(NODE_B);
    closed.addrs.clear();

    hold(
        "records.json",
        vec![
            signed(
                "Alice in the lobby, with metadata",
                "presence-record",
                ALICE,
                record(ALICE, ALICE_SECRET, ROOM, b"{\"name\":\"Alice\"}"),
            ),
            signed(
                "Bob in the lobby, without metadata",
                "presence-record",
                BOB,
                record(BOB, BOB_SECRET, ROOM, b""),
            ),
            signed(
                "Alice provides a resource",
                "presence-record",
                ALICE,
                record(ALICE, ALICE_SECRET, &format!("/cid/{CID}"), b""),
            ),
            signed(
                "every field at its bound",
                "presence-record",
                ALICE,
                everything,
            ),
            signed(
                "no attachment, a room beyond ASCII",
                "presence-record",
                BOB,
                nowhere,
            ),
            signed(
                "Alice leaves",
                "leave",
                ALICE,
                Leave {
                    v: V1,
                    network: NETWORK.into(),
                    room: ROOM.into(),
                    peer: alice().peer_id(),
                    seq: NOW + 1,
                },
            ),
            signed(
                "node A lost Alice",
                "detached",
                NODE_A,
                Detached {
                    v: V1,
                    network: NETWORK.into(),
                    node: node_a(),
                    peer: alice().peer_id(),
                    seq: NOW,
                },
            ),
            signed("node A has many", "count", NODE_A, count()),
            signed(
                "node A's addresses",
                "node-record",
                NODE_A,
                node_record(NODE_A),
            ),
            signed("node B tells no address", "node-record", NODE_B, closed),
            signed("the shortest seal", "envelope", ALICE, envelope),
            signed("Bob's key has changed", "stale-key", BOB, stale),
        ],
    );
}
