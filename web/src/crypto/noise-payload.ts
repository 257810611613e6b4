/**
 * libp2p's NoiseHandshakePayload: the identity key, and its signature over the Noise static key.
 * https://github.com/libp2p/specs/blob/master/noise/README.md
 */
import { VeloxError } from '../errors.js'
import { concat, utf8 } from '../wire/bytes.js'
import { keyProtobuf, peerIdFromBytes, publicKeyOf } from '../wire/peer-id.js'
import { fieldsOf } from '../wire/protobuf.js'
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
  const fields = fieldsOf(payload)
  const [key, signature] = [1, 2].map((number) => {
    const field = fields?.get(number)
    return field instanceof Uint8Array ? field : new Uint8Array()
  })
  // The PeerId of a key of up to 42 bytes is its protobuf in an identity multihash.
  const id = concat(Uint8Array.of(0, key.length), key)
  const publicKey = publicKeyOf(id)
  if (
    !publicKey ||
    signature.length !== 64 ||
    !(await suite.verify(publicKey, signature, concat(DOMAIN, staticKey)))
  ) {
    throw new VeloxError('denied', "the node's Noise handshake doesn't prove an Ed25519 identity")
  }
  return peerIdFromBytes(id)!
}
