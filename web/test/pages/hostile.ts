/** Peers that break the protocol, lie or stall, over real peer connections in one page. */
import { BLOCKS, blockHead } from '../../src/content/block-stream.js'
import { parseCid } from '../../src/content/cid.js'
import { Content } from '../../src/content/content.js'
import type { Locator } from '../../src/ports.js'
import { Room } from '../../src/room/room.js'
import { head } from '../../src/session/messages.js'
import type { Session } from '../../src/session/session.js'
import { Sessions } from '../../src/session/sessions.js'
import { Hub } from './hub.js'
import { World } from './presence.js'

const nobody: Locator = {
  provide: async () => undefined,
  unprovide: async () => undefined,
   
  async *locate() {
    return
  },
}

/** A peer connection whose control channel the test can write to. */
class Open extends RTCPeerConnection {
  control: RTCDataChannel | undefined
  static last: Open
  constructor(configuration?: RTCConfiguration) {
    super(configuration)
    Open.last = this
  }
  override createDataChannel(label: string, options?: RTCDataChannelInit): RTCDataChannel {
    const channel = super.createDataChannel(label, options)
    this.control ??= channel
    return channel
  }
}

interface Attack {
  session: Session
  pc: Open
  /** The CID of something that the victim has. */
  held: string
}

const attacks: Record<string, (attack: Attack) => unknown> = {
  'unknown-message': ({ pc }) => pc.control!.send(new Uint8Array([0xa1, 0x61, 0x78, 0x00])),
  'not-binary': ({ pc }) => pc.control!.send('hello'),
  'message-too-large': ({ pc }) => pc.control!.send(new Uint8Array(65_537)),
  'second-hello': ({ session }) => session.send({ hello: { v: 1 } }),
  'unknown-channel': ({ pc }) => pc.createDataChannel('what'),
  'too-many-channels': ({ pc }) => Array.from({ length: 9 }, () => pc.createDataChannel(BLOCKS)),
  'unasked-block': async ({ session }) => session.bulk(BLOCKS).message(blockHead(7, 100)),
  'block-too-large': async ({ session }) => session.bulk(BLOCKS).message(blockHead(7, 2 ** 31)),
  'block-head': async ({ session }) => session.bulk(BLOCKS).message(new Uint8Array(9)),
  'too-many-wants': ({ session, held }) => {
    const asked = Array.from({ length: 64 }, () => parseCid(held).bytes)
    for (let id = 0; id < 64 * 20; id += 64) session.send({ want: { id, cids: asked } })
  },
  'no-cid': ({ session }) => session.send({ have: { id: 1, cids: [new Uint8Array(36)] } }),
  'body-size': async ({ session }) => {
    const size = 65 * 1024 * 1024
    await session.bulk('velox/body').message(head.encode({ room: 'r', type: 't', format: 'bytes', size }))
  },
  'body-head': async ({ session }) => session.bulk('velox/body').message(new Uint8Array(9)),
  'body-format': ({ session }) => {
    session.send({ say: { room: 'r', type: 't', format: 'gif', size: 0, body: new Uint8Array() } })
  },
  'body-json': ({ session }) => {
    session.send({ say: { room: 'r', type: 't', format: 'json', size: 1, body: new Uint8Array([0x7b]) } })
  },
}

/** Runs every attack on a peer of its own; the reasons for which their sessions ended. */
export async function attackAll(): Promise<Record<string, { ended: string; again: string }>> {
  const outcome: Record<string, { ended: string; again: string }> = {}
  for (const [name, attack] of Object.entries(attacks)) {
    const hub = new Hub()
    const [victim, attacker] = [hub.peer(), hub.peer()]
    const sessions = new Sessions({ signals: victim })
    const room = new Room({ name: 'r', presence: new World().of(victim.member), sessions, self: victim.peerId })
    const content = new Content({ sessions, locator: nobody, rooms: () => [] })
    const held = await content.put(new Uint8Array(200_000))
    const theirs = new Sessions({ signals: attacker, rtc: Open })
    const ended = new Promise<string>((resolve) => sessions.on('disconnect', ({ reason }) => resolve(reason)))
    const session = await theirs.connect(victim.member, 'test')
    await attack({ session, pc: Open.last, held })
    const reason = await ended
    theirs.release(victim.peerId, 'test')
    const again = new Promise<string>((resolve) => theirs.on('fail', (event) => resolve(event.reason)))
    theirs.hold(victim.member, 'test', true)
    outcome[name] = { ended: reason, again: await again }
    content.stop()
    await room.leave()
    sessions.stop()
    theirs.stop()
  }
  return outcome
}

