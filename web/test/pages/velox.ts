/** The whole client against real nodes: several peers in one page. */
import { Velox, type Room } from '../../src/index.js'

const full = (room: Room, count: number): Promise<void> =>
  new Promise((resolve) => {
    const look = (): void => {
      if ([...room.peers.values()].filter(({ connected }) => connected).length === count) resolve()
    }
    room.on('connect', look)
    look()
  })

export interface Story {
  /** Milliseconds from join to all sessions open. */
  met: number
  heard: unknown[]
  /** Bytes of a file that a room mate had. */
  fromMate: number
  reply: unknown
  gone: string
}

/** Peers at different nodes meet in a room, talk, and get files from each other. */
export async function story(network: string, bases: string[]): Promise<Story> {
  const peers = await Promise.all(bases.map((base) => Velox.start({ network, nodes: [base] })))
  const start = performance.now()
  const rooms = await Promise.all(peers.map((peer, at) => peer.join('lobby', { metadata: { at } })))
  await Promise.all(rooms.map((room) => full(room, bases.length - 1)))
  const met = performance.now() - start

  const heard: unknown[] = []
  const arrived = rooms.slice(1).map(
    (room) => new Promise<void>((resolve) => room.on('message', ({ body }) => (heard.push(body), resolve()))),
  )
  await rooms[0].send('greeting', { hello: 'all' })
  await Promise.all(arrived)
  rooms[1].respond('sum', (body) => (body as number[]).reduce((a, b) => a + b))
  const reply = await rooms[0].request('sum', [1, 2, 3], { to: peers[1].peerId })

  const cid = await peers[0].put(new Blob([new Uint8Array(3_000_000).fill(1)]))
  const fromMate = (await (await peers[1].get(cid)).arrayBuffer()).byteLength

  const left = new Promise<string>((resolve) => rooms[0].on('leave', ({ peerId }) => resolve(peerId)))
  await peers[1].stop()
  const gone = (await left) === peers[1].peerId ? 'the one that stopped' : 'another'
  await Promise.all(peers.map((peer) => peer.stop()))
  return { met, heard, fromMate, reply, gone }
}

/** A peer in no room gets a file from one at another node: its size, or why it didn't come. */
export async function located(network: string, bases: string[]): Promise<number | string> {
  const [one, two] = await Promise.all(bases.slice(0, 2).map((base) => Velox.start({ network, nodes: [base] })))
  const cid = await one.put(new Blob([new Uint8Array(3_000_000).fill(2)]))
  try {
    return (await (await two.get(cid)).arrayBuffer()).byteLength
  } catch (error) {
    return String(error)
  } finally {
    await Promise.all([one.stop(), two.stop()])
  }
}
