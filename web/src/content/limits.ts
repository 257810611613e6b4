/** The numbers of content: sizes in bytes, times in milliseconds. */

const KIB = 1024
const MIB = 1024 * KIB

/** Bytes of one chunk of a file, as `ipfs add` cuts it. */
export const CHUNK = 256 * KIB
/** Links of one node of a file's tree, as `ipfs add` lays it out. */
export const LINKS = 174
/** Bytes of the largest block that is taken from anybody: what IPFS allows. */
export const BLOCK = 2 * MIB
/** Links of one node that was made elsewhere. */
export const FOREIGN_LINKS = 8192
/** Levels of a file's tree. At 174 links, 5 hold 40 TiB. */
export const DEPTH = 8

/** Bytes of the largest thing that `put` takes. */
export const PUT = 64 * MIB
/** Bytes of blocks kept in memory, what was put included. */
export const STORE = 256 * MIB
/** Bytes of the store that what was put may take; the rest is for what was fetched. */
export const PINNED = 192 * MIB
/** How long `put` waits for the announcement before it goes on without. */
export const PROVIDE_WITHIN = 5_000

/** Wants that one peer may have queued here. */
export const WANTS_SERVED = 256
/** Wants in flight to one peer, over all fetches. */
export const WANTS_OUT = 64
/** `have` questions in flight to one peer. */
export const HAVES_OUT = 16
/** Wants in flight to one peer, of one fetch: at first, and at most. */
export const WINDOW_FIRST = 8
export const WINDOW_MOST = 24
/** A block that took less than this widens the window; more than four times this narrows it. */
export const WINDOW_TIME = 1_000
/** Stalls after which a peer is asked no more, whoever else there is. */
export const STRIKES = 3
/** Leaves asked for ahead of what the reader has taken: files may be cut very small. */
export const AHEAD_LEAVES = 512
/** Bytes asked for ahead of what the reader has taken. */
export const AHEAD = 8 * MIB
/** How long a `have` may take. */
export const HAVE_WITHIN = 2_000
/** Silence in the middle of a transfer after which a peer is dropped for the fetch. */
export const STALL = 5_000
/** The longest that one block may take once it's its turn. */
export const BLOCK_WITHIN = 20_000
/** Between two looks for stalled peers. */
export const LOOK = 500
/** How long connected peers have to say that they have it, before providers are located. */
export const ROOM_FIRST = 300
/** Providers to which a fetch has or opens a session at once. */
export const PROVIDERS = 4
/** How long a session with a located provider may take. */
export const CONNECT_WITHIN = 6_000
/** How long a fetch goes on without any peer that has what is missing. */
export const FOUND_WITHIN = 10_000
