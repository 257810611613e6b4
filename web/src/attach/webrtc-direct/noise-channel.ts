/** Channel 0 of WebRTC-direct, on which Noise is spoken: messages after their lengths in 2 bytes. */
import { concat, utf8 } from '../../wire/bytes.js'
import type { MessageSocket } from '../carrier.js'
import type { DirectStream } from './stream.js'

/** Bytes that may wait: one message and its length. */
const MAX_PENDING = 65_537

const multihash = (digest: Uint8Array): Uint8Array => concat(Uint8Array.of(0x12, 32), digest)

/** Binds Noise to the two certificates of DTLS, by their SHA-256 fingerprints. */
export const prologue = (client: Uint8Array, server: Uint8Array): Uint8Array =>
  concat(utf8('libp2p-webrtc-noise:'), multihash(client), multihash(server))

export function noiseChannel(stream: DirectStream): MessageSocket {
  let pending: Uint8Array = new Uint8Array()
  const socket: MessageSocket = {
    send: (message) => stream.send(concat(Uint8Array.of(message.length >> 8, message.length), message)),
    onMessage: () => {},
    onClose: () => {},
    close: () => stream.channel.close(),
  }
  stream.onBytes = (bytes) => {
    pending = concat(pending, bytes)
    if (pending.length > MAX_PENDING) return stream.reset()
    const end = 2 + pending[0] * 256 + pending[1]
    // Of a length that is cut in two, NaN.
    if (!(pending.length >= end)) return
    const message = pending.slice(2, end)
    pending = pending.slice(end)
    socket.onMessage(message)
  }
  stream.onEnd = (reason) => socket.onClose(reason)
  return socket
}
