/**
 * What the page of the perf benchmark runs: bulk over one stream of this client's WebRTC-direct.
 * Becomes `window.perf`.
 */

import { AnswerReader, proposal } from '../../web/src/attach/webrtc-direct/multistream.ts'
import { DirectStream } from '../../web/src/attach/webrtc-direct/stream.ts'
import { dial } from '../foreign/client.js'

const PROTOCOL = '/perf/1.0.0'
/** What a channel may hold before it is given more. */
const BUFFERED = 1 << 20

/** Dials; the connection is used by the others. */
export async function connect(address) {
  window.connection = (await dial(address)).peerConnection
}

/** Asks for so many bytes; resolves when the answer to the proposal is there. */
async function begin(wanted) {
  const stream = new DirectStream(window.connection.createDataChannel(''))
  await new Promise((resolve) => (stream.channel.onopen = resolve))
  const answer = new AnswerReader(PROTOCOL)
  const seen = { bytes: 0, first: 0, head: undefined }
  const finished = new Promise((resolve, reject) => {
    stream.onFinish = resolve
    stream.onEnd = reject
  })
  stream.onBytes = (bytes) => {
    const rest = answer.read(bytes)
    if (!rest.length) return
    seen.first ||= performance.now()
    seen.head ??= rest
    seen.bytes += rest.length
  }
  stream.send(proposal(PROTOCOL))
  const size = new Uint8Array(8)
  new DataView(size.buffer).setBigUint64(0, BigInt(wanted))
  stream.send(size)
  return { stream, seen, finished }
}

/** Seconds from the first to the last of `bytes` from the node. */
export async function download(bytes) {
  const { stream, seen, finished } = await begin(bytes)
  stream.finish()
  await finished
  if (seen.bytes !== bytes) throw new Error(`got ${seen.bytes} bytes of ${bytes}`)
  return (performance.now() - seen.first) / 1000
}

/** Seconds until the node has read `bytes` from here, and said so. */
export async function upload(bytes) {
  const { stream, seen, finished } = await begin(8)
  const { channel } = stream
  const piece = new Uint8Array(128 * 1024)
  channel.bufferedAmountLowThreshold = BUFFERED / 2
  const start = performance.now()
  for (let sent = 0; sent < bytes; sent += piece.length) {
    if (channel.bufferedAmount >= BUFFERED) await new Promise((resolve) => (channel.onbufferedamountlow = resolve))
    stream.send(piece.subarray(0, Math.min(piece.length, bytes - sent)))
  }
  stream.finish()
  await finished
  const read = Number(new DataView(seen.head.slice().buffer).getBigUint64(0))
  if (read !== bytes) throw new Error(`${read} bytes of ${bytes} have arrived`)
  return (performance.now() - start) / 1000
}
