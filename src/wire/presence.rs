//! Presence: who is in a room. What peers sign, and what nodes tell each other.

use libp2p::PeerId;
use serde::{Deserialize, Serialize};
use serde_bytes as bytes;

use super::{Array, Body, Bytes, Malformed, Millis, V1, limits, signed::check_name};

/// Says that a peer is in a room (or, with a room of the form `/cid/<cid>`, that it provides a
/// resource), under which key envelopes reach it, and over which nodes.
///
/// Signed by the peer under `velox/presence/1`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PresenceRecord {
    /// Version.
    pub v: V1,
    /// The network.
    pub network: String,
    /// The room.
    pub room: String,
    /// The peer, who signs.
    pub peer: PeerId,
    /// The X25519 key that envelopes to the peer are sealed to; fresh at every start.
    pub key: Array<32>,
    /// Rises with every record that the peer signs; starts at the time of its start in ms.
    pub seq: u64,
    /// When the record ends.
    pub expires: Millis,
    /// The nodes that the peer is attached to, in rank order: the first is the primary.
    pub attach: Vec<PeerId>,
    /// Up to 256 bytes that the application chose: JSON, or empty.
    #[serde(with = "bytes")]
    pub meta: Vec<u8>,
}

impl Body for PresenceRecord {
    const NAME: &'static str = "presence record";
    const DOMAIN: &'static str = "velox/presence/1";
    const MAX: usize = limits::RECORD;

    fn signer(&self) -> PeerId {
        self.peer
    }

    fn check(&self) -> Result<(), Malformed> {
        check_name(Self::NAME, "network", &self.network, limits::NETWORK)?;
        check_name(Self::NAME, "room", &self.room, limits::ROOM)?;
        if self.attach.len() > limits::ATTACHMENTS {
            return Err(Malformed::Field {
                what: Self::NAME,
                field: "attach",
                reason: format!("lists more than {} nodes", limits::ATTACHMENTS),
            });
        }
        if self.meta.len() > limits::METADATA {
            return Err(Malformed::Field {
                what: Self::NAME,
                field: "meta",
                reason: format!("has more than {} bytes", limits::METADATA),
            });
        }
        Ok(())
    }
}

/// Says that a peer has left a room. Signed by the peer under `velox/leave/1`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leave {
    /// Version.
    pub v: V1,
    /// The network.
    pub network: String,
    /// The room.
    pub room: String,
    /// The peer, who signs.
    pub peer: PeerId,
    /// Above the sequence of every record that it voids.
    pub seq: u64,
}

impl Body for Leave {
    const NAME: &'static str = "leave";
    const DOMAIN: &'static str = "velox/leave/1";
    const MAX: usize = limits::RECORD;

    fn signer(&self) -> PeerId {
        self.peer
    }

    fn check(&self) -> Result<(), Malformed> {
        check_name(Self::NAME, "network", &self.network, limits::NETWORK)?;
        check_name(Self::NAME, "room", &self.room, limits::ROOM)
    }
}

/// Says that a peer's attachment to the signing node has ended: voids that node's entry in
/// every record of the peer up to `seq`. Signed by the node under `velox/detached/1`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Detached {
    /// Version.
    pub v: V1,
    /// The network.
    pub network: String,
    /// The node, which signs.
    pub node: PeerId,
    /// The peer whose attachment ended.
    pub peer: PeerId,
    /// The highest sequence that is voided.
    pub seq: u64,
}

impl Body for Detached {
    const NAME: &'static str = "detached";
    const DOMAIN: &'static str = "velox/detached/1";
    const MAX: usize = limits::RECORD;

    fn signer(&self) -> PeerId {
        self.node
    }

    fn check(&self) -> Result<(), Malformed> {
        check_name(Self::NAME, "network", &self.network, limits::NETWORK)
    }
}

/// Says how many members of a big room have their first attachment at the signing node: such
/// members aren't all told of one by one. Signed by the node under `velox/count/1`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Count {
    /// Version.
    pub v: V1,
    /// The network.
    pub network: String,
    /// The room.
    pub room: String,
    /// The node, which signs.
    pub node: PeerId,
    /// How many; 0 where records say it all.
    pub members: u64,
    /// When it was signed, in ms: a higher one replaces it.
    pub seq: u64,
    /// When it ends.
    pub expires: Millis,
}

impl Body for Count {
    const NAME: &'static str = "count";
    const DOMAIN: &'static str = "velox/count/1";
    const MAX: usize = limits::RECORD;

    fn signer(&self) -> PeerId {
        self.node
    }

    fn check(&self) -> Result<(), Malformed> {
        check_name(Self::NAME, "network", &self.network, limits::NETWORK)?;
        check_name(Self::NAME, "room", &self.room, limits::ROOM)
    }
}

/// What is gossiped on a room's topic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gossip {
    /// Changes of a room's presence, collected for up to 250 ms.
    Presence(Changes),
    /// An envelope whose receiver's node isn't known: it goes to every node of the room.
    Envelope(super::envelope::Parcel),
}

/// Changes of one room's presence: signed messages, each at most [`limits::BATCH`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Changes {
    /// Signed [`PresenceRecord`]s.
    pub records: Vec<Bytes>,
    /// Signed [`Leave`]s.
    pub leaves: Vec<Bytes>,
    /// Signed [`Detached`]s.
    pub detached: Vec<Bytes>,
    /// Signed [`Count`]s.
    pub counts: Vec<Bytes>,
}

/// Frames of `/velox/<network>/presence/1`, between two nodes that serve the same room.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PresenceFrame {
    /// What the sender knows of a room, in 8 bytes. A receiver that knows something else answers
    /// with [`PresenceFrame::Buckets`].
    Digest(Digest),
    /// The answer to a digest; the asking node replies with a [`PresenceFrame::Difference`].
    Buckets(Box<Buckets>),
    /// The answer to buckets.
    Difference(Difference),
    /// Signed messages about a room.
    Records(RoomChanges),
    /// Asks for everything that the receiver knows of a room; answered with `records`.
    Snapshot(RoomName),
}

/// A room's name alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoomName {
    /// The room.
    pub room: String,
}

/// [`Changes`] and the room they belong to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoomChanges {
    /// The room.
    pub room: String,
    /// Signed messages about it.
    pub changes: Changes,
}

/// How many buckets there are. A signed message's bucket is the last byte of the PeerId that it
/// is about.
pub const BUCKETS: usize = 256;

/// What the sender knows of the part of a room within `reach`: `sum` is the XOR of the first 8
/// bytes of the SHA-256 of every live signed record of that part, of every signed detached
/// message that voids one of its attachments, and of every count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Digest {
    /// The room.
    pub room: String,
    /// The highest rank that it covers, big-endian: all ones for the whole room.
    pub reach: Array<8>,
    /// The XOR.
    pub sum: Array<8>,
}

/// The same, bucket by bucket: their XOR is the digest's sum.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Buckets {
    /// The room.
    pub room: String,
    /// The digest's reach.
    pub reach: Array<8>,
    /// 256 values of 8 bytes.
    pub buckets: Array<{ BUCKETS * 8 }>,
}

/// Where the buckets of two nodes differ: bit *b* (from the least significant bit of byte *b*/8)
/// is set if bucket *b* differs. Carries what its sender knows in those buckets; the receiver
/// replies with its own in [`PresenceFrame::Records`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// The room.
    pub room: String,
    /// The digest's reach.
    pub reach: Array<8>,
    /// One bit a bucket.
    pub differing: Array<{ BUCKETS / 8 }>,
    /// The sender's signed messages in the differing buckets.
    pub changes: Changes,
}
