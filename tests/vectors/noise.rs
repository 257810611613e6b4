//! Noise_XX_25519_ChaChaPoly_SHA256: a vector of the cacophony set, and the handshake of an
//! attachment over WebSocket with libp2p's identity payloads.

use prost::Message;
use serde_json::{Value, json};
use snow::{Builder, HandshakeState};
use velox_mesh::{identity::Identity, wire::frame};

use crate::{
    actors::{ALICE, NODE_A},
    hold,
    json::{hex, unhex_vec},
};

const PATTERN: &str = "Noise_XX_25519_ChaChaPoly_SHA256";

/// One side's secrets.
struct Side {
    fixed: [u8; 32],
    ephemeral: [u8; 32],
}

impl Side {
    fn builder<'a>(&'a self, prologue: &'a [u8]) -> Builder<'a> {
        Builder::new(PATTERN.parse().expect("a pattern that snow knows"))
            .prologue(prologue)
            .and_then(|b| b.local_private_key(&self.fixed))
            .expect("each is set once")
            .fixed_ephemeral_key_for_testing_only(&self.ephemeral)
    }
}

/// Runs a handshake with these payloads, then sends the rest of them, sides taking turns from
/// the initiator on; gives the ciphertexts and the handshake hash.
fn run(
    prologue: &[u8],
    initiator: &Side,
    responder: &Side,
    payloads: &[Vec<u8>],
) -> (Vec<Vec<u8>>, Vec<u8>) {
    let mut a = initiator
        .builder(prologue)
        .build_initiator()
        .expect("builds");
    let mut b = responder
        .builder(prologue)
        .build_responder()
        .expect("builds");
    let mut sent = Vec::new();
    for (i, payload) in payloads[..3].iter().enumerate() {
        let (from, to) = if i == 1 {
            (&mut b, &mut a)
        } else {
            (&mut a, &mut b)
        };
        sent.push(pass(from, to, payload));
    }
    let hash = a.get_handshake_hash().to_vec();
    assert_eq!(hash, b.get_handshake_hash());
    let mut a = a.into_transport_mode().expect("the handshake is done");
    let mut b = b.into_transport_mode().expect("the handshake is done");
    for (i, payload) in payloads[3..].iter().enumerate() {
        let (from, to) = if i % 2 == 0 {
            (&mut b, &mut a)
        } else {
            (&mut a, &mut b)
        };
        let (mut ciphertext, mut plaintext) = (vec![0; 65535], vec![0; 65535]);
        let n = from
            .write_message(payload, &mut ciphertext)
            .expect("encrypts");
        ciphertext.truncate(n);
        let n = to
            .read_message(&ciphertext, &mut plaintext)
            .expect("decrypts");
        assert_eq!(&plaintext[..n], payload);
        sent.push(ciphertext);
    }
    (sent, hash)
}

fn pass(from: &mut HandshakeState, to: &mut HandshakeState, payload: &[u8]) -> Vec<u8> {
    let (mut message, mut plaintext) = (vec![0; 65535], vec![0; 65535]);
    let n = from.write_message(payload, &mut message).expect("writes");
    message.truncate(n);
    let n = to.read_message(&message, &mut plaintext).expect("reads");
    assert_eq!(&plaintext[..n], payload);
    message
}

fn messages(payloads: &[Vec<u8>], sent: &[Vec<u8>]) -> Value {
    payloads
        .iter()
        .zip(sent)
        .map(|(payload, message)| json!({ "payload": hex(payload), "message": hex(message) }))
        .collect()
}

