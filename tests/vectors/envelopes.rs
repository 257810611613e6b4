//! Envelopes whole: contents, associated data, seal, blind tag, key id, signature.

use std::convert::Infallible;

use rand::{TryCryptoRng, TryRng};
use serde_json::{Value, json};
use velox_mesh::wire::{
    Array, Bytes, Signed, V1, cbor,
    envelope::{Candidate, Contents, Envelope, Kind, associated_data, blind, key_id},
    seal::seal_with_rng,
};

use crate::{
    actors::*,
    hold,
    json::{hex, value},
};

/// Gives the same bytes for ever: HPKE's key-generating material, in vectors only.
pub struct Fixed(pub [u8; 32]);

impl TryRng for Fixed {
    type Error = Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes([
            self.0[0], self.0[1], self.0[2], self.0[3],
        ]))
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from(self.try_next_u32()?))
    }
    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Infallible> {
        to.iter_mut()
            .zip(self.0.iter().cycle())
            .for_each(|(to, byte)| *to = *byte);
        Ok(())
    }
}

impl TryCryptoRng for Fixed {}

fn sealed(name: &str, n: u8, kind: Kind, record: Option<Bytes>) -> Value {
    let (from, to) = (alice(), bob());
    let contents = Contents {
        v: V1,
        session: Array::new([0x77; 16]),
        seq: u64::from(n),
        kind,
        record,
    };
    let plaintext = cbor::encode(&contents);
    let again: Contents = cbor::decode("contents", &plaintext, 32 * 1024).expect("decodes");
    assert_eq!(again, contents);

    let key = sealing(BOB_SECRET);
    let id = Array::new([n; 16]);
    let expires = NOW + 30_000;
    let kid = key_id(&key.public());
    let data = associated_data(
        NETWORK,
        ROOM,
        &from.peer_id(),
        &to.peer_id(),
        &id,
        expires,
        &kid,
    );
    let ikm = [0x40 + n; 32];
    let seal = seal_with_rng(&key.public(), &plaintext, &data, &mut Fixed(ikm)).expect("seals");
    assert_eq!(key.open(&seal, &data).as_ref(), Ok(&plaintext));

    let envelope = Envelope {
        v: V1,
        from: from.peer_id(),
        tag: blind(&id, &to.peer_id()),
        id,
        expires,
        kid,
        sealed: seal.clone(),
    };
    let signed = Signed::sign(&from, envelope.clone());
    json!({
        "name": name,
        "type": "envelope",
        "seed": hex(ALICE),
        "from": from.peer_id().to_base58(),
        "to": to.peer_id().to_base58(),
        "network": NETWORK,
        "room": ROOM,
        "receiver_secret": hex(BOB_SECRET),
        "receiver_public": hex(key.public()),
        "ephemeral_ikm": hex(ikm),
        "contents": value(&contents),
        "plaintext": hex(plaintext),
        "associated_data": hex(data),
        "value": value(&envelope),
        "hex": hex(signed.bytes()),
    })
}

#[test]
fn envelopes_are_as_committed() {
    let candidate = Candidate {
        candidate: "candidate:1 1 udp 2122260223 192.0.2.7 51000 typ host".into(),
        mid: Some("0".into()),
        line: Some(0),
    };
    let bare = Candidate {
        candidate: String::new(),
        mid: None,
        line: None,
    };
    let mut cases = vec![
        sealed(
            "offer",
            1,
            Kind::Offer("v=0\r\n".into()),
            Some(alice_record()),
        ),
        sealed("answer", 2, Kind::Answer("v=0\r\n".into()), None),
        sealed(
            "candidates",
            3,
            Kind::Candidates(vec![candidate, bare]),
            None,
        ),
        sealed("no more candidates", 4, Kind::Candidates(vec![]), None),
        sealed("renegotiate", 5, Kind::Renegotiate("v=0\r\n".into()), None),
        sealed("bye", 6, Kind::Bye("left the room".into()), None),
        sealed("ack", 7, Kind::Ack(Array::new([1; 16])), None),
        sealed(
            "message",
            8,
            Kind::Message(Bytes::from(vec![0, 1, 2, 0xff])),
            None,
        ),
    ];
    for (name, secret) in [("Alice's", ALICE_SECRET), ("Bob's", BOB_SECRET)] {
        let public = sealing(secret).public();
        cases.push(json!({
            "name": format!("{name} key id"),
            "type": "key-id",
            "value": { "secret": hex(secret), "public": hex(public) },
            "hex": hex(*key_id(&public)),
        }));
    }
    for (name, to) in [("Alice", alice()), ("Bob", bob())] {
        let id = Array::new([0xc3; 16]);
        cases.push(json!({
            "name": format!("{name} blinded"),
            "type": "blind-tag",
            "value": { "id": hex(*id), "to": to.peer_id().to_base58() },
            "hex": hex(*blind(&id, &to.peer_id())),
        }));
    }
    hold("envelopes.json", cases);
}
