import assert from 'node:assert/strict'
import test, { afterEach } from 'node:test'
import { AddressBook } from '../src/attach/address-book.js'
import { parseMultiaddr, type Address } from '../src/attach/address.js'
import { Attachments } from '../src/attach/attachments.js'
import { rank } from '../src/attach/ranking.js'
import type { PeerConnectionConstructor } from '../src/attach/webrtc-direct/connection.js'
import { loadSuite } from '../src/crypto/suite.js'
import { LocalPeer } from '../src/local-peer.js'
import type { FromNode } from '../src/wire/attach.js'
import { FakeMesh, type FakeNode } from './support/fake-mesh.js'
import { until } from './support/until.js'

const started: Attachments[] = []
afterEach(() => {
  for (const each of started.splice(0)) each.stop()
})

async function attachments(
  mesh: FakeMesh,
  nodes: Pick<FakeNode, 'address'>[],
  token?: string,
  peerConnection?: PeerConnectionConstructor,
): Promise<Attachments> {
  const suite = await loadSuite()
  const self = await LocalPeer.start(mesh.network, suite, await suite.signingKey())
  const made = new Attachments(self, {
    nodes: nodes.map(({ address }) => address),
    agent: 'test',
    token,
    webSocket: mesh.webSocket(),
    peerConnection,
  })
  started.push(made)
  void made.start()
  return made
}

const mesh = async (...hosts: string[]): Promise<FakeMesh> => {
  const made = new FakeMesh()
  for (const host of hosts) await made.add(host)
  return made
}

const nodesOf = (made: Attachments): string[] => made.list().map(({ node }) => node)

test('keeps two attachments, to two nodes', async () => {
  const three = await mesh('a', 'b', 'c')
  const made = await attachments(three, three.nodes)
  await made.first(5_000)
  await until(() => made.list().length === 2, 'two attachments')
  assert.equal(new Set(nodesOf(made)).size, 2)
  await until(
    () => three.nodes.reduce((sum, node) => sum + node.attached.size, 0) === 2,
    'a third one to be let go of',
  )
})

test('several addresses of one node make one attachment', async () => {
  const one = await mesh('a')
  const [node] = one.nodes
  const alias = { ...node, address: `/dns/a/tcp/81/ws` } as FakeNode
  const made = await attachments(one, [node, alias, { address: '/dns/a/tcp/82/ws' }])
  await made.first(5_000)
  await until(() => one.dials.length >= 2, 'the other addresses to be tried')
  await new Promise(setImmediate)
  assert.equal(made.list().length, 1)
  await until(() => node.attached.size === 1, 'one attachment at the node')
})

test('finds the second node in the welcome of the first', async () => {
  const two = await mesh('a', 'b')
  two.advertised = [two.nodes[1]]
  const made = await attachments(two, [two.nodes[0]])
  await until(() => made.list().length === 2, 'two attachments')
})

test('believes no node record of another network, nor a forged one', async () => {
  const own = await mesh('a', 'forged', 'honest')
  const [a, forger, honest] = own.nodes
  const foreign = await new FakeMesh('other').add('foreign')
  forger.record = async () => {
    const record = await a.record()
    record[record.length - 1] ^= 1
    return record
  }
  own.advertised = [foreign, forger, honest]
  const made = await attachments(own, [a])
  await until(() => made.list().length === 2, 'an attachment to the honest one')
  assert.deepEqual(own.dials, ['a', 'honest'])
})

test('refuses a node whose PeerId is not the one in the address', async () => {
  const two = await mesh('a', 'b')
  const [a, b] = two.nodes
  const made = await attachments(two, [
    { address: `/dns/a/tcp/80/ws/p2p/${b.peerId}` },
  ])
  await assert.rejects(made.first(5_000), (error: Error) => {
    assert.match(error.message, new RegExp(`belongs to node ${a.peerId}, not ${b.peerId}`))
    return true
  })
})

