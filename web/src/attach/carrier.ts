/**
 * What an attachment runs over: an authenticated byte stream to a node. A WebSocket becomes one by
 * Noise (secure.ts); a WebRTC-direct stream is one as it comes.
 */
export interface Carrier {
  readonly kind: 'websocket' | 'webrtc-direct'
  /** The node's proven PeerId. */
  readonly node: string
  /** Milliseconds of one round trip, as its handshake saw it. */
  readonly rtt: number
  send(bytes: Uint8Array): void
  /** Set by the attachment: called with the stream's next bytes. */
  onBytes: (bytes: Uint8Array) => void
  /** Set by the attachment: called once, and not after `close`. */
  onClose: (reason: string) => void
  close(): void
}

/** What Noise is spoken over: whole messages, in order. */
export interface MessageSocket {
  send(message: Uint8Array): void
  onMessage: (message: Uint8Array) => void
  onClose: (reason: string) => void
  close(): void
}
