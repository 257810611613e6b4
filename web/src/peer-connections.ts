/** Peer connections come and go: what browsers need for none to stay. */

/** Bytes that make a browser collect its garbage when they are asked for and not used. */
const PRESSURE = 2 ** 26
/** Milliseconds that a connection has to send what it holds, and to hear of its own state. */
const GRACE = 50

/**
 * Throws what the constructor throws. Chromium allows a page 500 connections, and counts closed ones
 * until its garbage collector has been, for which a quiet page may wait for ever: a refusal calls it,
 * so that the next attempt succeeds.
 */
export function construct(
  constructor: new (configuration?: RTCConfiguration) => RTCPeerConnection,
  configuration?: RTCConfiguration,
): RTCPeerConnection {
  try {
    return new constructor(configuration)
  } catch (error) {
    new ArrayBuffer(PRESSURE).slice(0, 0)
    throw error
  }
}

/**
 * Closes it in a moment. Chromium never lets go of one that is closed while news of its gathering
 * state is on its way to the page, as in the first millisecond after an offer.
 */
export function dispose(connection: RTCPeerConnection): void {
  setTimeout(() => connection.close(), GRACE)
}