test('when a node dies the other attachment stays, and a new one is made', async () => {
  const three = await mesh('a', 'b', 'c')
  const made = await attachments(three, three.nodes)
  await until(() => made.list().length === 2, 'two attachments')
  const states: string[] = []
  made.onState((state) => states.push(state))
  const [first, second] = nodesOf(made)
  three.nodes.find(({ peerId }) => peerId === first)!.die()
  await until(() => made.list().length === 2 && !nodesOf(made).includes(first), 'a replacement')
  assert.ok(nodesOf(made).includes(second))
  assert.deepEqual(states, [])
})

test('goes away when told to: another first, then good-bye', async () => {
  const three = await mesh('a', 'b', 'c')
  const made = await attachments(three, three.nodes)
  await until(() => made.list().length === 2, 'two attachments')
  const leaving = three.nodes.find(({ peerId }) => peerId === nodesOf(made)[0])!
  let least = 2
  made.onChange(() => (least = Math.min(least, made.list().length)))
  const [attached] = leaving.attached
  attached.send({ 'go-away': { reason: 'maintenance', nodes: [] } })
  await until(() => made.list().length === 2 && !nodesOf(made).includes(leaving.peerId), 'a move')
  assert.equal(least, 2)
  await until(() => attached.received.some((message) => 'bye' in message), 'good-bye')
})

test('with every node gone it is detached, and attached again when one is back', async () => {
  const two = await mesh('a', 'b')
  const made = await attachments(two, two.nodes)
  await until(() => made.list().length === 2, 'two attachments')
  for (const node of two.nodes) node.die()
  await until(() => made.state === 'detached', 'detached')
  two.nodes[1].reachable = true
  await until(() => made.state === 'attached', 'attached again', 15_000)
})

test('says what was tried where no node is reachable', async () => {
  const two = await mesh('a', 'b')
  for (const node of two.nodes) node.reachable = false
  const made = await attachments(two, two.nodes)
  await assert.rejects(made.first(500), (error: Error & { code: string }) => {
    assert.equal(error.code, 'unreachable')
    assert.match(error.message, /ws:\/\/a\/velox\/attach: no connection/)
    assert.match(error.message, /ws:\/\/b\/velox\/attach: /)
    return true
  })
})

test('is denied at once where every node refuses', async () => {
  const two = await mesh('a', 'b')
  for (const node of two.nodes) node.refusal = 'denied'
  const made = await attachments(two, two.nodes)
  await assert.rejects(made.first(5_000), { code: 'denied', message: /not you/ })
})

test('answers a ping from its message handler', async () => {
  const one = await mesh('a')
  const made = await attachments(one, one.nodes)
  await made.first(5_000)
  const [attached] = one.nodes[0].attached
  attached.send({ ping: { n: 7 } })
  await until(() => attached.received.some((m) => 'pong' in m && m.pong.n === 7), 'a pong')
})

test("takes the median of the nodes' clocks", async () => {
  const two = await mesh('a', 'b')
  two.nodes[0].skew = 60_000
  two.nodes[1].skew = 20_000
  const made = await attachments(two, two.nodes)
  await until(() => made.list().length === 2, 'two attachments')
  assert.ok(Math.abs(made.now() - Date.now() - 40_000) < 1_000)
})

test('dials at most four unproven addresses a minute, and what has worked at any time', () => {
  const book = new AddressBook()
  const address = (host: string): Address => parseMultiaddr(`/dns/${host}/tcp/80/ws`)!
  for (let index = 0; index < 10; index++) book.add(address(`unknown-${index}`), 'network')
  book.add(address('remembered'), 'memory', true)
  const dial = (now: number): string | undefined => {
    const entry = book.next(new Set(), undefined, now)
    if (entry) book.failed(entry, new Error('unreachable'), now)
    return entry?.address.host
  }
  const dialed = (now: number): string[] =>
    Array.from({ length: 8 }, () => dial(now)).filter((host) => host !== undefined)
  const first = dialed(0)
  assert.equal(first.length, 5)
  assert.ok(first.includes('remembered'))
  assert.deepEqual(dialed(50_000), ['remembered'])
  assert.equal(dialed(60_001).length, 5)
})

