/**
 * What the page of the foreign-listener tests runs: this client's WebRTC-direct, from its source,
 * piece by piece. Becomes `window.direct`.
 */

import { parseMultiaddr } from '../../web/src/attach/address.ts'
import { authenticate } from '../../web/src/attach/authenticate.ts'
import { connect } from '../../web/src/attach/webrtc-direct/connection.ts'
import { AnswerReader, proposal, refuseIncoming } from '../../web/src/attach/webrtc-direct/multistream.ts'
import { noiseChannel, prologue } from '../../web/src/attach/webrtc-direct/noise-channel.ts'
import { DirectStream } from '../../web/src/attach/webrtc-direct/stream.ts'
import { Identity } from '../../web/src/crypto/identity.ts'
import { loadSuite } from '../../web/src/crypto/suite.ts'

const SENT = 'a stream of bytes'

/** RTCPeerConnections of this page, to be counted. */
const connections = []
class Counted extends RTCPeerConnection {
  constructor(...args) {
    super(...args)
    connections.push(this)
  }
}

/** Dials; resolves with the PeerId that the listener proved and the handshake's version. */
export async function dial(multiaddr, expected, timeout = 10_000) {
  const suite = await loadSuite()
  const identity = new Identity(await suite.signingKey())
  const staticKey = await suite.agreementKey()
  const address = parseMultiaddr(multiaddr)
  const began = performance.now()
  const signal = AbortSignal.timeout(timeout)
  const aborted = new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  const connection = await Promise.race([aborted, connect(address, Counted, signal)])
  const { peerConnection, handshake, fingerprint } = connection
  refuseIncoming(peerConnection)
  const role = { initiator: false, staticKey, prologue: prologue(fingerprint, address.fingerprint) }
  const noise = noiseChannel(handshake)
  try {
    const { node, rtt } = await authenticate(noise, { suite, identity }, role, expected ?? address.node)
    const [, version] = /ice-ufrag:libp2p\+webrtc\+v(\d)/.exec(peerConnection.remoteDescription.sdp)
    return { node, rtt, peerId: identity.peerId, version: Number(version), ms: performance.now() - began, peerConnection }
  } catch (error) {
    peerConnection.close()
    throw error
  }
}

/** A stream of that protocol: an object that says what became of it, in promises and counts. */
async function open(peerConnection, protocol) {
  const stream = new DirectStream(peerConnection.createDataChannel(''))
  await new Promise((resolve, reject) => {
    stream.channel.onopen = resolve
    stream.onEnd = reject
  })
  const answer = new AnswerReader(protocol)
  const seen = { received: 0, text: '' }
  const finished = new Promise((resolve) => (stream.onFinish = () => resolve('finished')))
  const ended = new Promise((resolve) => (stream.onEnd = resolve))
  const refused = new Promise((resolve) => {
    stream.onBytes = (bytes) => {
      try {
        const rest = answer.read(bytes)
        seen.received += rest.length
        seen.look?.()
        seen.text = (seen.text + new TextDecoder().decode(rest)).slice(0, SENT.length)
      } catch (error) {
        resolve(error.message)
      }
    }
  })
  stream.send(proposal(protocol))
  return { stream, seen, finished, ended, refused }
}

/**
 * Waits for so many bytes, or the end. py-libp2p forgets what it hasn't read when a FIN comes, so
 * that halves are closed only after the echo.
 */
function received(seen, count, ended) {
  let look
  const enough = new Promise((resolve) => (look = () => seen.received >= count && resolve()))
  seen.look = look
  look()
  return Promise.race([enough, ended])
}

/** Sends `count` times `size` bytes to the echo, closes its half, reads to the end. */
export async function echo(multiaddr, count = 1, size = SENT.length) {
  const { peerConnection, ...proven } = await dial(multiaddr)
  const { stream, seen, finished, ended } = await open(peerConnection, '/echo/1.0.0')
  const bytes = new TextEncoder().encode(SENT.repeat(Math.ceil(size / SENT.length))).subarray(0, size)
  for (let i = 0; i < count; i++) stream.send(bytes)
  await received(seen, count * size, ended)
  stream.finish()
  const how = await Promise.race([finished, ended])
  const end = await ended
  peerConnection.close()
  return { ...proven, received: seen.received, text: seen.text, how, end }
}

/** Opens streams one after the other on one connection: each must come to its end. */
export async function many(multiaddr, count) {
  const { peerConnection } = await dial(multiaddr)
  let ended = 0
  for (; ended < count; ended++) {
    const one = await open(peerConnection, '/echo/1.0.0')
    one.stream.send(new TextEncoder().encode(SENT))
    await received(one.seen, SENT.length, one.ended)
    one.stream.finish()
    await one.ended
    if (one.seen.text !== SENT) break
  }
  peerConnection.close()
  return ended
}

/** Begins an echo and resets it; the connection goes on: another stream works. */
export async function reset(multiaddr) {
  const { peerConnection } = await dial(multiaddr)
  const one = await open(peerConnection, '/echo/1.0.0')
  one.stream.send(new TextEncoder().encode(SENT))
  await received(one.seen, SENT.length, one.ended)
  const closed = new Promise((resolve) => one.stream.channel.addEventListener('close', resolve))
  one.stream.reset()
  await closed
  const other = await open(peerConnection, '/echo/1.0.0')
  other.stream.send(new TextEncoder().encode(SENT))
  await received(other.seen, SENT.length, other.ended)
  other.stream.finish()
  await other.ended
  peerConnection.close()
  return other.seen.text
}

/** The words in which a protocol that nobody speaks is refused. */
export async function unknown(multiaddr) {
  const { peerConnection } = await dial(multiaddr)
  const { refused } = await open(peerConnection, '/nobody/speaks/this')
  const reason = await refused
  peerConnection.close()
  return reason
}

/** Why a dial failed. */
export const failure = (...args) =>
  dial(...args).then(
    ({ peerConnection }) => (peerConnection.close(), 'it succeeded'),
    (error) => error.message,
  )

/** How many RTCPeerConnections were made here, and how many of those are open. */
export const counted = () => ({
  made: connections.length,
  open: connections.filter(({ signalingState }) => signalingState !== 'closed').length,
})

/** What can cross to the test's process. */
export const plainly = async (...args) => {
  const { peerConnection, ...proven } = await dial(...args)
  peerConnection.close()
  return proven
}
