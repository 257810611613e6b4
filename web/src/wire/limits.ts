/** The largest size of everything that arrives from outside: `src/wire/limits.rs`, word for word. */

/** Bytes in a network's name (UTF-8). */
export const NETWORK = 64
/** Bytes in a room's name (UTF-8). A resource's pseudo-room, `/cid/<cid>`, fits as well. */
export const ROOM = 128
/** Bytes of metadata in a presence record. */
export const METADATA = 256
/** Attachments listed in a presence record. */
export const ATTACHMENTS = 4
/** Bytes of a signed presence record or leave. */
export const RECORD = 1024
/** Bytes of a signed node record. */
export const NODE_RECORD = 4 * 1024
/** Addresses in a node record. */
export const NODE_ADDRESSES = 16
/** Bytes of a signed envelope. */
export const ENVELOPE = 32 * 1024
/** Bytes of one message on an attachment, after its fragments are put together. */
export const MESSAGE = 64 * 1024
/** Bytes of a message above which the sender of an attachment cuts it in fragments. */
export const FRAGMENT = 4 * 1024
/** Bytes of one frame on an attachment: a fragment and its wrapping. */
export const ATTACH_FRAME = FRAGMENT + 64
/** Milliseconds for which an envelope is valid at most. */
export const ENVELOPE_LIFE_MS = 30_000
/** Milliseconds for which a presence record is valid at most. */
export const RECORD_LIFE_MS = 10 * 60_000
/** Milliseconds for which a node record is valid at most. */
export const NODE_RECORD_LIFE_MS = 24 * 60 * 60_000
/** Milliseconds by which two clocks of a network may differ. */
export const CLOCK_SKEW_MS = 2 * 60_000
/** Records in one presence message: of more members than that a node shows a peer as many. */
export const BATCH = 64
