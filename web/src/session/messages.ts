/**
 * What is said on a session's control channel: one DAG-CBOR map with one key per message, as in
 * docs/spec/session.md. Whatever else arrives ends the session.
 */
import type { Candidate } from '../ports.js'
import {
  bytes,
  integer,
  list,
  Message,
  name,
  optional,
  struct,
  text,
  union,
  version,
  type Codec,
  type Union,
} from '../wire/schema.js'
import { CONTROL_MESSAGE } from './limits.js'

/** CIDs in one `have` or `want`. */
export const CIDS = 64
/** Bytes of a message's type. */
export const TYPE = 64
/** Bytes of a room's name. */
const ROOM = 128

/** The binary form of a CIDv1 with a SHA-256 multihash. */
const cid = bytes(36)

const candidate: Codec<Candidate> = struct({
  candidate: text,
  mid: optional(text),
  line: optional(integer),
})

/** An application's message, or the head of one whose body follows on a bulk channel. */
const say = struct({
  room: name(ROOM),
  type: name(TYPE),
  /** It's a request: the reply repeats the number. */
  ask: optional(integer),
  /** It's the reply to the request with this number. */
  reply: optional(integer),
  /** The reply is a refusal, in words. */
  error: optional(text),
  /** `json` (a JSON text), `bytes` or `blob`. */
  format: text,
  /** A blob's media type. */
  mime: optional(text),
  /** Bytes of the body. */
  size: integer,
  /** The body, where it's small; the head on a bulk channel has none. */
  body: optional(bytes(0, CONTROL_MESSAGE)),
})

const variants = {
  /** The first message of either side: the session's version. */
  hello: struct({ v: version }),
  ping: integer,
  pong: integer,
  /** The session is over: why, in a word. */
  bye: text,
  offer: text,
  answer: text,
  candidates: list(candidate, 64),
  say,
  have: struct({ id: integer, cids: list(cid, CIDS) }),
  has: struct({ id: integer, held: bytes(0, CIDS) }),
  want: struct({ id: integer, cids: list(cid, CIDS) }),
  lack: list(integer, CIDS),
  cancel: list(integer, CIDS),
}

export type ControlMessage = Union<typeof variants>
export type Said = Extract<ControlMessage, { say: unknown }>['say']

/** The variants' names, each with its body. */
export type Variants = {
  [Name in keyof typeof variants]: (typeof variants)[Name] extends Codec<infer Body> ? Body : never
}

export const control = new Message('a control message', CONTROL_MESSAGE, union(variants))
/** The head of a body on a bulk channel. */
export const head = new Message("a body's head", 4096, say)
