/** Content between pages, and the raw data channel that it is measured against. */
import { Content } from '../../src/content/content.js'
import type { Locator, Member } from '../../src/ports.js'
import { Sessions } from '../../src/session/sessions.js'
import { broadcastSignals } from './broadcast.js'

const signals = broadcastSignals()
export const sessions = new Sessions({ signals })
let providers: Member[] = []
const locator: Locator = {
  provide: async () => undefined,
  unprovide: async () => undefined,
  async *locate() {
    yield* providers
  },
}
const mates = new Map<string, { peerId: string; connected: boolean }>()
sessions.on('connect', ({ peerId }) => mates.set(peerId, { peerId, connected: true }))
sessions.on('disconnect', ({ session }) => mates.delete(session.peerId))
export const content = new Content({ sessions, locator, rooms: () => [{ peers: mates }] })

// Records of the page cross to other pages as JSON.
type Plain = Omit<Member, 'key'> & { key: number[] }
export const self = (): Plain => ({ ...signals.member, key: [...signals.member.key] })
const member = (plain: Plain): Member => ({ ...plain, key: Uint8Array.from(plain.key) })

export function locate(found: Plain[]): void {
  providers = found.map(member)
}

export async function connect(to: Plain): Promise<void> {
  await sessions.connect(member(to), 'test')
}

/** A file of `size` random bytes: its CID, and how long `put` took in ms. */
export async function put(size: number): Promise<{ cid: string; ms: number }> {
  const bytes = new Uint8Array(size)
  for (let at = 0; at < size; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536))
  const blob = new Blob([bytes])
  const start = performance.now()
  const cid = await content.put(blob)
  return { cid, ms: performance.now() - start }
}

export async function get(cid: string): Promise<{ size: number; ms: number; hash: string; progress: number }> {
  let progress = 0
  const start = performance.now()
  const response = await content.get(cid, { onProgress: ({ loaded, total }) => (progress = loaded / total) })
  const bytes = await response.arrayBuffer()
  const ms = performance.now() - start
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return { size: bytes.byteLength, ms, hash: [...hash.slice(0, 4)].join('.'), progress }
}

export async function failure(cid: string): Promise<string> {
  try {
    await (await content.get(cid)).arrayBuffer()
    return 'it came'
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
}

/** Resolves when a session ends: milliseconds from now. */
export function disconnected(): Promise<number> {
  const start = performance.now()
  return new Promise((resolve) => sessions.on('disconnect', () => resolve(performance.now() - start)))
}

// The raw channel: signaled by hand through the same BroadcastChannel, nothing but bytes.
const raw = new BroadcastChannel('raw')

/** Receives `size` raw bytes; resolves with the milliseconds from the first to the last. */
export function rawReceive(size: number): Promise<number> {
  return new Promise((resolve) => {
    const pc = new RTCPeerConnection()
    pc.onicecandidate = ({ candidate }) => raw.postMessage({ to: 'sender', candidate: candidate?.toJSON() })
    pc.ondatachannel = ({ channel }) => {
      channel.binaryType = 'arraybuffer'
      let got = 0
      let start = 0
      channel.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => {
        start ||= performance.now()
        got += data.byteLength
        if (got < size) return
        raw.onmessage = null
        pc.close()
        resolve(performance.now() - start)
      }
    }
    raw.onmessage = async ({ data }) => {
      if (data.to !== 'receiver') return
      if (data.candidate) return void pc.addIceCandidate(data.candidate)
      if (!data.offer) return
      await pc.setRemoteDescription({ type: 'offer', sdp: data.offer })
      await pc.setLocalDescription()
      raw.postMessage({ to: 'sender', answer: pc.localDescription!.sdp })
    }
  })
}

export async function rawSend(size: number, message: number, buffered: number): Promise<void> {
  const pc = new RTCPeerConnection()
  pc.onicecandidate = ({ candidate }) => raw.postMessage({ to: 'receiver', candidate: candidate?.toJSON() })
  const channel = pc.createDataChannel('raw')
  raw.onmessage = async ({ data }) => {
    if (data.to !== 'sender') return
    if (data.answer) await pc.setRemoteDescription({ type: 'answer', sdp: data.answer })
    else if (data.candidate) await pc.addIceCandidate(data.candidate)
  }
  await pc.setLocalDescription()
  raw.postMessage({ to: 'receiver', offer: pc.localDescription!.sdp })
  await new Promise((resolve) => (channel.onopen = resolve))
  const bytes = new Uint8Array(message)
  channel.bufferedAmountLowThreshold = buffered / 2
  for (let at = 0; at < size; at += message) {
    if (channel.bufferedAmount > buffered) await new Promise((resolve) => (channel.onbufferedamountlow = resolve))
    channel.send(bytes)
  }
  await new Promise((resolve) => (channel.onclose = resolve))
  raw.onmessage = null
  pc.close()
}
