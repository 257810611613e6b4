/**
 * libp2p's NoiseHandshakePayload: the identity key, and its signature over the Noise static key.
 * https://github.com/libp2p/specs/blob/master/noise/README.md
 */
import { VeloxError } from '../errors.js'
import { concat, utf8 } from '../wire/bytes.js'
import { keyProtobuf, peerIdFromBytes, publicKeyOf } from '../wire/peer-id.js'
import type { SigningKey, Suite } from './suite.js'

const DOMAIN = utf8('noise-libp2p-static-key:')

/** Proves that `identity` uses the Noise static key `staticKey`. */
export async function noisePayload(
  identity: Pick<SigningKey, 'publicKey' | 'sign'>,
  staticKey: Uint8Array,
): Promise<Uint8Array> {
  const key = keyProtobuf(identity.publicKey)
  const signature = await identity.sign(concat(DOMAIN, staticKey))
  return concat(Uint8Array.of(10, key.length), key, Uint8Array.of(18, signature.length), signature)
}

/** The PeerId that a payload proves for `staticKey`; rejects with `denied`. */
export async function verifyNoisePayload(
  suite: Suite,
  payload: Uint8Array,
  staticKey: Uint8Array,
): Promise<string> {
  const fields = lengthDelimited(payload)
  // The PeerId of a key of up to 42 bytes is its protobuf in an identity multihash.
  const key = fields.get(1) ?? new Uint8Array()
  const id = concat(Uint8Array.of(0, key.length), key)
  const publicKey = publicKeyOf(id)
  const signature = fields.get(2)
  if (
    !publicKey ||
    signature?.length !== 64 ||
    !(await suite.verify(publicKey, signature, concat(DOMAIN, staticKey)))
  ) {
    throw new VeloxError('denied', "the node's Noise handshake doesn't prove an Ed25519 identity")
  }
  return peerIdFromBytes(id)!
}

/** A protobuf message's length-delimited fields, the last of each number; others end the reading. */
function lengthDelimited(message: Uint8Array): Map<number, Uint8Array> {
  const fields = new Map<number, Uint8Array>()
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = message[at++]
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    return Infinity
  }
  while (at < message.length) {
    const tag = varint()
    if ((tag & 7) !== 2) break
    const length = varint()
    const end = at + length
    if (!(end <= message.length)) break
    fields.set(tag >> 3, message.slice(at, end))
    at = end
  }
  return fields
}
