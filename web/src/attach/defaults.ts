/** Every number of this folder, with its reason. Milliseconds where nothing else is said. */

/** Attachments that a peer keeps: one may end at any time without anybody noticing. */
export const WANTED = 2
/** Dials at once while there is no attachment, and while there is one. */
export const RACERS = 4
export const FOLLOWERS = 2
/** How long a dial has a head start before the next one, as in RFC 8305 (happy eyeballs). */
export const STAGGER = 250
/** A dial: TCP, TLS, upgrade, Noise and welcome on a path of 500 ms, with one loss. */
export const DIAL_TIMEOUT = 5_000
/** How long WebRTC-direct's second handshake is alone, before the first is tried besides. */
export const V2_HEAD_START = 500
/** How long a connection that is closed on purpose waits for the node to have read all. */
export const CLOSE_GRACE = 1_000
/** A discovery document. */
export const FETCH_TIMEOUT = 5_000
/** The wait after a failure doubles from the first to the second of these. */
export const BACKOFF_FIRST = 500
export const BACKOFF_LAST = 10_000
/** An attachment that has held for so long clears its node's failures. */
export const STEADY = 30_000
/** How often a dial that has become due is looked for, without and with an attachment. */
export const LOOK_DETACHED = 250
export const LOOK_ATTACHED = 2_000
/** Periodic work is done at most so often: its numbers are of seconds. */
export const TICK = 1_500
/** How often sources are asked again while an attachment is missing. */
export const REFRESH = 30_000
/** Dials a minute of nodes that others named and that were never reached: nobody aims a page at a host. */
export const UNPROVEN_PER_MINUTE = 4
/** After going away or dropping envelopes, a node is asked again only when nobody else is left. */
export const PENALTY = 60_000
/** An attachment that is to be replaced ends after this, replaced or not, if another is there. */
export const LINGER = 10_000
/** A new attachment outranks another if its round trip is below this share of the other's. */
export const RANK_GAIN = 0.7
/** Parts of the lease without a word from the node: a hidden page replaces it, and any ends it. */
export const SUSPECT_PART = 0.75
export const DEAD_PART = 1.25
/** A node pings a visible page every 4 s: silence after which the page asks whether it lives. */
export const SILENCE = 5_000
/** How long a silent node has to answer that. */
export const PROBE_TIMEOUT = 1_000
/** Addresses that are kept in the address book, and that are remembered on disk. */
export const BOOK_SIZE = 128
export const MEMORY_SIZE = 16