test('counts a node once for both of its carriers, and not at all once it is reached', () => {
  const id = '12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5'
  const book = new AddressBook()
  const add = (text: string, node: string): void => book.add({ ...parseMultiaddr(text)!, node }, 'network')
  for (let index = 0; index < 10; index++) {
    add(`/ip4/20.0.0.${index}/tcp/80/ws`, `${id}${index}`)
    add(`/ip4/20.0.0.${index}/udp/4601/webrtc-direct/certhash/uEi${'A'.repeat(44)}`, `${id}${index}`)
  }
  const dial = (): boolean => {
    const entry = book.next(new Set(), undefined, 0)
    if (!entry) return false
    const other = book.beside(entry, 0)!
    assert.equal(other.node, entry.node)
    assert.notEqual(other.address.kind, entry.address.kind)
    for (const one of [entry, other]) book.failed(one, new Error('unreachable'), 0)
    return true
  }
  const reached = book.next(new Set(), undefined, 0)!
  book.succeeded(reached, reached.node!)
  book.avoid(reached.node!, 60_000, 0)
  assert.deepEqual([dial(), dial(), dial(), dial(), dial()], [true, true, true, true, false])
})

test('dials again after a wait that doubles, up to ten seconds', () => {
  const book = new AddressBook()
  book.add(parseMultiaddr('/dns/a/tcp/80/ws')!, 'nodes')
  const [entry] = book.entries()
  const waits = Array.from({ length: 8 }, () => {
    book.failed(entry, new Error('unreachable'), 0)
    return entry.notBefore
  })
  for (const [index, wait] of waits.entries()) {
    const expected = Math.min(10_000, 500 * 2 ** index)
    assert.ok(wait >= expected * 0.75 && wait <= expected * 1.25, `${wait} for ${expected}`)
  }
})

test('a much nearer node becomes the primary, a little nearer one does not', () => {
  const [near, middle, far] = [{ rtt: 10 }, { rtt: 12 }, { rtt: 50 }]
  assert.deepEqual(rank(rank([], far), middle), [middle, far])
  assert.deepEqual(rank([middle], near), [middle, near])
})

test('reads the multiaddrs that it has a carrier for', () => {
  const id = '12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5'
  const url = (multiaddr: string): string | undefined => {
    const address = parseMultiaddr(multiaddr)
    return address?.kind === 'websocket' ? address.url : undefined
  }
  assert.equal(url('/ip4/1.2.3.4/tcp/80/ws'), 'ws://1.2.3.4/velox/attach')
  assert.equal(url('/ip6/::1/tcp/8080/ws'), 'ws://[::1]:8080/velox/attach')
  assert.equal(url('/dns4/example.org/tcp/443/wss'), 'wss://example.org/velox/attach')
  assert.equal(url('/dns/example.org/tcp/444/tls/ws'), 'wss://example.org:444/velox/attach')
  assert.equal(parseMultiaddr(`/dns/a/tcp/1/ws/p2p/${id}`)?.node, id)
  assert.equal(parseMultiaddr(`/dns/a/tcp/1/ws/p2p/${id}`)?.text, '/dns/a/tcp/1/ws')
  for (const bad of [
    '/ip4/1.2.3.4/tcp/80',
    '/ip4/1.2.3.4/udp/80/quic-v1',
    '/dns/a/tcp/1/ws/p2p/nobody',
    '/dns/a b/tcp/1/ws',
    '/dns/a/tcp/99999/ws',
    'http://a',
  ]) {
    assert.equal(parseMultiaddr(bad), undefined, bad)
  }
})

test('a node that speaks nonsense is left', async () => {
  const two = await mesh('a', 'b')
  const made = await attachments(two, two.nodes)
  await until(() => made.list().length === 2, 'two attachments')
  const bad = made.list()[0].node
  const [attached] = two.nodes.find(({ peerId }) => peerId === bad)!.attached
  attached.send({ fragment: { id: 1, last: true, data: new Uint8Array(10) } })
  await until(() => !nodesOf(made).includes(bad), 'it to be left')
})

