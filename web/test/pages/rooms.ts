/** Rooms over real sessions, several peers in one page. */
import { Room, type RoomEvents, type RoomPeer } from '../../src/room/room.js'
import { Sessions } from '../../src/session/sessions.js'
import { Hub } from './hub.js'
import { World } from './presence.js'

interface Peer {
  peerId: string
  sessions: Sessions
  room: Room
}

const hub = new Hub()
const world = new World()
let names = 0

/** `count` peers in a room of their own, all connected to all. */
async function together(count: number, name = `room ${++names}`): Promise<Peer[]> {
  const peers = Array.from({ length: count }, () => {
    const signals = hub.peer(name)
    const sessions = new Sessions({ signals })
    const room = new Room({ name, presence: world.of(signals.member), sessions, self: signals.peerId })
    return { peerId: signals.peerId, sessions, room }
  })
  await Promise.all(peers.map(({ room }, at) => room.join({ at })))
  await Promise.all(peers.map(({ room }) => full(room, count - 1)))
  return peers
}

function full(room: Room, count: number): Promise<void> {
  const connected = (): number => [...room.peers.values()].filter((peer) => peer.connected).length
  return new Promise((resolve) => {
    const look = (): void => void (connected() === count && resolve())
    room.on('connect', look)
    look()
  })
}

const next = <Name extends keyof RoomEvents>(room: Room, name: Name): Promise<RoomEvents[Name]> =>
  new Promise((resolve) => {
    const off = room.on(name, (event) => {
      off()
      resolve(event)
    })
  })

const code = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'fine',
    (error: { code?: string }) => error.code ?? String(error),
  )

const stop = (peers: Peer[]): void => peers.forEach(({ sessions }) => sessions.stop())

/** Events of one peer while another comes, talks and goes. */
export async function story(): Promise<{ events: string[]; sizes: number[]; metadata: unknown }> {
  const name = `room ${++names}`
  const [one] = await together(1, name)
  const events: string[] = []
  for (const event of ['join', 'connect', 'disconnect', 'leave'] as const) {
    one.room.on(event, () => events.push(event))
  }
  const gone = next(one.room, 'leave')
  const came = next(one.room, 'connect')
  const signals = hub.peer(name)
  const sessions = new Sessions({ signals })
  const room = new Room({ name, presence: world.of(signals.member), sessions, self: signals.peerId })
  await room.join({ name: 'Ada' })
  const { metadata } = await came
  const sizes = [one.room.size, one.room.peers.size]
  await room.leave()
  await gone
  stop([one])
  sessions.stop()
  return { events, sizes, metadata }
}

/** In a large room a member may no longer be shown, and be connected. */
export async function faded(): Promise<{ events: string[]; heard: unknown }> {
  const name = `room ${++names}`
  const [one, other] = await together(2, name)
  const events: string[] = []
  for (const event of ['disconnect', 'leave'] as const) one.room.on(event, () => events.push(event))
  const member = world.members(name).get(other.peerId)!
  world.tell(name, other.peerId, { type: 'leave', member, faded: true })
  events.push(...[...one.room.peers.values()].map(({ connected }) => `connected ${connected}`))
  const message = next(one.room, 'message')
  await other.room.send('text', 'still here')
  const heard = (await message).body
  const gone = next(one.room, 'leave')
  other.sessions.stop()
  await gone
  stop([one])
  return { events, heard }
}

/** Everything that can be sent, as it arrives at two others. */
export async function messages(): Promise<{ small: unknown[]; blob: unknown; large: unknown; to: string[] }> {
  const peers = await together(3)
  const [one, two, three] = peers
  const small: unknown[] = []
  const bodies = [{ text: 'Grüezi', list: [1, 2.5, null] }, 'text', 0, undefined, new Uint8Array([1, 2, 3])]
  const arrived = new Promise<void>((resolve) => {
    two.room.on('message', ({ type, body, peer }) => {
      if (peer.peerId !== one.peerId || type !== 'small') return
      small.push(body instanceof Uint8Array ? `bytes ${body}` : body)
      if (small.length === bodies.length) resolve()
    })
  })
  await Promise.all(bodies.map((body) => one.room.send('small', body)))
  await arrived

  const [blobAtTwo, blobAtThree] = [next(two.room, 'message'), next(three.room, 'message')]
  await one.room.send('blob', new Blob(['hello'], { type: 'text/plain' }))
  const received = (await blobAtTwo).body as Blob
  await blobAtThree
  const blob = { text: await received.text(), type: received.type }

  const bytes = new Uint8Array(5 * 1024 * 1024 + 3)
  for (let at = 0; at < bytes.length; at++) bytes[at] = at * 7
  const atTwo = next(two.room, 'message')
  await one.room.send('large', bytes, { to: two.peerId })
  const large = (await atTwo).body as Uint8Array
  const same = large.length === bytes.length && large.every((byte, at) => byte === bytes[at])

  const to: string[] = []
  three.room.on('message', ({ type }) => to.push(type))
  await one.room.send('for two', null, { to: [two.peerId] })
  const last = next(three.room, 'message')
  await one.room.send('for all')
  await last
  stop(peers)
  return { small, blob, large: same, to }
}