/** A file that three peers say they have: one lies, one stalls, one is honest. */
export async function badProviders(): Promise<{ right: boolean; ms: number; fromHonest: number }> {
  const hub = new Hub()
  const ports = Array.from({ length: 4 }, () => hub.peer())
  const [reader, liar, staller, honest] = ports.map((signals) => new Sessions({ signals }))
  const content = new Content({ sessions: honest, locator: nobody, rooms: () => [] })
  const bytes = new Uint8Array(6 * 1024 * 1024)
  for (let at = 0; at < bytes.length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536))
  const root = await content.put(bytes)
  for (const its of [liar, staller]) {
    its.handle('have', (session, { id, cids: asked }) =>
      session.send({ has: { id, held: new Uint8Array(asked.length).fill(1) } }),
    )
  }
  liar.handle('want', (session, { id, cids: asked }) => {
    const wrong = new Uint8Array(262_144)
    void (async () => {
      for (let at = 0; at < asked.length; at++) {
        await session.bulk(BLOCKS).message(blockHead(id + at, wrong.length))
        await session.bulk(BLOCKS).write(wrong)
      }
    })().catch(() => undefined)
  })
  for (const port of ports.slice(1)) await reader.connect(port.member, 'test')
  const peers = new Map(ports.slice(1).map(({ peerId }) => [peerId, { peerId, connected: true }]))
  const mine = new Content({ sessions: reader, locator: nobody, rooms: () => [{ peers }] })
  const start = performance.now()
  const got = new Uint8Array(await (await mine.get(root)).arrayBuffer())
  const ms = Math.round(performance.now() - start)
  const right = got.length === bytes.length && got.every((byte, at) => byte === bytes[at])
  const fromHonest = mine.stats().peers[honest.peerId].received
  for (const its of [reader, liar, staller, honest]) its.stop()
  return { right, ms, fromHonest }
}

/** Two peers, one of which has 32 MiB that the other has not. */
async function pair(): Promise<{ root: string; content: Content; stop: (() => void)[] }> {
  const hub = new Hub()
  const [one, two] = [hub.peer(), hub.peer()]
  const [a, b] = [new Sessions({ signals: one }), new Sessions({ signals: two })]
  const theirs = new Content({ sessions: a, locator: nobody, rooms: () => [] })
  const bytes = new Uint8Array(32 * 1024 * 1024)
  for (let at = 0; at < bytes.length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536))
  const root = await theirs.put(bytes)
  await b.connect(one.member, 'test')
  const peers = new Map([[one.peerId, { peerId: one.peerId, connected: true }]])
  const content = new Content({ sessions: b, locator: nobody, rooms: () => [{ peers }] })
  return { root, content, stop: [() => a.stop(), () => b.stop()] }
}

const code = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'it came',
    (error: { code?: string }) => error.code ?? String(error),
  )

/** Whoever has it goes away in the middle: how the body ends. */
export async function gone(): Promise<string> {
  const { root, content, stop } = await pair()
  const reader = (await content.get(root)).body!.getReader()
  await reader.read()
  stop[0]()
  const end = await code(
    (async () => {
      while (!(await reader.read()).done);
    })(),
  )
  stop[1]()
  return end
}

/** The caller aborts before, and in the middle of the body. */
export async function aborted(): Promise<string[]> {
  const { root, content, stop } = await pair()
  const before = await code(content.get(root, { signal: AbortSignal.abort() }))
  const abort = new AbortController()
  const response = await content.get(root, { signal: abort.signal, onProgress: () => abort.abort() })
  const during = await code(response.blob())
  for (const each of stop) each()
  return [before, during]
}
