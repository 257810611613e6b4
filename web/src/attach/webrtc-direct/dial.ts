/** Dials a node's WebRTC-direct address: an authenticated stream, which no second Noise wraps. */
import type { AgreementKey } from '../../crypto/suite.js'
import { VeloxError } from '../../errors.js'
import type { LocalPeer } from '../../local-peer.js'
import { concat } from '../../wire/bytes.js'
import type { DirectAddress } from '../address.js'
import type { Carrier } from '../carrier.js'
import { authenticate, prologue } from './authenticate.js'
import { connect, type PeerConnectionConstructor } from './connection.js'
import { AnswerReader, proposal, refuseIncoming } from './multistream.js'
import { DirectStream } from './stream.js'

export const PROTOCOL = '/velox/attach/1'

/**
 * Resolves with the node's carrier. Rejects with `denied` where the node is another than the
 * address names, `unreachable` where there is no answer, or when `signal` aborts; the connection
 * is closed then.
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
  try {
    return await Promise.race([
      new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => {
          close()
          reject(signal.reason as Error)
        })
      }),
      (async () => {
        refuseIncoming(peerConnection)
        const certificates = prologue(fingerprint, address.fingerprint)
        const proven = await authenticate(handshake, certificates, self, staticKey, address.node)
        const stream = new DirectStream(peerConnection.createDataChannel(''))
        await new Promise<void>((resolve, reject) => {
          stream.channel.onopen = () => resolve()
          stream.onEnd = (reason) => reject(new VeloxError('unreachable', reason))
        })
        handshake.channel.close()
        return carrierOf(peerConnection, stream, proven)
      })(),
    ])
  } catch (error) {
    close()
    throw error
  }
}

function carrierOf(
  peerConnection: RTCPeerConnection,
  stream: DirectStream,
  proven: { node: string; rtt: number },
): Carrier {
  let head = proposal(PROTOCOL)
  const answer = new AnswerReader(PROTOCOL)
  const end = (reason: string): void => {
    carrier.close()
    carrier.onClose(reason)
    carrier.onClose = () => {}
  }
  const carrier: Carrier = {
    kind: 'webrtc-direct',
    ...proven,
    send: (bytes) => {
      stream.send(concat(head, bytes))
      head = new Uint8Array()
    },
    onBytes: () => {},
    onClose: () => {},
    close: () => {
      stream.onEnd = stream.onFinish = stream.onBytes = () => {}
      stream.finish()
      peerConnection.close()
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
