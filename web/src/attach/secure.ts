/** Noise XX with libp2p's identity payload, which makes a carrier of a message socket. */
import { noisePayload, verifyNoisePayload } from '../crypto/noise-payload.js'
import { Handshake } from '../crypto/noise.js'
import type { AgreementKey, Suite } from '../crypto/suite.js'
import { VeloxError } from '../errors.js'
import type { LocalPeer } from '../local-peer.js'
import { utf8 } from '../wire/bytes.js'
import type { Carrier, MessageSocket } from './carrier.js'

export const PROLOGUE = utf8('velox.attach.1')
/** Bytes of a Noise message, less its tag. */
const MAX_PLAINTEXT = 65_535 - 16
const EMPTY = new Uint8Array()

/**
 * Proves to each other who both ends are. `expected` is the PeerId that the address named, if it
 * named one. Rejects with `denied` where the node is another, `unreachable` where it hangs up.
 */
export async function secure(
  socket: MessageSocket,
  self: Pick<LocalPeer, 'suite' | 'identity'>,
  staticKey: AgreementKey,
  expected?: string,
): Promise<Carrier> {
  const closed = (reason: string): VeloxError =>
    new VeloxError('unreachable', `the node hung up during the handshake: ${reason}`)
  const answer = new Promise<Uint8Array>((resolve, reject) => {
    socket.onMessage = resolve
    socket.onClose = (reason) => reject(closed(reason))
  })
  answer.catch(() => {})

  const ephemeral = await self.suite.agreementKey()
  const keys = { initiator: true, staticKey, ephemeral, prologue: PROLOGUE }
  const handshake = await Handshake.begin(self.suite, keys)
  const hello = await handshake.write(EMPTY)
  const sent = performance.now()
  socket.send(hello)
  const message = await answer
  const rtt = performance.now() - sent

  const node = await provenNode(self.suite, handshake, message, expected)
  const proof = await noisePayload(self.identity, staticKey.publicKey)
  const last = await handshake.write(proof)
  // The keys come before the last message leaves: the node's first words may follow at once.
  const { send, receive } = await handshake.finish()

  let open = true
  const end = (reason: string): void => {
    if (open) {
      carrier.close()
      carrier.onClose(reason)
    }
  }
  const carrier: Carrier = {
    kind: 'websocket',
    node,
    rtt,
    send: (bytes) => {
      for (let at = 0; open && at < bytes.length; at += MAX_PLAINTEXT) {
        socket.send(send.encrypt(bytes.subarray(at, at + MAX_PLAINTEXT)))
      }
    },
    onBytes: () => {},
    onClose: () => {},
    close: () => {
      open = false
      socket.close()
    },
  }
  socket.onClose = end
  socket.onMessage = (ciphertext) => {
    if (!open) return
    let bytes: Uint8Array
    try {
      bytes = receive.decrypt(ciphertext)
    } catch {
      return end('what came was not what the node sent')
    }
    carrier.onBytes(bytes)
  }
  socket.send(last)
  return carrier
}

/**
 * The PeerId that the node's `message` proves. Rejects with `denied` where it proves none, or
 * another than `expected`.
 */
export async function provenNode(
  suite: Suite,
  handshake: Handshake,
  message: Uint8Array,
  expected?: string,
): Promise<string> {
  const payload = await handshake.read(message)
  const node = await verifyNoisePayload(suite, payload, handshake.remoteStatic)
  if (expected && node !== expected) {
    throw new VeloxError('denied', `the address belongs to node ${node}, not ${expected}`)
  }
  return node
}
