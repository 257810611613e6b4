/** Sessions over real peer connections, several peers in one page. */
import { Sessions } from '../../src/session/sessions.js'
import { Hub } from './hub.js'

const connected = (sessions: Sessions, peerId: string): Promise<void> =>
  new Promise((resolve) => {
    if (sessions.get(peerId)) resolve()
    else sessions.on('connect', (session) => session.peerId === peerId && resolve())
  })

/** Milliseconds from wanting a session to its open channel, one after the other. */
export async function introductions(count: number): Promise<{ ms: number[]; envelopes: Record<string, number> }> {
  const hub = new Hub()
  const ms: number[] = []
  for (let i = 0; i < count; i++) {
    const [one, two] = [hub.peer(), hub.peer()]
    const [a, b] = [new Sessions({ signals: one }), new Sessions({ signals: two })]
    const start = performance.now()
    a.hold(two.member, 'test', true)
    b.hold(one.member, 'test')
    await Promise.all([connected(a, two.peerId), connected(b, one.peerId)])
    ms.push(Math.round(performance.now() - start))
    a.stop()
    b.stop()
  }
  return { ms, envelopes: hub.counts }
}

/** `count` peers that all offer at once to all: every pair's session ids, from either side. */
export async function everybodyOffers(count: number): Promise<{ agree: boolean; pairs: number; connections: number }> {
  const hub = new Hub()
  hub.delay = () => Math.random() * 40
  let connections = 0
  class Counted extends RTCPeerConnection {
    constructor(configuration?: RTCConfiguration) {
      super(configuration)
      connections++
    }
    override close(): void {
      if (this.signalingState !== 'closed') connections--
      super.close()
    }
  }
  const ports = Array.from({ length: count }, () => hub.peer())
  const all = ports.map((signals) => new Sessions({ signals, rtc: Counted }))
  all.forEach((sessions, me) => ports.forEach((port, at) => at !== me && sessions.hold(port.member, 'test', true)))
  await Promise.all(
    all.flatMap((sessions, me) => ports.filter((_, at) => at !== me).map((port) => connected(sessions, port.peerId))),
  )
  let pairs = 0
  let agree = true
  all.forEach((sessions, me) =>
    ports.forEach((port, at) => {
      if (at <= me) return
      pairs++
      agree &&= sessions.get(port.peerId)?.id === all[at].get(ports[me].peerId)?.id
    }),
  )
  const open = connections
  for (const sessions of all) sessions.stop()
  return { agree, pairs, connections: open }
}

/** One peer and `count` others that come and go, four at a time: the connections that it leaves open. */
export async function comings(count: number): Promise<{ made: number; left: number; ms: number }> {
  const hub = new Hub()
  const own = hub.peer()
  const open = new Set<RTCPeerConnection>()
  let made = 0
  class Counted extends RTCPeerConnection {
    constructor(configuration?: RTCConfiguration) {
      super(configuration)
      open.add(this)
      made++
    }
    override close(): void {
      open.delete(this)
      super.close()
    }
  }
  const sessions = new Sessions({ signals: own, rtc: Counted })
  const gone = (peerId: string): Promise<void> =>
    new Promise((resolve) => {
      for (const name of ['disconnect', 'fail'] as const) {
        const off = sessions.on(name, (event) => {
          if (('session' in event ? event.session.peerId : event.peerId) !== peerId) return
          off()
          resolve()
        })
      }
    })
  /** Each ends as one of these: we go, it goes, its page is closed, it was gone before it heard of us. */
  const endings: ((port: ReturnType<Hub['peer']>, other: Sessions) => void)[] = [
    ({ peerId }) => sessions.release(peerId, 'test'),
    (_, other) => other.stop(),
    ({ peerId }) => sessions.get(peerId)!.violated('test'),
  ]
  const introduce = async (at: number): Promise<void> => {
    const port = hub.peer()
    const other = new Sessions({ signals: port })
    const ended = gone(port.peerId)
    if (at % 4 === 3) hub.remove(port.peerId)
    sessions.hold(port.member, 'test', true)
    if (at % 4 < 3) {
      await connected(sessions, port.peerId)
      endings[at % 4](port, other)
    }
    await ended
    sessions.release(port.peerId, 'test')
    other.stop()
  }
  const start = performance.now()
  let next = 0
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      while (next < count) await introduce(next++)
    }),
  )
  const ms = performance.now() - start
  const closed = performance.now() + 5_000
  // A good-bye on the control channel is given a moment before its connection is closed.
  while (open.size && performance.now() < closed) await new Promise((resolve) => setTimeout(resolve, 20))
  const left = open.size
  sessions.stop()
  return { made, left, ms }
}

/** One side is stopped: how long until the other hears of it, and why. */
export async function stopped(): Promise<{ reason: string; ms: number }> {
  const hub = new Hub()
  const [one, two] = [hub.peer(), hub.peer()]
  const [a, b] = [new Sessions({ signals: one }), new Sessions({ signals: two })]
  a.hold(two.member, 'test', true)
  await Promise.all([connected(a, two.peerId), connected(b, one.peerId)])
  const start = performance.now()
  const reason = new Promise<string>((resolve) => b.on('disconnect', (event) => resolve(event.reason)))
  a.stop()
  const result = { reason: await reason, ms: Math.round(performance.now() - start) }
  b.stop()
  return result
}

/** One side restarts ICE, or both at once, `times` over: how often it happened, and what still works. */
export async function restarts(times: number, both: boolean): Promise<{ pongs: number; renegotiations: number; errors: string[] }> {
  const hub = new Hub()
  const [one, two] = [hub.peer(), hub.peer()]
  const connections: RTCPeerConnection[] = []
  class Kept extends RTCPeerConnection {
    constructor(configuration?: RTCConfiguration) {
      super(configuration)
      connections.push(this)
    }
  }
  const [a, b] = [one, two].map((signals) => new Sessions({ signals, rtc: Kept }))
  const errors: string[] = []
  for (const sessions of [a, b]) sessions.on('disconnect', ({ reason }) => errors.push(reason))
  const session = await a.connect(two.member, 'test')
  await connected(b, one.peerId)
  let renegotiations = 0
  let pongs = 0
  const settled = (pc: RTCPeerConnection): Promise<void> =>
    new Promise((resolve) => {
      const events = ['signalingstatechange', 'connectionstatechange', 'iceconnectionstatechange']
      let begun = false
      const look = (): void => {
        begun ||= pc.signalingState !== 'stable'
        if (!begun || pc.signalingState !== 'stable' || pc.connectionState !== 'connected') return
        for (const event of events) pc.removeEventListener(event, look)
        resolve()
      }
      for (const event of events) pc.addEventListener(event, look)
    })
  for (let i = 0; i < times; i++) {
    const before = connections[0].localDescription!.sdp
    const done = connections.map(settled)
    for (const pc of both ? connections : [connections[i % 2]]) pc.restartIce()
    await Promise.all(done)
    if (connections[0].localDescription!.sdp !== before) renegotiations++
    const heard = new Promise<void>((resolve) => b.handle('lack', () => resolve()))
    session.send({ lack: [] })
    await heard
    pongs++
  }
  for (const sessions of [a, b]) sessions.stop()
  return { pongs, renegotiations, errors: errors.filter((reason) => reason !== 'stopped') }
}
