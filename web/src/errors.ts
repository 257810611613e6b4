/**
 * What an error is about, for programs. `message` is for people and says what to do.
 *
 * - `unreachable`: no node, or no way to the peer.
 * - `timeout`: it was reached, but didn't answer in time.
 * - `not-found`: nobody provides it, or nobody by that name is there.
 * - `bad-cid`: not a CID that this client reads, or content that doesn't match its CID.
 * - `denied`: refused by a node (token, network), by a room (password) or by a peer.
 * - `too-large`: over a documented bound.
 * - `in-use`: another tab holds the persistent identity.
 * - `needs-https`: the browser allows it to secure pages only.
 * - `unsupported`: this runtime lacks it (WebRTC, WebSocket, IndexedDB).
 * - `quota`: a node's budget is used up.
 * - `malformed`: bytes or arguments that aren't what they should be.
 * - `closed`: stopped, left or ended meanwhile.
 * - `paused`: `velox.pause()` was called, and `velox.resume()` not yet.
 * - `aborted`: the caller's AbortSignal said so.
 */
export type VeloxErrorCode =
  | 'unreachable'
  | 'timeout'
  | 'not-found'
  | 'bad-cid'
  | 'denied'
  | 'too-large'
  | 'in-use'
  | 'needs-https'
  | 'unsupported'
  | 'quota'
  | 'malformed'
  | 'closed'
  | 'paused'
  | 'aborted'

/** Every error that this library rejects with. */
export class VeloxError extends Error {
  override readonly name = 'VeloxError'

  constructor(
    readonly code: VeloxErrorCode,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options)
  }
}

/** What is asked of a peer that is paused. */
export const paused = (): VeloxError => new VeloxError('paused', 'this peer is paused: call velox.resume() first')
