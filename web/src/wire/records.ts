/** What peers and nodes sign about themselves: `src/wire/presence.rs` and `node_record.rs`. */
import * as limits from './limits.js'
import { bytes, integer, list, name, peer, struct, text, version, type Of } from './schema.js'
import { SignedType } from './signed.js'

const presenceRecord = struct({
  v: version,
  network: name(limits.NETWORK),
  room: name(limits.ROOM),
  peer,
  /** The X25519 key that envelopes to the peer are sealed to. */
  key: bytes(32),
  /** Rises with every record that the peer signs. */
  seq: integer,
  /** Milliseconds since the epoch, in the network's time. */
  expires: integer,
  /** The nodes that the peer is attached to, the primary first. */
  attach: list(peer, limits.ATTACHMENTS),
  /** What the application chose: JSON, or empty. */
  meta: bytes(0, limits.METADATA),
})
export type PresenceRecord = Of<typeof presenceRecord>
export const PresenceRecord = new SignedType(
  'presence record',
  'velox/presence/1',
  limits.RECORD,
  presenceRecord,
  (body) => body.peer,
)

const leave = struct({
  v: version,
  network: name(limits.NETWORK),
  room: name(limits.ROOM),
  peer,
  /** Above the sequence of every record that it voids. */
  seq: integer,
})
export type Leave = Of<typeof leave>
export const Leave = new SignedType('leave', 'velox/leave/1', limits.RECORD, leave, (body) => body.peer)

const detached = struct({
  v: version,
  network: name(limits.NETWORK),
  /** Who signs. */
  node: peer,
  peer,
  /** The highest sequence of the peer's records of which the node's entry is voided. */
  seq: integer,
})
export type Detached = Of<typeof detached>
export const Detached = new SignedType(
  'detached',
  'velox/detached/1',
  limits.RECORD,
  detached,
  (body) => body.node,
)

const count = struct({
  v: version,
  network: name(limits.NETWORK),
  room: name(limits.ROOM),
  /** Who signs. */
  node: peer,
  /** Members of a big room whose first attachment is there. */
  members: integer,
  seq: integer,
  expires: integer,
})
export type Count = Of<typeof count>
export const Count = new SignedType('count', 'velox/count/1', limits.RECORD, count, (body) => body.node)

const nodeRecord = struct({
  v: version,
  network: name(limits.NETWORK),
  node: peer,
  seq: integer,
  expires: integer,
  /** Multiaddrs in text form, without `/p2p/…`. */
  addrs: list(text, limits.NODE_ADDRESSES),
})
export type NodeRecord = Of<typeof nodeRecord>
export const NodeRecord = new SignedType(
  'node record',
  'velox/node/1',
  limits.NODE_RECORD,
  nodeRecord,
  (body) => body.node,
)
