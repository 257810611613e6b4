/** Every number of this folder, with its reason. Milliseconds where nothing else is said. */

/** No ack for so long: the other attachment, and the node's next path. */
export const ACK_TIMEOUT = 700
/** No ack for so long: unreachable. */
export const GIVE_UP = 3_000
/** Missed acks over one attachment, without one that came, that replace it. */
export const MISSES = 2
/** Envelopes that wait for their acks at once: offers and candidates to a room of 64. */
export const MAX_PENDING = 512
/** Envelopes of which duplicates are dropped: at 30 s of life, 130 a second. */
export const MAX_SEEN = 4_096
/** How long an envelope waits for an earlier one of its session that is still on its way. */
export const REORDER = 400
/** Sessions of which the order is kept, and senders whose records are. */
export const MAX_SESSIONS = 1_024
/** Envelopes of one session that wait for an earlier one. */
export const MAX_HELD = 32
