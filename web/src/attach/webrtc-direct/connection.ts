/** An RTCPeerConnection to a WebRTC-direct server, not yet proven to be the one meant. */
import { random } from '../../crypto/suite.js'
import { VeloxError } from '../../errors.js'
import { construct, dispose } from '../../peer-connections.js'
import { hex } from '../../wire/bytes.js'
import type { DirectAddress } from '../address.js'
import { V2_HEAD_START } from '../defaults.js'
import { answerOf, fingerprintOf, munge, passwordOf, PREFIX } from './sdp.js'
import { DirectStream } from './stream.js'

export type PeerConnectionConstructor = new () => RTCPeerConnection

export interface Connection {
  readonly peerConnection: RTCPeerConnection
  /** The negotiated channel 0, open. */
  readonly handshake: DirectStream
  /** SHA-256 of the own certificate. */
  readonly fingerprint: Uint8Array
}

/**
 * Connects by handshake version 2, which leaves the offer alone; by version 1 besides where that
 * gets no answer, since no address says what its server speaks. Whichever is second is closed.
 * When `signal` aborts all is closed, and nothing more is heard.
 */
export function connect(
  address: DirectAddress,
  constructor: PeerConnectionConstructor,
  signal: AbortSignal,
): Promise<Connection> {
  const decided = new AbortController()
  signal.addEventListener('abort', () => decided.abort())
  const second = attempt(2, address, constructor, decided)
  const first = Promise.race([
    // Its failure is a reason to try the other at once.
    second.catch(() => {}),
    new Promise((resolve) => setTimeout(resolve, V2_HEAD_START)),
  ]).then(() => attempt(1, address, constructor, decided))
  return Promise.any([second, first]).catch(({ errors: [reason] }: AggregateError) => {
    throw reason
  })
}

/** One version's connection. Decides for itself as soon as it is there. */
async function attempt(
  version: number,
  address: DirectAddress,
  constructor: PeerConnectionConstructor,
  decided: AbortController,
): Promise<Connection> {
  const { signal } = decided
  signal.throwIfAborted()
  const peerConnection = construct(constructor)
  const close = (): void => dispose(peerConnection)
  signal.addEventListener('abort', close)
  try {
    const channel = peerConnection.createDataChannel('', { negotiated: true, id: 0 })
    const handshake = new DirectStream(channel)
    const offer = await peerConnection.createOffer()
    let ufrag = `${PREFIX}1/${hex(random(16))}`
    if (version < 2) offer.sdp = munge(offer.sdp!, ufrag)
    await peerConnection.setLocalDescription(offer)
    const { sdp } = peerConnection.localDescription!
    if (version > 1) ufrag = `${PREFIX}2/${passwordOf(sdp)}`
    await peerConnection.setRemoteDescription({ type: 'answer', sdp: answerOf(address, ufrag) })
    await new Promise<void>((resolve, reject) => {
      peerConnection.onconnectionstatechange = () => {
        if (peerConnection.connectionState === 'failed') {
          reject(new VeloxError('unreachable', 'no answer by UDP'))
        }
      }
      channel.onopen = () => resolve()
    })
    // The other may have been first in the same moment.
    signal.throwIfAborted()
    signal.removeEventListener('abort', close)
    decided.abort()
    return { peerConnection, handshake, fingerprint: fingerprintOf(sdp) }
  } catch (error) {
    close()
    throw error
  }
}
