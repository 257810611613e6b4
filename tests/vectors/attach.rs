//! Every message of an attachment, both ways.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use velox_mesh::wire::{
    Array, Bytes, Signed, V1,
    attach::*,
    cbor,
    envelope::Parcel,
    presence::Leave,
    signal::{Carried, Undelivered},
};

use crate::{
    actors::*,
    hold,
    json::{hex, value},
    records::node_record,
};

pub fn message<T>(name: &str, kind: &'static str, message: &T) -> Value
where
    T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let bytes = cbor::encode(message);
    let again: T = cbor::decode(kind, &bytes, bytes.len()).expect("decodes what it encodes");
    assert_eq!(&again, message);
    json!({ "name": name, "type": kind, "value": value(message), "hex": hex(bytes) })
}

pub fn leave(room: &str) -> Bytes {
    let leave = Leave {
        v: V1,
        network: NETWORK.into(),
        room: room.into(),
        peer: alice().peer_id(),
        seq: NOW + 1,
    };
    Signed::sign(&alice(), leave).to_wire()
}

pub fn node_bytes() -> Bytes {
    let identity = velox_mesh::identity::Identity::from_seed(NODE_A);
    Signed::sign(&identity, node_record(NODE_A)).to_wire()
}

pub fn carried(via: bool) -> Carried {
    Carried {
        to: bob().peer_id(),
        room: ROOM.into(),
        via: if via {
            vec![node_a(), node_b()]
        } else {
            vec![]
        },
        parcel: Parcel::Envelope(Bytes::from(vec![0x82, 0x40, 0x40])),
    }
}

pub fn undelivered() -> Undelivered {
    Undelivered {
        id: Array::new([9; 16]),
        to: bob().peer_id(),
        code: "not-attached".into(),
    }
}

pub fn providers(last: bool) -> Providers {
    Providers {
        id: 7,
        records: if last { vec![] } else { vec![bob_record()] },
        last,
    }
}

pub fn locate() -> Locate {
    Locate {
        id: 7,
        cid: CID.into(),
    }
}

fn fragment(last: bool, bytes: usize) -> Fragment {
    Fragment {
        id: 3,
        last,
        data: Bytes::from(vec![0x55; bytes]),
    }
}

fn from_peer() -> Vec<Value> {
    let provided = Signed::sign(
        &alice(),
        record(ALICE, ALICE_SECRET, &format!("/cid/{CID}"), b""),
    );
    let hello = |token: Option<&str>| {
        FromPeer::Hello(Hello {
            versions: vec![1],
            network: NETWORK.into(),
            agent: "velox-mesh/0.1.0".into(),
            token: token.map(Into::into),
        })
    };
    let parcel = Carried {
        parcel: Parcel::StaleKey(Bytes::from(vec![0x82, 0x40, 0x40])),
        ..carried(true)
    };
    [
        ("hello", hello(None)),
        ("hello with a token", hello(Some("eyJ.eyJ.sig"))),
        (
            "join",
            FromPeer::Join(Record {
                record: alice_record(),
            }),
        ),
        (
            "leave",
            FromPeer::Leave(Record {
                record: leave(ROOM),
            }),
        ),
        ("resync", FromPeer::Resync(Resync { room: ROOM.into() })),
        (
            "provide",
            FromPeer::Provide(Provide {
                id: 6,
                record: provided.to_wire(),
            }),
        ),
        (
            "unprovide",
            FromPeer::Unprovide(Record {
                record: leave(&format!("/cid/{CID}")),
            }),
        ),
        ("locate", FromPeer::Locate(locate())),
        ("carry an envelope", FromPeer::Carry(carried(true))),
        ("carry a stale-key", FromPeer::Carry(parcel)),
        ("pong", FromPeer::Pong(Beat { n: 41 })),
        ("hidden", FromPeer::Visibility(Visibility { hidden: true })),
        ("shown", FromPeer::Visibility(Visibility { hidden: false })),
        ("bye", FromPeer::Bye(Bye {})),
        ("fragment", FromPeer::Fragment(fragment(false, 4096))),
        ("last fragment", FromPeer::Fragment(fragment(true, 1))),
    ]
    .iter()
    .map(|(name, m)| message(name, "from-peer", m))
    .collect()
}

fn welcome() -> Vec<(&'static str, FromNode)> {
    let plain = Welcome {
        version: 1,
        lease: 30_000,
        time: NOW,
        observed: "/ip4/198.51.100.4/tcp/50123".into(),
        ice: vec![],
        nodes: vec![],
    };
    let full = Welcome {
        ice: vec![
            IceServer {
                urls: vec!["stun:192.0.2.7:4001".into()],
                username: None,
                credential: None,
            },
            IceServer {
                urls: vec!["turn:192.0.2.7:4001?transport=udp".into()],
                username: Some("1767272400:alice".into()),
                credential: Some("c2VjcmV0".into()),
            },
        ],
        nodes: vec![node_bytes()],
        ..plain.clone()
    };
    vec![
        ("welcome", FromNode::Welcome(full)),
        ("welcome with nothing else", FromNode::Welcome(plain)),
    ]
}

fn refusals() -> Vec<(&'static str, FromNode)> {
    let refusal = Refusal {
        code: "bad-cid".into(),
        text: "\"hello\" is no CID".into(),
        id: Some(7),
        room: None,
        fatal: false,
    };
    let fatal = Refusal {
        code: "quota".into(),
        text: "this node serves no more rooms: attach to another".into(),
        id: None,
        room: Some(ROOM.into()),
        fatal: true,
    };
    vec![
        ("refused request", FromNode::Refused(refusal)),
        ("refused attachment", FromNode::Refused(fatal)),
    ]
}

fn from_node() -> Vec<Value> {
    let snapshot = Snapshot {
        room: ROOM.into(),
        records: vec![bob_record()],
        size: 2,
    };
    let alone = Snapshot {
        records: vec![],
        size: 1,
        ..snapshot.clone()
    };
    let presence = Presence {
        room: ROOM.into(),
        records: vec![bob_record()],
        gone: vec![alice().peer_id()],
        leaves: vec![leave(ROOM)],
        size: 1,
    };
    let away = GoAway {
        reason: "the node is being restarted".into(),
        nodes: vec![node_bytes()],
    };
    let mut all = welcome();
    all.extend([
        ("snapshot", FromNode::Snapshot(snapshot)),
        ("snapshot of an empty room", FromNode::Snapshot(alone)),
        ("presence", FromNode::Presence(presence)),
        ("some providers", FromNode::Providers(providers(false))),
        ("no more providers", FromNode::Providers(providers(true))),
        ("done", FromNode::Done(Done { id: 6 })),
        ("carry", FromNode::Carry(carried(false))),
        ("undelivered", FromNode::Undelivered(undelivered())),
        ("ping", FromNode::Ping(Beat { n: 41 })),
        ("go-away", FromNode::GoAway(away)),
        ("fragment", FromNode::Fragment(fragment(true, 3))),
    ]);
    all.extend(refusals());
    all.iter()
        .map(|(name, m)| message(name, "from-node", m))
        .collect()
}

#[test]
fn attach_messages_are_as_committed() {
    hold("attach.json", [from_peer(), from_node()].concat());
}
