//! The largest size of everything that arrives from outside.

/// Bytes in a network's name (UTF-8).
pub const NETWORK: usize = 64;
/// Bytes in a room's name (UTF-8). A resource's pseudo-room, `/cid/<cid>`, fits as well.
pub const ROOM: usize = 128;
/// Bytes of metadata in a presence record.
pub const METADATA: usize = 256;
/// Attachments listed in a presence record.
pub const ATTACHMENTS: usize = 4;
/// Bytes of a signed presence record, leave or detached.
pub const RECORD: usize = 1024;
/// Bytes of a signed node record.
pub const NODE_RECORD: usize = 4 * 1024;
/// Addresses in a node record.
pub const NODE_ADDRESSES: usize = 16;
/// Bytes of a signed envelope. An offer with several media sections is about 10 KiB.
pub const ENVELOPE: usize = 32 * 1024;
/// Bytes of one message on an attachment, after its fragments are put together.
pub const MESSAGE: usize = 64 * 1024;
/// Bytes of a message above which the sender of an attachment cuts it in fragments.
pub const FRAGMENT: usize = 4 * 1024;
/// Bytes of one frame on an attachment: a fragment and its wrapping.
pub const ATTACH_FRAME: usize = FRAGMENT + 64;
/// Bytes of one frame between two nodes.
pub const NODE_FRAME: usize = 128 * 1024;
/// Bytes of one gossip message.
pub const GOSSIP: usize = 64 * 1024;
/// Records in one presence message, between nodes or towards a peer.
pub const BATCH: usize = 64;
/// Milliseconds for which an envelope is valid at most.
pub const ENVELOPE_LIFE_MS: u64 = 30_000;
/// Milliseconds for which a presence record is valid at most.
pub const RECORD_LIFE_MS: u64 = 10 * 60_000;
/// Milliseconds for which a node record is valid at most.
pub const NODE_RECORD_LIFE_MS: u64 = 24 * 60 * 60_000;
/// Milliseconds by which two clocks of a network may differ.
pub const CLOCK_SKEW_MS: u64 = 2 * 60_000;
