//! What a peer and its node say to each other on an attachment.
//!
//! Each message is a DAG-CBOR map with one key, the message's name in kebab-case, and its body.
//! Messages over [`limits::FRAGMENT`](super::limits::FRAGMENT) bytes travel as `fragment`s.

use libp2p::PeerId;
use serde::{Deserialize, Serialize};

use super::{Bytes, Millis, signal::Carried, signal::Undelivered};

/// From a peer to its node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FromPeer {
    /// The first message.
    Hello(Hello),
    /// I am in a room: a signed presence record. Sent again whenever the record changes.
    /// Answered with `snapshot` the first time.
    Join(Record),
    /// I have left a room: a signed leave.
    Leave(Record),
    /// Send me the room's snapshot again.
    Resync(Resync),
    /// I provide a resource: a signed presence record in the room `/cid/<cid>`. Answered with
    /// `done` the first time.
    Provide(Provide),
    /// I no longer provide it: a signed leave of the room `/cid/<cid>`.
    Unprovide(Record),
    /// Who provides a resource? Answered with `providers`, once or several times.
    Locate(Locate),
    /// Carry this to a peer.
    Carry(Carried),
    /// Answers `ping`.
    Pong(Beat),
    /// The page was hidden or shown again.
    Visibility(Visibility),
    /// The attachment ends, at once and on purpose.
    Bye(Bye),
    /// A part of a larger message.
    Fragment(Fragment),
}

/// From a node to a peer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FromNode {
    /// Answers `hello`.
    Welcome(Welcome),
    /// Who is in a room, as far as this node knows.
    Snapshot(Snapshot),
    /// What has changed in a room.
    Presence(Presence),
    /// Answers `locate`.
    Providers(Providers),
    /// The request with this id was carried out.
    Done(Done),
    /// A request, or the whole attachment, is refused.
    Refused(Refusal),
    /// A peer sent you this.
    Carry(Carried),
    /// What you sent can't be delivered by the paths this node knows.
    Undelivered(Undelivered),
    /// Are you there?
    Ping(Beat),
    /// The node is about to end the attachment.
    GoAway(GoAway),
    /// A part of a larger message.
    Fragment(Fragment),
}

/// The first message of an attachment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hello {
    /// The versions that the peer speaks, best first.
    pub versions: Vec<u64>,
    /// The network that it wants.
    pub network: String,
    /// What it is: name and version of the client, at most 64 bytes.
    pub agent: String,
    /// The admission token of a closed network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// Answers `hello`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Welcome {
    /// The version that both will speak.
    pub version: u64,
    /// How long the node keeps an attachment of which it hears nothing, in ms.
    pub lease: Millis,
    /// The node's clock.
    pub time: Millis,
    /// The peer's address, as the node sees it.
    pub observed: String,
    /// ICE servers for sessions.
    pub ice: Vec<IceServer>,
    /// Signed node records of other nodes to attach to.
    pub nodes: Vec<Bytes>,
}

/// As WebRTC's `RTCIceServer`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IceServer {
    /// STUN or TURN URLs.
    pub urls: Vec<String>,
    /// TURN user name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// TURN password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}

/// A signed record or leave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The signed message.
    pub record: Bytes,
}

/// Asks for a room's snapshot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resync {
    /// The room.
    pub room: String,
}

/// Announces a provider.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provide {
    /// Chosen by the peer; the answer carries it.
    pub id: u64,
    /// The signed presence record in the room `/cid/<cid>`.
    pub record: Bytes,
}

/// Asks for providers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locate {
    /// Chosen by the peer; the answers carry it.
    pub id: u64,
    /// The CID in its text form.
    pub cid: String,
}

/// Answers `locate`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Providers {
    /// The request's id.
    pub id: u64,
    /// Signed presence records in the room `/cid/<cid>`, none of them sent before.
    pub records: Vec<Bytes>,
    /// Nothing more will come.
    pub last: bool,
}

/// A request was carried out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Done {
    /// The request's id.
    pub id: u64,
}

/// A node's refusal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// From the documented list: `version`, `network`, `denied`, `malformed`, `forged`,
    /// `expired`, `quota`, `bad-cid`.
    pub code: String,
    /// One line for people: what was refused and what to do.
    pub text: String,
    /// The request's id, where it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// The room, where it was about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<String>,
    /// Whether the attachment ends with it.
    pub fatal: bool,
}

/// Whom of a room the node shows to this peer: everybody, or 64 at random where there are more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// The room.
    pub room: String,
    /// Signed presence records, the receiver's own left out; at most 64. Who was shown before
    /// and isn't among them is no longer shown.
    pub records: Vec<Bytes>,
    /// Members of the whole room as far as the node knows, the receiver included.
    pub size: u64,
}

/// What has changed since the snapshot among those who are shown, or in the room's size alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Presence {
    /// The room.
    pub room: String,
    /// Signed presence records: members that are shown from now on, or newer records of those
    /// who were.
    pub records: Vec<Bytes>,
    /// Who was shown and is gone as far as this node knows.
    pub gone: Vec<PeerId>,
    /// Signed leaves of those who said so themselves.
    pub leaves: Vec<Bytes>,
    /// Members of the whole room as far as the node knows, the receiver included.
    pub size: u64,
}

/// A ping or its pong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Beat {
    /// Chosen by the node, repeated by the peer.
    pub n: u64,
}

/// Whether anybody looks at the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Visibility {
    /// A hidden page is pinged every 15 s only.
    pub hidden: bool,
}

/// The end of an attachment, by the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bye {}

/// The end of an attachment, by the node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoAway {
    /// One line for people.
    pub reason: String,
    /// Signed node records of other nodes.
    pub nodes: Vec<Bytes>,
}

/// A part of a larger message. Fragments of several messages may be interleaved with each other
/// and with whole messages; those of one message keep their order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fragment {
    /// Which message.
    pub id: u64,
    /// Whether it ends here.
    pub last: bool,
    /// The next bytes of the message's DAG-CBOR: at most 4,096.
    pub data: Bytes,
}
