//! What must be refused, and why.

use std::collections::BTreeMap;

use ipld_core::ipld::Ipld;
use libp2p::{PeerId, multihash::Multihash};
use serde_json::{Value, json};
use velox_mesh::{
    identity::Identity,
    wire::{
        Array, Body, Bytes, Malformed, Refused, Signed, V1,
        attach::{FromNode, FromPeer},
        cbor,
        envelope::{Contents, Envelope},
        limits,
        node_record::NodeRecord,
        presence::{Gossip, Leave, PresenceRecord},
    },
};

use crate::{
    actors::*,
    hold,
    json::{hex, unhex_vec},
    records::node_record,
};

/// The name that the vectors give to a refusal's kind.
fn why(refused: &Refused) -> &'static str {
    match refused {
        Refused::Malformed(Malformed::TooLong { .. }) => "too-long",
        // Which of the two comes first is the CBOR library's choice.
        Refused::Malformed(Malformed::NonCanonical { .. } | Malformed::Schema { .. }) => {
            "malformed"
        }
        Refused::Malformed(Malformed::Field { .. }) => "field",
        Refused::NoKey { .. } => "no-key",
        Refused::Forged { .. } => "forged",
    }
}

fn refuse(kind: &str, bytes: &[u8]) -> Refused {
    fn plain<T>(what: &'static str, bytes: &[u8], max: usize) -> Option<Refused>
    where
        T: serde::Serialize + serde::de::DeserializeOwned,
    {
        cbor::decode::<T>(what, bytes, max).err().map(Refused::from)
    }
    let refused = match kind {
        "presence-record" => Signed::<PresenceRecord>::verify(bytes).err(),
        "leave" => Signed::<Leave>::verify(bytes).err(),
        "node-record" => Signed::<NodeRecord>::verify(bytes).err(),
        "envelope" => Signed::<Envelope>::verify(bytes).err(),
        "from-peer" => plain::<FromPeer>("message", bytes, limits::MESSAGE),
        "from-node" => plain::<FromNode>("message", bytes, limits::MESSAGE),
        "contents" => plain::<Contents>("contents", bytes, limits::ENVELOPE),
        "gossip" => plain::<Gossip>("gossip", bytes, limits::GOSSIP),
        other => panic!("no decoder for {other}"),
    };
    refused.unwrap_or_else(|| panic!("{kind} accepted: {}", hex(bytes)))
}

fn case(name: &str, kind: &str, expected: &str, bytes: &[u8]) -> Value {
    let refused = refuse(kind, bytes);
    assert_eq!(why(&refused), expected, "{name}: {refused}");
    json!({
        "name": name,
        "type": kind,
        "value": { "why": expected },
        "hex": hex(bytes),
    })
}

/// `[body, signature]` by `seed` under `domain`, whatever the body is.
fn sign(seed: [u8; 32], domain: &str, body: &[u8]) -> Vec<u8> {
    let signature = Identity::from_seed(seed).sign(domain, body);
    cbor::encode(&(Bytes::from(body.to_vec()), Array::new(signature)))
}

fn ipld<T: serde::Serialize>(value: &T) -> BTreeMap<String, Ipld> {
    match serde_ipld_dagcbor::from_slice(&cbor::encode(value)) {
        Ok(Ipld::Map(map)) => map,
        other => panic!("not a map: {other:?}"),
    }
}

/// Alice's record with one field replaced, properly signed.
fn altered(field: &str, value: Option<Ipld>) -> Vec<u8> {
    let mut map = ipld(&record(ALICE, ALICE_SECRET, ROOM, b""));
    match value {
        Some(value) => map.insert(field.into(), value),
        None => map.remove(field),
    };
    sign(ALICE, PresenceRecord::DOMAIN, &cbor::encode(&map))
}

fn presence_schema() -> Vec<Value> {
    let many = Ipld::List(vec![Ipld::Bytes(node_a().to_bytes()); 5]);
    let text = |text: &str| Some(Ipld::String(text.into()));
    let cases: Vec<(&str, &str, Vec<u8>)> = vec![
        (
            "an unknown version",
            "malformed",
            altered("v", Some(Ipld::Integer(2))),
        ),
        (
            "an unknown field",
            "malformed",
            altered("extra", Some(Ipld::Bool(true))),
        ),
        ("a missing field", "malformed", altered("key", None)),
        (
            "a key of 31 bytes",
            "malformed",
            altered("key", Some(Ipld::Bytes(vec![1; 31]))),
        ),
        (
            "a text where bytes belong",
            "malformed",
            altered("meta", text("")),
        ),
        (
            "null where bytes belong",
            "malformed",
            altered("meta", Some(Ipld::Null)),
        ),
        (
            "a negative sequence",
            "malformed",
            altered("seq", Some(Ipld::Integer(-1))),
        ),
        (
            "a float for a sequence",
            "malformed",
            altered("seq", Some(Ipld::Float(1.5))),
        ),
        (
            "a sequence above 64 bits",
            "malformed",
            altered("seq", Some(Ipld::Integer(-(1 << 64)))),
        ),
        (
            "a peer that is no multihash",
            "malformed",
            altered("peer", Some(Ipld::Bytes(vec![0xff; 38]))),
        ),
        ("an empty room", "field", altered("room", text(""))),
        (
            "a room of 129 bytes",
            "field",
            altered("room", text(&"r".repeat(129))),
        ),
        (
            "a control character in a room",
            "field",
            altered("room", text("a\nb")),
        ),
        (
            "a C1 control character in a room",
            "field",
            altered("room", text("a\u{85}b")),
        ),
        ("an empty network", "field", altered("network", text(""))),
        (
            "a network of 65 bytes",
            "field",
            altered("network", text(&"n".repeat(65))),
        ),
        ("five attachments", "field", altered("attach", Some(many))),
        (
            "257 bytes of metadata",
            "field",
            altered("meta", Some(Ipld::Bytes(vec![0; 257]))),
        ),
    ];
    cases
        .iter()
        .map(|(name, expected, bytes)| case(name, "presence-record", expected, bytes))
        .collect()
}

fn signatures() -> Vec<Value> {
    let body = cbor::encode(&record(ALICE, ALICE_SECRET, ROOM, b""));
    let good = sign(ALICE, PresenceRecord::DOMAIN, &body);
    let mut flipped = good.clone();
    *flipped.last_mut().expect("not empty") ^= 1;
    let hashed = Multihash::<64>::wrap(0x12, &[7; 32]).expect("32 bytes fit");
    let hashed = PeerId::from_multihash(hashed).expect("a SHA-256 multihash is a PeerId");
    let no_key = altered("peer", Some(Ipld::Bytes(hashed.to_bytes())));
    let leave = cbor::encode(&Leave {
        v: V1,
        network: NETWORK.into(),
        room: ROOM.into(),
        peer: alice().peer_id(),
        seq: NOW,
    });
    let short = cbor::encode(&(Bytes::from(body.clone()), Bytes::from(vec![1; 63])));
    let bare = cbor::encode(&(Bytes::from(body.clone()),));
    let list =
        |signature: [u8; 64]| cbor::encode(&(Bytes::from(body.clone()), Array::new(signature)));
    let cases: Vec<(&str, &str, &str, Vec<u8>)> = vec![
        (
            "one bit of the signature flipped",
            "presence-record",
            "forged",
            flipped,
        ),
        ("no signature", "presence-record", "forged", list([0; 64])),
        (
            "signed by somebody else",
            "presence-record",
            "forged",
            sign(BOB, PresenceRecord::DOMAIN, &body),
        ),
        (
            "signed as a leave",
            "presence-record",
            "forged",
            sign(ALICE, Leave::DOMAIN, &body),
        ),
        (
            "a leave signed as a presence record",
            "leave",
            "forged",
            sign(ALICE, PresenceRecord::DOMAIN, &leave),
        ),
        (
            "a leave signed by a node",
            "leave",
            "forged",
            sign(NODE_A, Leave::DOMAIN, &leave),
        ),
        (
            "a signer whose PeerId is a hash",
            "presence-record",
            "no-key",
            no_key,
        ),
        (
            "a signature of 63 bytes",
            "presence-record",
            "malformed",
            short,
        ),
        ("a body alone", "presence-record", "malformed", bare),
        (
            "a leave where a record belongs",
            "presence-record",
            "malformed",
            sign(ALICE, PresenceRecord::DOMAIN, &leave),
        ),
    ];
    cases
        .iter()
        .map(|(name, kind, expected, bytes)| case(name, kind, expected, bytes))
        .collect()
}

fn encodings() -> Vec<Value> {
    let body = cbor::encode(&record(ALICE, ALICE_SECRET, ROOM, b""));
    let trailing = [body.as_slice(), &[0]].concat();
    let outside = [sign(ALICE, PresenceRecord::DOMAIN, &body).as_slice(), &[0]].concat();
    let mut envelope = ipld(&Envelope {
        v: V1,
        from: alice().peer_id(),
        tag: Array::new([1; 16]),
        id: Array::new([2; 16]),
        expires: NOW,
        kid: Array::new([3; 8]),
        sealed: vec![4; 48],
    });
    envelope.insert("sealed".into(), Ipld::Bytes(vec![4; 47]));
    let short = sign(ALICE, Envelope::DOMAIN, &cbor::encode(&envelope));
    let mut node = ipld(&node_record(NODE_A));
    let address = Ipld::String("/ip4/192.0.2.7/tcp/1".into());
    node.insert("addrs".into(), Ipld::List(vec![address; 17]));
    let many = sign(NODE_A, NodeRecord::DOMAIN, &cbor::encode(&node));
    // Each is `ping` or `pong` {n: 1} but for one thing.
    let raw: Vec<(&str, &str, &str)> = vec![
        ("bytes after the end", "malformed", "a164706f6e67a1616e0100"),
        (
            "an integer in two bytes",
            "malformed",
            "a164706f6e67a1616e1801",
        ),
        (
            "an integer in nine bytes",
            "malformed",
            "a164706f6e67a1616e1b0000000000000001",
        ),
        (
            "a map of indefinite length",
            "malformed",
            "bf64706f6e67a1616e01ff",
        ),
        (
            "a text of indefinite length",
            "malformed",
            "a17f64706f6e67ffa1616e01",
        ),
        ("a tag", "malformed", "a164706f6e67a1616ec101"),
        ("undefined", "malformed", "a164706f6e67a1616ef7"),
        ("a half float", "malformed", "a164706f6e67a1616ef93c00"),
        ("a field twice", "malformed", "a164706f6e67a2616e01616e01"),
        (
            "a text that is no UTF-8",
            "malformed",
            "a164ffffffffa1616e01",
        ),
        (
            "two messages in one map",
            "malformed",
            "a263627965a064706f6e67a1616e01",
        ),
        ("an empty map", "malformed", "a0"),
        (
            "a message nobody knows",
            "malformed",
            "a164686f6e6ba1616e01",
        ),
        ("a name without a body", "malformed", "64706f6e67"),
        ("cut short", "malformed", "a164706f6e67a1616e"),
        ("nothing at all", "malformed", ""),
        (
            "a node's message from a peer",
            "malformed",
            "a16470696e67a1616e01",
        ),
        ("a body that is a list", "malformed", "a164706f6e678101"),
    ];
    let mut cases: Vec<Value> = raw
        .iter()
        .map(|(name, expected, text)| case(name, "from-peer", expected, &unhex_vec(text)))
        .collect();
    let swapped = unhex_vec("a168736e617073686f74a36473697a650164726f6f6d616c677265636f72647380");
    let contents = unhex_vec("a0");
    let deep = [vec![0x81; 2000], vec![0x80]].concat();
    let long = vec![0; limits::MESSAGE + 1];
    let record = vec![0; limits::RECORD + 1];
    let domain = PresenceRecord::DOMAIN;
    cases.extend([
        case("keys out of order", "from-node", "malformed", &swapped),
        case(
            "contents without a field",
            "contents",
            "malformed",
            &contents,
        ),
        case(
            "two thousand lists in each other",
            "gossip",
            "malformed",
            &deep,
        ),
        case("a message above its bound", "from-peer", "too-long", &long),
        case(
            "a record above its bound",
            "presence-record",
            "too-long",
            &record,
        ),
        case(
            "bytes after a signed body",
            "presence-record",
            "malformed",
            &sign(ALICE, domain, &trailing),
        ),
        case(
            "bytes after a signed message",
            "presence-record",
            "malformed",
            &outside,
        ),
        case("a seal of 47 bytes", "envelope", "field", &short),
        case("17 addresses", "node-record", "field", &many),
    ]);
    cases
}

#[test]
fn malformed_messages_are_refused_for_their_reason() {
    hold(
        "malformed.json",
        [presence_schema(), signatures(), encodings()].concat(),
    );
}