test('paused it lets go of every node; resumed it is back', async () => {
  const two = await mesh('a', 'b')
  const made = await attachments(two, two.nodes)
  await until(() => made.list().length === 2, 'two attachments')
  const states: string[] = []
  made.onState((state) => states.push(state))
  made.pause()
  assert.equal(made.state, 'paused')
  await until(() => two.nodes.every(({ attached }) => !attached.size), 'the nodes to be left')
  made.resume()
  await until(() => made.list().length === 2, 'two attachments again')
  assert.deepEqual(states, ['paused', 'connecting', 'attached'])
})

test('messages of nodes reach their listeners with the link they came by', async () => {
  const one = await mesh('a')
  const made = await attachments(one, one.nodes)
  await made.first(5_000)
  const heard: [FromNode, string][] = []
  made.onMessage((message, link) => heard.push([message, link.node]))
  const [attached] = one.nodes[0].attached
  attached.send({ done: { id: 3 } })
  await until(() => heard.length, 'the message')
  assert.deepEqual(heard, [[{ done: { id: 3 } }, one.nodes[0].peerId]])
})

/** RTCPeerConnections that get no answer, counted. */
function unanswered(): { constructor: PeerConnectionConstructor; made: { closed: boolean }[] } {
  const made: { closed: boolean }[] = []
  class Unanswered extends EventTarget {
    closed = false
    connectionState = 'connecting'
    localDescription = { sdp: 'a=ice-pwd:secret\r\na=fingerprint:sha-256 00\r\n' }
    constructor() {
      super()
      made.push(this)
    }
    createDataChannel = (): object => ({})
    createOffer = async (): Promise<object> => ({ sdp: '' })
    setLocalDescription = async (): Promise<void> => {}
    setRemoteDescription = async (): Promise<void> => {}
    close = (): void => {
      this.closed = true
    }
  }
  return { constructor: Unanswered as unknown as PeerConnectionConstructor, made }
}

const CERTHASH = 'uEiAw_J9GnCB0Gd_dCqtfJ6hslzyU5AVI25N1zKLpFZc7mQ'
const directAddress = (peerId: string): { address: string } => ({
  address: `/ip4/127.0.0.1/udp/9/webrtc-direct/certhash/${CERTHASH}/p2p/${peerId}`,
})

test("both of a node's carriers are dialed at once; the one that lost is closed", async () => {
  const one = await mesh('a')
  const [node] = one.nodes
  const { constructor, made } = unanswered()
  const direct = directAddress(node.peerId)
  const attached = await attachments(one, [direct, node], undefined, constructor)
  await attached.first(5_000)
  assert.equal(attached.list()[0].carrier.kind, 'websocket')
  // Not after a timeout: a first attachment takes less than any stagger or head start.
  assert.equal(made.length, 1)
  await until(() => made[0].closed, 'it to be closed')
  assert.equal(node.attached.size, 1)
})

test('who is unreachable by either carrier leaves no connection open, and says so for both', async () => {
  const one = await mesh('a')
  const [node] = one.nodes
  node.reachable = false
  const { constructor, made } = unanswered()
  const tried = await attachments(one, [directAddress(node.peerId), node], undefined, constructor)
  await assert.rejects(tried.first(1_000), (error: Error) => {
    assert.match(error.message, /webrtc-direct/)
    assert.match(error.message, /ws:/)
    return true
  })
  tried.stop()
  // Both handshakes were tried.
  assert.ok(made.length >= 2)
  await until(() => made.every(({ closed }) => closed), 'all to be closed')
})

test('without WebRTC a WebSocket does', async () => {
  const one = await mesh('a')
  const [node] = one.nodes
  const attached = await attachments(one, [directAddress(node.peerId), node])
  await attached.first(5_000)
  assert.equal(attached.list()[0].carrier.kind, 'websocket')
})
