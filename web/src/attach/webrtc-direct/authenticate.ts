/** Noise XX on channel 0: the server begins, so this end proves itself first. */
import { noisePayload } from '../../crypto/noise-payload.js'
import { Handshake } from '../../crypto/noise.js'
import type { AgreementKey } from '../../crypto/suite.js'
import { VeloxError } from '../../errors.js'
import type { LocalPeer } from '../../local-peer.js'
import { concat, utf8 } from '../../wire/bytes.js'
import { provenNode } from '../secure.js'
import type { DirectStream } from './stream.js'

/** Bytes that may wait for the handshake: one Noise message and its length. */
const MAX_PENDING = 65_537

const multihash = (digest: Uint8Array): Uint8Array => concat(Uint8Array.of(0x12, 32), digest)

/** Binds Noise to the two certificates of DTLS, by their SHA-256 fingerprints. */
export const prologue = (client: Uint8Array, server: Uint8Array): Uint8Array =>
  concat(utf8('libp2p-webrtc-noise:'), multihash(client), multihash(server))

/**
 * The PeerId that the server proves, and the ms of a round trip. Rejects with `denied` where it is
 * another than `expected`, `unreachable` where it hangs up.
 */
export async function authenticate(
  stream: DirectStream,
  certificates: Uint8Array,
  self: Pick<LocalPeer, 'suite' | 'identity'>,
  staticKey: AgreementKey,
  expected?: string,
): Promise<{ node: string; rtt: number }> {
  const next = noiseMessages(stream)
  const ephemeral = await self.suite.agreementKey()
  const keys = { initiator: false, staticKey, ephemeral, prologue: certificates }
  const handshake = await Handshake.begin(self.suite, keys)
  await handshake.read(await next())
  const proof = await noisePayload(self.identity, staticKey.publicKey)
  const answer = await handshake.write(proof)
  const sent = performance.now()
  stream.send(concat(Uint8Array.of(answer.length >> 8, answer.length), answer))
  const last = await next()
  const rtt = performance.now() - sent
  const node = await provenNode(self.suite, handshake, last, expected)
  return { node, rtt }
}

/** Reads Noise messages, each after its length in 2 bytes. */
function noiseMessages(stream: DirectStream): () => Promise<Uint8Array> {
  let pending: Uint8Array = new Uint8Array()
  let failure: VeloxError | undefined
  let look = (): void => {}
  stream.onBytes = (bytes) => {
    // More than this nobody has to say.
    if (pending.length < MAX_PENDING) pending = concat(pending, bytes)
    look()
  }
  stream.onEnd = (reason) => {
    failure = new VeloxError('unreachable', `the node hung up during the handshake: ${reason}`)
    look()
  }
  return () =>
    new Promise((resolve, reject) => {
      look = () => {
        const end = 2 + pending[0] * 256 + pending[1]
        if (pending.length >= end) {
          resolve(pending.slice(2, end))
          pending = pending.slice(end)
          look = () => {}
        } else if (failure) reject(failure)
      }
      look()
    })
}
