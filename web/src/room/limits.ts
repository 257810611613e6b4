/** The numbers of rooms: sizes in bytes, times in milliseconds. */

const KIB = 1024
const MIB = 1024 * KIB

/** Other members to which a room has sessions: with oneself it's a full mesh of 12. */
export const MESH = 11
/** Bytes of a body that goes along on the control channel; a larger one takes a bulk channel. */
export const INLINE = 16 * KIB
/** Bytes of the largest body. */
export const BODY = 64 * MIB
/** Bytes of bodies that are arriving, over all sessions. What is beyond is dropped. */
export const ARRIVING = 256 * MIB
/** Bytes of a Blob that are read at a time while it's sent. */
export const READ = 1 * MIB
/** How long a message to a member that isn't connected waits for its session. */
export const CONNECT_WITHIN = 10_000
/** How long a request waits for its reply, where the caller doesn't say. */
export const REPLY_WITHIN = 10_000
/** Requests of one peer that are being answered at once. */
export const ANSWERING = 64
/** Small messages kept of session peers whose presence is still on its way. */
export const EARLY_MESSAGES = 64
/** For how long they are kept. */
export const EARLY_WITHIN = 3_000
/** Bytes of a refusal's text. */
export const REFUSAL = 256
