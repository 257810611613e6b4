/**
 * A stock js-libp2p node that listens by WebRTC-direct (handshake v1) and serves two protocols:
 * `/velox/attach/1`, which welcomes whoever says hello, and `/echo/1.0.0`. Says on stdout, a JSON
 * object a line, where it listens and what it sees.
 */

import * as cbor from '@ipld/dag-cbor'

// libp2p wants it; Node has it since 22.
Promise.withResolvers ??= () => {
  let resolve, reject
  const promise = new Promise((...settle) => ([resolve, reject] = settle))
  return { promise, resolve, reject }
}
const [{ createLibp2p }, { webRTCDirect }] = await Promise.all([import('libp2p'), import('@libp2p/webrtc')])

const say = (event, more = {}) => process.stdout.write(`${JSON.stringify({ event, ...more })}\n`)

const host = process.argv[2] ?? '127.0.0.1'
const node = await createLibp2p({
  addresses: { listen: [`/ip4/${host}/udp/0/webrtc-direct`] },
  // Without its default of other people's STUN servers.
  transports: [webRTCDirect({ rtcConfiguration: { iceServers: [] } })],
  connectionGater: { denyDialMultiaddr: () => false },
})

/** @param {AsyncIterable<any>} stream */
async function* frames(stream) {
  let pending = Buffer.alloc(0)
  for await (const chunk of stream) {
    pending = Buffer.concat([pending, chunk.subarray()])
    for (;;) {
      const size = pending[0] & 0x80 ? 2 : 1
      if (pending.length < size) break
      const length = size === 2 ? (pending[0] & 0x7f) | (pending[1] << 7) : pending[0]
      if (pending.length < size + length) break
      yield cbor.decode(pending.subarray(size, size + length))
      pending = pending.subarray(size + length)
    }
  }
}

function frame(message) {
  const bytes = cbor.encode(message)
  const prefix = bytes.length < 0x80 ? [bytes.length] : [(bytes.length & 0x7f) | 0x80, bytes.length >> 7]
  return Uint8Array.from([...prefix, ...bytes])
}

const welcome = {
  version: 1,
  lease: 60_000,
  time: Date.now(),
  observed: '/ip4/127.0.0.1/udp/1',
  ice: [],
  nodes: [],
}

await node.handle('/velox/attach/1', async (stream, connection) => {
  say('attaching', { peer: connection.remotePeer.toString() })
  try {
    for await (const message of frames(stream)) {
      const [[kind, body]] = Object.entries(message)
      say(kind, { peer: connection.remotePeer.toString() })
      if (kind === 'hello') {
        stream.send(frame({ welcome }))
        stream.send(frame({ ping: { n: 7 } }))
        if (body.token === 'reset me') stream.abort(new Error('as asked'))
        if (body.token === 'close me') await stream.close()
      }
    }
    say('finished')
  } catch (error) {
    say('failed', { reason: String(error) })
  }
})

await node.handle('/echo/1.0.0', async (stream) => {
  try {
    for await (const chunk of stream) stream.send(chunk)
    say('echoed')
    await stream.close()
  } catch (error) {
    say('failed', { reason: String(error) })
  }
})

node.addEventListener('peer:disconnect', ({ detail }) => say('disconnected', { peer: detail.toString() }))
say('ready', { peer_id: node.peerId.toString(), addrs: node.getMultiaddrs().map(String) })
