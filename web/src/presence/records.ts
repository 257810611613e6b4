/** Making own presence records, and believing those of others. */
import { VeloxError } from '../errors.js'
import type { Links } from '../attach/links.js'
import type { LocalPeer } from '../local-peer.js'
import type { Member } from '../ports.js'
import { fromUtf8, utf8 } from '../wire/bytes.js'
import * as limits from '../wire/limits.js'
import { Leave, PresenceRecord } from '../wire/records.js'
import type { Signed } from '../wire/signed.js'

/** The room of a resource's providers. */
export const resourceRoom = (cid: string): string => `/cid/${cid}`

/** What a record carries of an application's metadata: JSON, at most 256 bytes. */
export function encodeMetadata(metadata: unknown): Uint8Array {
  if (metadata === undefined) return new Uint8Array()
  const encoded = utf8(JSON.stringify(metadata))
  if (encoded.length > limits.METADATA) {
    throw new VeloxError(
      'too-large',
      `the metadata has ${encoded.length} bytes as JSON: at most ${limits.METADATA} are allowed`,
    )
  }
  return encoded
}

/** Undefined where there is none, or none that is JSON. */
function decodeMetadata(meta: Uint8Array): unknown {
  try {
    return meta.length ? JSON.parse(fromUtf8(meta)) : undefined
  } catch {
    return undefined
  }
}

export const memberOf = (record: PresenceRecord): Member => ({
  peerId: record.peer,
  room: record.room,
  key: record.key,
  via: record.attach,
  metadata: decodeMetadata(record.meta),
  seq: record.seq,
})

/** The nodes that this peer's records list now. */
export const attachList = (links: Links): string[] =>
  links
    .list()
    .slice(0, limits.ATTACHMENTS)
    .map(({ node }) => node)

/** A new record of this peer: it is in `room`, or provides what the room names. */
export const signRecord = (
  self: LocalPeer,
  links: Links,
  room: string,
  meta: Uint8Array,
): Promise<Signed<PresenceRecord>> =>
  PresenceRecord.sign(self.identity, {
    v: 1,
    network: self.network,
    room,
    peer: self.peerId,
    key: self.sealing.publicKey,
    seq: self.nextSeq(),
    expires: Math.floor(links.now()) + limits.RECORD_LIFE_MS,
    attach: attachList(links),
    meta,
  })

export const signLeave = (self: LocalPeer, room: string): Promise<Signed<Leave>> =>
  Leave.sign(self.identity, {
    v: 1,
    network: self.network,
    room,
    peer: self.peerId,
    seq: self.nextSeq(),
  })

/** Whether a record's end is neither past nor further ahead than a record lives. */
export const isCurrent = (record: PresenceRecord, now: number): boolean =>
  record.expires > now - limits.CLOCK_SKEW_MS &&
  record.expires < now + limits.RECORD_LIFE_MS + limits.CLOCK_SKEW_MS

/** Another peer's record of `room`, if all of it holds; undefined otherwise. */
export async function believe(
  self: LocalPeer,
  room: string,
  bytes: Uint8Array,
  now: number,
): Promise<Signed<PresenceRecord> | undefined> {
  try {
    const record = await PresenceRecord.verify(self.verify, bytes)
    const { body } = record
    const fits = body.network === self.network && body.room === room && isCurrent(body, now)
    return fits ? record : undefined
  } catch {
    return undefined
  }
}
