/** Noise around every message, which makes a carrier of a message socket. */
import type { AgreementKey } from '../crypto/suite.js'
import type { LocalPeer } from '../local-peer.js'
import { utf8 } from '../wire/bytes.js'
import { authenticate } from './authenticate.js'
import type { Carrier, MessageSocket } from './carrier.js'

export const PROLOGUE = utf8('velox.attach.1')
/** Bytes of a Noise message, less its tag. */
const MAX_PLAINTEXT = 65_535 - 16

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
  const role = { initiator: true, staticKey, prologue: PROLOGUE }
  const { node, rtt, handshake, last } = await authenticate(socket, self, role, expected)
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
  socket.send(last!)
  return carrier
}