export async function requests(): Promise<Record<string, unknown>> {
  const peers = await together(2)
  const [one, two] = peers
  const to = two.peerId
  two.room.respond('double', (body) => (body as number) * 2)
  two.room.respond('fail', () => {
    throw new Error('not today')
  })
  two.room.respond('sleep', () => new Promise(() => undefined))
  two.room.respond('leave', () => void two.room.leave())
  two.room.respond('large', (body) => body)
  const large = new Uint8Array(100_000).fill(7)
  const result = {
    double: await one.room.request('double', 21, { to }),
    large: ((await one.room.request('large', large, { to })) as Uint8Array).length,
    fail: await code(one.room.request('fail', null, { to })),
    nobody: await code(one.room.request('what', null, { to })),
    sleep: await code(one.room.request('sleep', null, { to, timeout: 200 })),
    stranger: await code(one.room.request('double', 1, { to: '12D3KooWNobody' })),
    tooLarge: await code(one.room.send('large', new Blob([new Uint8Array(64 * 1024 * 1024 + 1)]))),
    notJson: await code(one.room.send('what', () => 1)),
    noType: await code(one.room.send('', 1)),
    left: await code(one.room.request('leave', null, { to, timeout: 5000 })),
  }
  await one.room.leave()
  const closed = await code(one.room.send('late'))
  stop(peers)
  return { ...result, closed }
}

/** Two rooms, one session; it ends with the second room. */
export async function shared(): Promise<{ sessions: number; afterOne: boolean; afterTwo: boolean; heard: string[] }> {
  const peers = await together(2)
  const [one, two] = peers
  const rooms = await Promise.all(
    peers.map(async ({ peerId, sessions }) => {
      const room = new Room({ name: 'another', presence: world.of(hub.members.get(peerId)!), sessions, self: peerId })
      await room.join()
      return room
    }),
  )
  await Promise.all(rooms.map((room) => full(room, 1)))
  const sessions = [...one.sessions.open()].length
  const heard: string[] = []
  two.room.on('message', ({ type }) => heard.push(`first: ${type}`))
  const last = new Promise<void>((resolve) => {
    rooms[1].on('message', ({ type }) => {
      heard.push(`second: ${type}`)
      if (type === 'end') resolve()
    })
  })
  await one.room.leave()
  await two.room.leave()
  const afterOne = one.sessions.get(two.peerId) !== undefined
  await rooms[0].send('end')
  await last
  const ended = new Promise<void>((resolve) => two.sessions.on('disconnect', () => resolve()))
  await rooms[0].leave()
  await ended
  const afterTwo = one.sessions.get(two.peerId) !== undefined
  stop(peers)
  return { sessions, afterOne, afterTwo, heard }
}

/** Somebody with a session who isn't a member is not heard. */
export async function outsider(): Promise<string[]> {
  const [one] = await together(1)
  const signals = hub.peer('elsewhere')
  const sessions = new Sessions({ signals })
  const session = await sessions.connect(hub.members.get(one.peerId)!, 'test')
  const heard: string[] = []
  one.room.on('message', ({ type }) => heard.push(type))
  const say = (type: string): void => {
    session.send({ say: { room: one.room.name, type, format: 'json', size: 4, body: new TextEncoder().encode('null') } })
  }
  say('from outside')
  const insider = await (async () => {
    const port = hub.peer(one.room.name)
    const its = new Sessions({ signals: port })
    const room = new Room({ name: one.room.name, presence: world.of(port.member), sessions: its, self: port.peerId })
    await room.join()
    await full(room, 1)
    const last = next(one.room, 'message')
    await room.send('from inside')
    await last
    return its
  })()
  for (const its of [sessions, insider, one.sessions]) its.stop()
  return heard
}

/** `count` peers join one room at once: milliseconds until all are connected to all. */
export async function mesh(count: number): Promise<number> {
  const start = performance.now()
  const peers = await together(count)
  const ms = Math.round(performance.now() - start)
  stop(peers)
  return ms
}

export type { RoomPeer }
