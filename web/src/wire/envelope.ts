/** Envelopes: one signaling message from one peer to another. `src/wire/envelope.rs`. */
import { concat, utf8 } from './bytes.js'
import { encode } from './cbor.js'
import * as limits from './limits.js'
import { peerIdToBytes } from './peer-id.js'
import {
  bytes,
  integer,
  list,
  Message,
  optional,
  peer,
  struct,
  text,
  union,
  version,
  type Of,
} from './schema.js'
import { SignedType } from './signed.js'

const envelope = struct({
  v: version,
  from: peer,
  /** The blinded receiver. */
  tag: bytes(16),
  /** Unique among the sender's envelopes. */
  id: bytes(16),
  /** At most 30 s ahead, in the network's time. */
  expires: integer,
  /** The key it is sealed to. */
  kid: bytes(8),
  /** HPKE: the encapsulated key (32 bytes), then the ciphertext (16 bytes and more). */
  sealed: bytes(48, limits.ENVELOPE),
})
export type Envelope = Of<typeof envelope>
export const Envelope = new SignedType(
  'envelope',
  'velox/envelope/1',
  limits.ENVELOPE,
  envelope,
  (body) => body.from,
)

const staleKey = struct({
  v: version,
  from: peer,
  /** The blinded sender of the envelope that is answered. */
  tag: bytes(16),
  /** The `id` of the envelope that is answered. */
  id: bytes(16),
  expires: integer,
  /** A signed presence record of `from` in the envelope's room. */
  record: bytes(0, limits.RECORD),
})
export type StaleKey = Of<typeof staleKey>
export const StaleKey = new SignedType(
  'stale-key',
  'velox/stale-key/1',
  2 * limits.RECORD,
  staleKey,
  (body) => body.from,
)

export const parcel = union({
  envelope: bytes(0, limits.ENVELOPE),
  'stale-key': bytes(0, 2 * limits.RECORD),
})

/** Between peers: the answer to nothing but an envelope, and never answered. */
const kind = union({
  offer: text,
  answer: text,
  /** None left, where the list is empty. */
  candidates: list(
    struct({ candidate: text, mid: optional(text), line: optional(integer) }),
  ),
  renegotiate: text,
  bye: text,
  ack: bytes(16),
  message: bytes(0, limits.ENVELOPE),
})
export type AnyKind = Of<typeof kind>

const contents = struct({
  v: version,
  session: bytes(16),
  /** Rises with every envelope of this sender in this session, acks excepted. */
  seq: integer,
  kind,
  record: optional(bytes(0, limits.RECORD)),
})
export type Contents = Of<typeof contents>
export const Contents = new Message('contents', limits.ENVELOPE, contents)

type Sha256 = (message: Uint8Array) => Promise<Uint8Array>

/** The blinded name of the receiver `to` of envelope `id`. */
export const blind = async (sha256: Sha256, id: Uint8Array, to: string): Promise<Uint8Array> =>
  (await sha256(concat(utf8('velox/blind/1\0'), id, peerIdToBytes(to)))).slice(0, 16)

/** The name of an X25519 public key. */
export const keyId = async (sha256: Sha256, key: Uint8Array): Promise<Uint8Array> =>
  (await sha256(key)).slice(0, 8)

/** The associated data of the seal. */
export const associatedData = (
  network: string,
  room: string,
  to: string,
  outside: Pick<Envelope, 'from' | 'id' | 'expires' | 'kid'>,
): Uint8Array =>
  encode([
    network,
    room,
    peerIdToBytes(outside.from),
    peerIdToBytes(to),
    outside.id,
    outside.expires,
    outside.kid,
  ])
