//! Who acts in the vectors, and the records that several files need.

use libp2p::PeerId;
use velox_mesh::{
    identity::Identity,
    wire::{Array, Bytes, Signed, V1, presence::PresenceRecord, seal::SealingKey},
};

pub const NETWORK: &str = "example.org";
pub const ROOM: &str = "lobby";
/// Noon of 1 January 2026, UTC.
pub const NOW: u64 = 1_767_268_800_000;
pub const CID: &str = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e";

pub const ALICE: [u8; 32] = [1; 32];
pub const BOB: [u8; 32] = [2; 32];
pub const NODE_A: [u8; 32] = [0xa; 32];
pub const NODE_B: [u8; 32] = [0xb; 32];

pub fn alice() -> Identity {
    Identity::from_seed(ALICE)
}

pub fn bob() -> Identity {
    Identity::from_seed(BOB)
}

pub fn node_a() -> PeerId {
    Identity::from_seed(NODE_A).peer_id()
}

pub fn node_b() -> PeerId {
    Identity::from_seed(NODE_B).peer_id()
}

/// The secret of the key that envelopes to Alice are sealed to.
pub const ALICE_SECRET: [u8; 32] = [0x11; 32];
/// The secret of the key that envelopes to Bob are sealed to.
pub const BOB_SECRET: [u8; 32] = [0x22; 32];

pub fn sealing(secret: [u8; 32]) -> SealingKey {
    SealingKey::from_secret(&secret).expect("32 bytes are an X25519 secret")
}

pub fn record(seed: [u8; 32], secret: [u8; 32], room: &str, meta: &[u8]) -> PresenceRecord {
    PresenceRecord {
        v: V1,
        network: NETWORK.into(),
        room: room.into(),
        peer: Identity::from_seed(seed).peer_id(),
        key: Array::new(sealing(secret).public()),
        seq: NOW,
        expires: NOW + 600_000,
        attach: vec![node_a(), node_b()],
        meta: meta.to_vec(),
    }
}

/// Alice's signed record in the lobby.
pub fn alice_record() -> Bytes {
    Signed::sign(
        &alice(),
        record(ALICE, ALICE_SECRET, ROOM, b"{\"name\":\"Alice\"}"),
    )
    .to_wire()
}

/// Bob's signed record in the lobby.
pub fn bob_record() -> Bytes {
    Signed::sign(&bob(), record(BOB, BOB_SECRET, ROOM, b"")).to_wire()
}
