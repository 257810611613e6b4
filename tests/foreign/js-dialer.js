/**
 * What a page with stock js-libp2p runs, each part as npm has it. Becomes `window.stock`.
 */

import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { webRTC, webRTCDirect } from '@libp2p/webrtc'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

const ECHO = '/echo/1.0.0'
const PING = '/ipfs/ping/1.0.0'
// Nobody's STUN servers.
const rtcConfiguration = { iceServers: [] }

let node

/**
 * Starts the page's libp2p, reachable over `relay` if one is given; resolves with its PeerId.
 * `more` goes to `createLibp2p`.
 */
export async function start({ relay, ...more } = {}) {
  node = await createLibp2p({
    addresses: { listen: relay ? [`${relay}/p2p-circuit`, '/webrtc'] : [] },
    transports: [webRTCDirect({ rtcConfiguration }), webRTC({ rtcConfiguration }), circuitRelayTransport()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    // A browser's default denies what isn't public.
    connectionGater: { denyDialMultiaddr: () => false },
    services: {
      identify: identify(),
      // rust-libp2p's ping lets go of a stream that was closed only when something else wakes it.
      ping: ping({ maxOutboundStreams: 8 }),
      pubsub: gossipsub(),
    },
    ...more,
  })
  await node.handle(ECHO, async (stream) => {
    for await (const chunk of stream) stream.send(chunk)
    await stream.close()
  })
  return node.peerId.toString()
}

export const stop = () => node.stop()

/** Dials; resolves with what identify told and how long a ping took. */
export async function greet(address) {
  const identified = new Promise((resolve) =>
    node.addEventListener('peer:identify', ({ detail }) => resolve(detail), { once: true }),
  )
  const { remotePeer, remoteAddr } = await node.dial(multiaddr(address))
  const { agentVersion, protocolVersion, protocols } = await identified
  const rtt = await node.services.ping.ping(remotePeer)
  return { peer: remotePeer.toString(), over: remoteAddr.toString(), agentVersion, protocolVersion, protocols, rtt }
}

const only = () => {
  const connections = node.getConnections()
  if (connections.length !== 1) throw new Error(`${connections.length} connections`)
  return connections[0]
}

const random = (size) => {
  const bytes = new Uint8Array(size)
  for (let at = 0; at < size; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536))
  return bytes
}

/** Reads so many bytes, or to the end. */
async function read(stream, size = Infinity) {
  const bytes = []
  for await (const chunk of stream) {
    bytes.push(...chunk.subarray())
    if (bytes.length >= size) break
  }
  return bytes
}

const same = (one, other) => one.length === other.length && one.every((byte, at) => byte === other[at])

/**
 * Pings so often, each time on a stream of its own: how many answers were right, and how many of
 * the streams have come to their end on both sides.
 */
export async function pings(count) {
  const connection = only()
  const ends = []
  let right = 0
  for (let i = 0; i < count; i++) {
    const stream = await connection.newStream(PING)
    ends.push(new Promise((resolve) => stream.addEventListener('close', () => resolve())))
    const sent = random(32)
    stream.send(sent)
    if (same(await read(stream, sent.length), sent)) right++
    await stream.close()
  }
  return { right, ended: (await Promise.all(ends)).length }
}

/** Echoes over so many streams that are all open before the first of them is used. */
export async function echoes(count, size) {
  const connection = only()
  const streams = await Promise.all(
    Array.from({ length: count }, () => connection.newStream(ECHO, { maxOutboundStreams: count })),
  )
  const open = connection.streams.filter(({ protocol, status }) => protocol === ECHO && status === 'open').length
  const right = await Promise.all(streams.map(async (stream) => {
    const sent = random(size)
    stream.send(sent)
    const [received] = await Promise.all([read(stream), stream.close()])
    return same(received, sent)
  }))
  return { open, right: right.filter(Boolean).length }
}

/** Says so many messages on the topic `there`; each is to come back backwards on `back`. */
export async function gossip(count, size) {
  const { pubsub } = node.services
  pubsub.subscribe('back')
  let look = () => {}
  const heard = new Set()
  pubsub.addEventListener('message', ({ detail }) => {
    heard.add(detail.data.toReversed().toString())
    look()
  })
  pubsub.addEventListener('subscription-change', () => look())
  const when = (holds) => new Promise((resolve) => {
    look = () => holds() && resolve()
    look()
  })
  await when(() => pubsub.getSubscribers('there').length === 1)
  const sent = Array.from({ length: count }, () => random(size))
  for (const data of sent) await pubsub.publish('there', data)
  await when(() => heard.size >= count)
  return sent.filter((data) => heard.has(data.toString())).length
}

/** The page's address by its relay and `/webrtc`, once there is one. */
export const reachable = () => new Promise((resolve) => {
  const look = () => {
    const address = node.getMultiaddrs().map(String).find((text) => text.includes('/p2p-circuit/webrtc'))
    if (address) resolve(address)
  }
  node.addEventListener('self:peer:update', look)
  look()
})

// Of two pages of js-libp2p's that meet by /webrtc, the one that was called closes the channel
// `init` as soon as it sees it; where that comes before the confirmation of the channel, the caller
// waits for it to open until its dial's time is up. The next dial mostly goes well.
const DIALS = 5

async function dial(address) {
  for (let left = DIALS; ; left--) {
    try {
      return await node.dial(multiaddr(address))
    } catch (error) {
      if (error.name !== 'TimeoutError' || left === 1) throw error
    }
  }
}

/** Has another page echo a text: what came back, and over what. */
export async function meet(address, text) {
  const connection = await dial(address)
  const stream = await connection.newStream(ECHO)
  stream.send(new TextEncoder().encode(text))
  const [received] = await Promise.all([read(stream), stream.close()])
  return {
    text: new TextDecoder().decode(Uint8Array.from(received)),
    over: connection.remoteAddr.toString(),
    limited: connection.limits !== undefined,
  }
}
