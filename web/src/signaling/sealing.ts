/** Envelopes made and opened: sealed to the receiver's key, signed by the sender's. */
import { open, seal } from '../crypto/hpke.js'
import { random } from '../crypto/suite.js'
import type { LocalPeer } from '../local-peer.js'
import type { Member } from '../ports.js'
import { equal, utf8 } from '../wire/bytes.js'
import { associatedData, blind, Contents, Envelope, keyId } from '../wire/envelope.js'
import { CLOCK_SKEW_MS, ENVELOPE_LIFE_MS } from '../wire/limits.js'

const INFO = utf8('velox/envelope/1')

/** A signed envelope for `to`, valid for 30 s from `now`, the network's time. */
export async function sealEnvelope(
  self: LocalPeer,
  to: Member,
  contents: Contents,
  now: number,
): Promise<{ id: Uint8Array; bytes: Uint8Array }> {
  const { suite } = self
  const id = random(16)
  const [kid, tag, ephemeral] = await Promise.all([
    keyId(suite.sha256, to.key),
    blind(suite.sha256, id, to.peerId),
    suite.agreementKey(),
  ])
  const outside = {
    v: 1 as const,
    from: self.peerId,
    tag,
    id,
    expires: Math.floor(now) + ENVELOPE_LIFE_MS,
    kid,
  }
  const data = associatedData(self.network, to.room, to.peerId, outside)
  const sealed = await seal(suite, ephemeral, to.key, INFO, Contents.encode(contents), data)
  const { bytes } = await Envelope.sign(self.identity, { ...outside, sealed })
  return { id, bytes }
}

/**
 * The outside of an envelope for this peer, if its signature, its receiver and its expiry hold;
 * undefined otherwise.
 */
export async function verifyEnvelope(
  self: LocalPeer,
  bytes: Uint8Array,
  now: number,
): Promise<Envelope | undefined> {
  try {
    const { body } = await Envelope.verify(self.verify, bytes)
    const tag = await blind(self.suite.sha256, body.id, self.peerId)
    return equal(body.tag, tag) && isTimely(body.expires, now) ? body : undefined
  } catch {
    return undefined
  }
}

/** Whether an end that was set 30 s ahead fits both clocks. */
export const isTimely = (expires: number, now: number): boolean =>
  expires > now - CLOCK_SKEW_MS && expires < now + ENVELOPE_LIFE_MS + CLOCK_SKEW_MS

/** What is inside; undefined where it was altered, or sealed for another room or receiver. */
export async function openEnvelope(
  self: LocalPeer,
  room: string,
  envelope: Envelope,
): Promise<Contents | undefined> {
  try {
    const data = associatedData(self.network, room, self.peerId, envelope)
    return Contents.decode(await open(self.suite, self.sealing, INFO, envelope.sealed, data))
  } catch {
    return undefined
  }
}
