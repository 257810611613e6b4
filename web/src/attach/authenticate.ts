/** Noise XX with libp2p's identity payload, in either role: who both ends are. */
import { noisePayload, verifyNoisePayload } from '../crypto/noise-payload.js'
import { Handshake, type Keys } from '../crypto/noise.js'
import { VeloxError } from '../errors.js'
import type { LocalPeer } from '../local-peer.js'
import type { MessageSocket } from './carrier.js'

export interface Proven {
  /** The other end's PeerId. */
  node: string
  /** Milliseconds of one round trip. */
  rtt: number
  /** After its last message. */
  handshake: Handshake
  /** This end's last message, where it is the handshake's last: not sent yet. */
  last?: Uint8Array
}

/**
 * Proves to each other who both ends are. `expected` is the PeerId that the address named, if it
 * named one. Rejects with `denied` where the node is another, `unreachable` where it hangs up.
 */
export async function authenticate(
  socket: MessageSocket,
  { suite, identity }: Pick<LocalPeer, 'suite' | 'identity'>,
  role: Omit<Keys, 'ephemeral'>,
  expected?: string,
): Promise<Proven> {
  // The two take turns: before each message of this end, its answer is waited for.
  const next = (): Promise<Uint8Array> => {
    const answer = new Promise<Uint8Array>((resolve, reject) => {
      socket.onMessage = resolve
      socket.onClose = (reason) =>
        reject(new VeloxError('unreachable', `the node hung up during the handshake: ${reason}`))
    })
    answer.catch(() => {})
    return answer
  }
  let answer = next()
  const handshake = await Handshake.begin(suite, { ...role, ephemeral: await suite.agreementKey() })
  let sent = 0
  let node = ''
  let rtt = 0
  for (let turn = 0; turn < 3; turn++) {
    if (role.initiator === !(turn & 1)) {
      // The first message is readable by anybody.
      const proof = turn ? await noisePayload(identity, role.staticKey.publicKey) : new Uint8Array()
      const message = await handshake.write(proof)
      sent = performance.now()
      if (turn > 1) return { node, rtt, handshake, last: message }
      answer = next()
      socket.send(message)
    } else {
      const message = await answer
      rtt = performance.now() - sent
      const payload = await handshake.read(message)
      if (turn) node = await verifyNoisePayload(suite, payload, handshake.remoteStatic)
      if (turn && expected && node !== expected) {
        throw new VeloxError('denied', `the address belongs to node ${node}, not ${expected}`)
      }
    }
  }
  return { node, rtt, handshake }
}
