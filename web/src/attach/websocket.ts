/** A WebSocket as a socket of whole binary messages. */
import { VeloxError } from '../errors.js'
import type { MessageSocket } from './carrier.js'

export const SUBPROTOCOL = 'velox.attach.1'

/** What this client uses of the browser's WebSocket: tests and Node 20 bring their own. */
export type WebSocketConstructor = new (url: string, protocols: string) => Pick<
  WebSocket,
  'binaryType' | 'send' | 'close' | 'onopen' | 'onmessage' | 'onclose' | 'onerror' | 'protocol'
>

/**
 * Resolves when it is open; rejects with `unreachable`. When `signal` aborts it is closed, and
 * nothing more is heard.
 */
export function openWebSocket(
  url: string,
  constructor: WebSocketConstructor,
  signal: AbortSignal,
): Promise<MessageSocket> {
  return new Promise((resolve, reject) => {
    const socket = new constructor(url, SUBPROTOCOL)
    socket.binaryType = 'arraybuffer'
    const wrapped: MessageSocket = {
      send: (message) => socket.send(message as Uint8Array<ArrayBuffer>),
      onMessage: () => {},
      onClose: () => {},
      close: () => {
        wrapped.onClose = () => {}
        socket.close()
      },
    }
    signal.addEventListener('abort', wrapped.close)
    socket.onmessage = ({ data }) => {
      if (data instanceof ArrayBuffer) wrapped.onMessage(new Uint8Array(data))
    }
    // Says nothing that `onclose`, which follows it, doesn't.
    socket.onerror = () => {}
    socket.onclose = ({ code, reason }) => {
      const text = reason || (code === 1006 ? 'no connection, or cut off' : `closed with code ${code}`)
      reject(new VeloxError('unreachable', text))
      wrapped.onClose(text)
    }
    socket.onopen = () => resolve(wrapped)
  })
}