fn cacophony() -> Value {
    let initiator = Side {
        fixed: side("e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1"),
        ephemeral: side("893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a"),
    };
    let responder = Side {
        fixed: side("4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893"),
        ephemeral: side("bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b"),
    };
    let payloads: Vec<Vec<u8>> = [
        "4c756477696720766f6e204d69736573",
        "4d757272617920526f746862617264",
        "462e20412e20486179656b",
        "4361726c204d656e676572",
        "4a65616e2d426170746973746520536179",
        "457567656e2042f6686d20766f6e2042617765726b",
    ]
    .map(unhex_vec)
    .to_vec();
    let (sent, hash) = run(b"John Galt", &initiator, &responder, &payloads);
    let expected = [
        "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c79444c756477696720766f6e204d69736573",
        "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f14480884381cbad1f276e038c48378ffce2b65285e08d6b68aaa3629a5a8639392490e5b9bd5269c2f1e4f488ed8831161f19b7815528f8982ffe09be9b5c412f8a0db50f8814c7194e83f23dbd8d162c9326ad",
        "c7195ffacac1307ff99046f219750fc47693e23c3cb08b89c2af808b444850a80ae475b9df0f169ae80a89be0865b57f58c9fea0d4ec82a286427402f113e4b6ae769a1d95941d49b25030",
        "96763ed773f8e47bb3712f0e29b3060ffc956ffc146cee53d5e1df",
        "3e40f15f6f3a46ae446b253bf8b1d9ffb6ed9b174d272328ff91a7e2e5c79c07f5",
        "eb3f3515110702e047a6c9da4478b6ead94873c11c0f2d710ddb3f09fce024b3a58502ae3f",
    ];
    assert_eq!(sent.iter().map(hex).collect::<Vec<_>>(), expected);
    assert_eq!(
        hex(&hash),
        "c8e5f64e846193be2a834104c2a009868d6c9f3bd3c186299888b488b2f1f58e"
    );
    handshake("cacophony", b"John Galt", &initiator, &responder, &payloads)
}

fn handshake(
    name: &str,
    prologue: &[u8],
    initiator: &Side,
    responder: &Side,
    payloads: &[Vec<u8>],
) -> Value {
    let (sent, hash) = run(prologue, initiator, responder, payloads);
    json!({
        "name": name,
        "type": "noise-handshake",
        "value": {
            "pattern": PATTERN,
            "prologue": hex(prologue),
            "initiator": { "static": hex(initiator.fixed), "ephemeral": hex(initiator.ephemeral) },
            "responder": { "static": hex(responder.fixed), "ephemeral": hex(responder.ephemeral) },
            "messages": messages(payloads, &sent),
        },
        "hex": hex(hash),
    })
}

fn side(text: &str) -> [u8; 32] {
    unhex_vec(text).try_into().expect("32 bytes")
}

/// `NoiseHandshakePayload` of libp2p's noise specification.
#[derive(Message)]
struct Payload {
    #[prost(bytes, optional, tag = "1")]
    identity_key: Option<Vec<u8>>,
    #[prost(bytes, optional, tag = "2")]
    identity_sig: Option<Vec<u8>>,
}

/// The X25519 public key of a static secret.
fn public(fixed: &[u8; 32]) -> [u8; 32] {
    velox_mesh::wire::seal::SealingKey::from_secret(fixed)
        .expect("32 bytes are an X25519 secret")
        .public()
}

fn payload(seed: [u8; 32], fixed: &[u8; 32]) -> Vec<u8> {
    let identity = Identity::from_seed(seed);
    let signed = [b"noise-libp2p-static-key:".as_slice(), &public(fixed)].concat();
    let payload = Payload {
        identity_key: Some(identity.keypair().public().encode_protobuf()),
        identity_sig: Some(identity.keypair().sign(&signed).expect("Ed25519 signs")),
    };
    payload.encode_to_vec()
}

fn payload_case(name: &str, seed: [u8; 32], fixed: &[u8; 32]) -> Value {
    json!({
        "name": name,
        "type": "noise-payload",
        "value": {
            "seed": hex(seed),
            "peer": Identity::from_seed(seed).peer_id().to_base58(),
            "static": hex(fixed),
            "static_public": hex(public(fixed)),
        },
        "hex": hex(payload(seed, fixed)),
    })
}

#[test]
fn noise_is_as_committed_and_as_its_vectors_have_it() {
    let client = Side {
        fixed: [0x31; 32],
        ephemeral: [0x32; 32],
    };
    let node = Side {
        fixed: [0x33; 32],
        ephemeral: [0x34; 32],
    };
    let mut frame = Vec::new();
    frame::push(&mut frame, b"velox");
    let payloads = vec![
        vec![],
        payload(NODE_A, &node.fixed),
        payload(ALICE, &client.fixed),
        frame.clone(),
        frame,
    ];
    hold(
        "noise.json",
        vec![
            cacophony(),
            payload_case("the node's identity", NODE_A, &node.fixed),
            payload_case("the page's identity", ALICE, &client.fixed),
            handshake("attachment", b"velox.attach.1", &client, &node, &payloads),
        ],
    );
}
