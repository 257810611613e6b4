/** Every number of this folder, with its reason. Milliseconds. */
import { RECORD_LIFE_MS } from '../wire/limits.js'

/** Own records are renewed at half of their life, give or take a fifth of that. */
export const REFRESH = RECORD_LIFE_MS / 2
export const REFRESH_JITTER = 0.2
/** How long what an ended attachment said still counts: until the others have caught up. */
export const RETIRE = 10_000
/** How long the nodes have to answer a join. */
export const JOIN_TIMEOUT = 10_000
/** How long the nodes have to confirm a provider, which they write into the DHT. */
export const PROVIDE_TIMEOUT = 15_000
/** Leaves that a room remembers, so that a slow node can't bring a member back. */
export const LEAVES = 1_024
/** Records of one room, whatever the nodes send: they send 64 in a snapshot. */
export const MEMBERS = 2_048
