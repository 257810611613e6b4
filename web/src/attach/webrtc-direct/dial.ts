/** Dials a node's WebRTC-direct address: an authenticated stream, which no second Noise wraps. */
import type { AgreementKey } from '../../crypto/suite.js'
import type { LocalPeer } from '../../local-peer.js'
import { concat } from '../../wire/bytes.js'
import type { DirectAddress } from '../address.js'
import { authenticate, type Proven } from '../authenticate.js'
import type { Carrier } from '../carrier.js'
import { CLOSE_GRACE } from '../defaults.js'
import { connect, type PeerConnectionConstructor } from './connection.js'
import { AnswerReader, proposal, refuseIncoming } from './multistream.js'
import { noiseChannel, prologue } from './noise-channel.js'
import { DirectStream } from './stream.js'

export const PROTOCOL = '/velox/attach/1'

/**
 * Resolves with the node's carrier. Rejects with `denied` where the node is another than the
 * address names, `unreachable` where there is no answer; all is closed then, and when `signal`
 * aborts.
 */
export async function dialDirect(
  address: DirectAddress,
  constructor: PeerConnectionConstructor,
  self: Pick<LocalPeer, 'suite' | 'identity'>,
  staticKey: AgreementKey,
  signal: AbortSignal,
): Promise<Carrier> {
  const { peerConnection, handshake, fingerprint } = await connect(address, constructor, signal)
  const close = (): void => peerConnection.close()
  signal.addEventListener('abort', close)
  try {
    signal.throwIfAborted()
    refuseIncoming(peerConnection)
    const noise = noiseChannel(handshake)
    const role = { initiator: false, staticKey, prologue: prologue(fingerprint, address.fingerprint) }
    const proven = await authenticate(noise, self, role, address.node)
    const stream = new DirectStream(peerConnection.createDataChannel(''))
    await new Promise((resolve) => (stream.channel.onopen = resolve))
    noise.close()
    return carrierOf(peerConnection, stream, proven)
  } catch (error) {
    close()
    throw error
  }
}

function carrierOf(
  peerConnection: RTCPeerConnection,
  stream: DirectStream,
  { node, rtt }: Proven,
): Carrier {
  // The proposal goes with the first bytes.
  let head = proposal(PROTOCOL)
  const answer = new AnswerReader(PROTOCOL)
  const shut = (): void => peerConnection.close()
  const quiet = (): void => {
    stream.onFinish = stream.onBytes = peerConnection.onconnectionstatechange = () => {}
    stream.onEnd = shut
  }
  const end = (reason: string): void => {
    quiet()
    shut()
    carrier.onClose(reason)
  }
  const carrier: Carrier = {
    kind: 'webrtc-direct',
    node,
    rtt,
    send: (bytes) => {
      stream.send(concat(head, bytes))
      head = new Uint8Array()
    },
    onBytes: () => {},
    onClose: () => {},
    close: () => {
      quiet()
      stream.finish()
      // What was written last arrives, unless nothing was.
      if (head.length) shut()
      else setTimeout(shut, CLOSE_GRACE)
    },
  }
  stream.onBytes = (bytes) => {
    try {
      const rest = answer.read(bytes)
      if (rest.length) carrier.onBytes(rest)
    } catch (error) {
      end((error as Error).message)
    }
  }
  stream.onEnd = end
  stream.onFinish = () => end('closed by the node')
  peerConnection.onconnectionstatechange = () => {
    if (peerConnection.connectionState === 'failed') end('the node went silent')
  }
  return carrier
}
