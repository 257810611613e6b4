//! Envelopes: one signaling message from one peer to another.

use libp2p::PeerId;
use serde::{Deserialize, Serialize};
use serde_bytes as bytes;
use sha2::{Digest, Sha256};

use super::{Array, Body, Bytes, Malformed, Millis, V1, cbor, limits};

/// Identifies an envelope among its sender's: 16 random bytes.
pub type EnvelopeId = Array<16>;
/// The blinded receiver: see [`blind`].
pub type Tag = Array<16>;
/// Names an X25519 key: the first 8 bytes of its SHA-256.
pub type KeyId = Array<8>;

/// The blinded name of the receiver `to` of envelope `id`: the first 16 bytes of
/// SHA-256(`velox/blind/1` 0x00 id to). A node can tell whether an envelope is for a peer it
/// has; nobody can read off who it is for.
pub fn blind(id: &EnvelopeId, to: &PeerId) -> Tag {
    let mut hash = Sha256::new();
    hash.update(b"velox/blind/1\0");
    hash.update(**id);
    hash.update(to.to_bytes());
    first(&hash.finalize())
}

/// The name of an X25519 public key.
pub fn key_id(key: &[u8; 32]) -> KeyId {
    first(&Sha256::digest(key))
}

fn first<const N: usize>(hash: &[u8]) -> Array<N> {
    let mut out = [0; N];
    out.copy_from_slice(&hash[..N]);
    Array::new(out)
}

/// What is outside the seal. Signed by the sender under `velox/envelope/1`.
///
/// The receiver's PeerId isn't in it: it travels beside it ([`super::signal::Carried`]) where
/// the way is known, and not at all where the envelope is gossiped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    /// Version.
    pub v: V1,
    /// The sender, who signs.
    pub from: PeerId,
    /// The blinded receiver.
    pub tag: Tag,
    /// Unique among the sender's envelopes; duplicates of (from, id) are dropped.
    pub id: EnvelopeId,
    /// When it ends: at most 30 s ahead.
    pub expires: Millis,
    /// The key it is sealed to.
    pub kid: KeyId,
    /// HPKE: the encapsulated key (32 bytes), then the ciphertext of [`Contents`].
    #[serde(with = "bytes")]
    pub sealed: Vec<u8>,
}

impl Body for Envelope {
    const NAME: &'static str = "envelope";
    const DOMAIN: &'static str = "velox/envelope/1";
    const MAX: usize = limits::ENVELOPE;

    fn signer(&self) -> PeerId {
        self.from
    }

    fn check(&self) -> Result<(), Malformed> {
        if self.sealed.len() < 48 {
            return Err(Malformed::Field {
                what: Self::NAME,
                field: "sealed",
                reason: "is shorter than an encapsulated key and a tag (48 bytes)".into(),
            });
        }
        Ok(())
    }
}

/// Answers an envelope that was sealed to a key which the receiver no longer has: carries its
/// present record. Signed by the receiver under `velox/stale-key/1`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StaleKey {
    /// Version.
    pub v: V1,
    /// Who answers, and signs.
    pub from: PeerId,
    /// The blinded sender of the envelope that is answered: `blind(id, sender)`.
    pub tag: Tag,
    /// The `id` of the envelope that is answered.
    pub id: EnvelopeId,
    /// When it ends: at most 30 s ahead.
    pub expires: Millis,
    /// A signed presence record of `from` in the room that the envelope was for.
    #[serde(with = "bytes")]
    pub record: Vec<u8>,
}

impl Body for StaleKey {
    const NAME: &'static str = "stale-key";
    const DOMAIN: &'static str = "velox/stale-key/1";
    const MAX: usize = 2 * limits::RECORD;

    fn signer(&self) -> PeerId {
        self.from
    }

    fn check(&self) -> Result<(), Malformed> {
        Ok(())
    }
}

/// A signed message on its way from peer to peer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Parcel {
    /// A signed [`Envelope`].
    Envelope(Bytes),
    /// A signed [`StaleKey`].
    StaleKey(Bytes),
}

/// What is inside the seal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contents {
    /// Version.
    pub v: V1,
    /// The session it belongs to: 16 random bytes that the first offer chose.
    pub session: Array<16>,
    /// Rises with every envelope that this sender sends in this session, acks excepted.
    pub seq: u64,
    /// What it says.
    pub kind: Kind,
    /// The sender's signed presence record in the envelope's room: in every offer, and
    /// wherever the receiver may not know the sender yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<Bytes>,
}

/// What an envelope says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// An SDP offer that starts a session.
    Offer(String),
    /// An SDP answer.
    Answer(String),
    /// ICE candidates, batched; an empty list says that there are no more.
    Candidates(Vec<Candidate>),
    /// An SDP offer within a session that stands.
    Renegotiate(String),
    /// The session is over.
    Bye(String),
    /// The envelope with this id has arrived.
    Ack(EnvelopeId),
    /// Bytes for the application: peers without sessions talk by these.
    Message(Bytes),
}

/// One ICE candidate, as `RTCIceCandidateInit` has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// The candidate attribute's text.
    pub candidate: String,
    /// The media section by its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mid: Option<String>,
    /// The media section by its index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
}

/// The associated data of the seal: the DAG-CBOR list
/// `[network, room, from, to, id, expires, kid]`.
pub fn associated_data(
    network: &str,
    room: &str,
    from: &PeerId,
    to: &PeerId,
    id: &EnvelopeId,
    expires: Millis,
    kid: &KeyId,
) -> Vec<u8> {
    cbor::encode(&(network, room, from, to, id, expires, kid))
}
