/** What a peer and its node say to each other on an attachment. `src/wire/attach.rs`. */
import { parcel } from './envelope.js'
import * as limits from './limits.js'
import {
  bool,
  bytes,
  integer,
  list,
  Message,
  optional,
  peer,
  struct,
  text,
  token,
  union,
  type Of,
} from './schema.js'

const record = bytes(0, limits.RECORD)
const records = list(record)
const nodes = list(bytes(0, limits.NODE_RECORD))
const signedRecord = struct({ record })
const beat = struct({ n: token })

const carried = struct({
  to: peer,
  /** In which sender and receiver know each other. */
  room: text,
  /** The nodes that the receiver is attached to, as far as the sender knows. */
  via: list(peer, limits.ATTACHMENTS),
  parcel,
})
export type Carried = Of<typeof carried>

const fragment = struct({ id: token, last: bool, data: bytes(0, limits.FRAGMENT) })
export type Fragment = Of<typeof fragment>

const welcome = struct({
  version: integer,
  /** How long the node keeps an attachment of which it hears nothing, in ms. */
  lease: integer,
  /** The node's clock. */
  time: integer,
  /** This peer's address, as the node sees it. */
  observed: text,
  ice: list(struct({ urls: list(text), username: optional(text), credential: optional(text) })),
  /** Signed node records of other nodes. */
  nodes,
})
export type Welcome = Of<typeof welcome>

const refusal = struct({
  code: text,
  text,
  id: optional(integer),
  room: optional(text),
  /** Whether the attachment ends with it. */
  fatal: bool,
})
export type Refusal = Of<typeof refusal>

const fromPeer = union({
  hello: struct({ versions: list(integer), network: text, agent: text, token: optional(text) }),
  join: signedRecord,
  leave: signedRecord,
  resync: struct({ room: text }),
  provide: struct({ id: integer, record }),
  unprovide: signedRecord,
  locate: struct({ id: integer, cid: text }),
  carry: carried,
  pong: beat,
  visibility: struct({ hidden: bool }),
  bye: struct({}),
  fragment,
})
export type FromPeer = Of<typeof fromPeer>
export const FromPeer = new Message('message of a peer', limits.MESSAGE, fromPeer)

const fromNode = union({
  welcome,
  snapshot: struct({ room: text, records, size: integer }),
  presence: struct({ room: text, records, gone: list(peer), leaves: records, size: integer }),
  providers: struct({ id: integer, records, last: bool }),
  done: struct({ id: integer }),
  refused: refusal,
  carry: carried,
  undelivered: struct({ id: bytes(16), to: peer, code: text }),
  ping: beat,
  'go-away': struct({ reason: text, nodes }),
  fragment,
})
export type FromNode = Of<typeof fromNode>
export const FromNode = new Message('message of a node', limits.MESSAGE, fromNode)
