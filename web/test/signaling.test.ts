import assert from 'node:assert/strict'
import test, { afterEach } from 'node:test'
import { loadSuite, random } from '../src/crypto/suite.js'
import { LocalPeer } from '../src/local-peer.js'
import type { Member } from '../src/ports.js'
import { Ordering } from '../src/signaling/ordering.js'
import { sealEnvelope } from '../src/signaling/sealing.js'
import { utf8 } from '../src/wire/bytes.js'
import { FakeMesh, type FakeNode } from './support/fake-mesh.js'
import { TestPeer } from './support/peer.js'
import { until } from './support/until.js'

const started: TestPeer[] = []
afterEach(() => {
  for (const each of started.splice(0)) each.stop()
})

/** Two peers in a room, attached to these nodes. */
async function pair(
  hosts: string[],
): Promise<{ mesh: FakeMesh; a: TestPeer; b: TestPeer; toB: Member; toA: Member }> {
  const mesh = new FakeMesh()
  for (const host of hosts) await mesh.add(host)
  const peers: TestPeer[] = []
  for (let index = 0; index < 2; index++) {
    const nodes = mesh.nodes.map(({ address }) => address)
    const peer = await TestPeer.start(mesh.network, nodes, mesh.webSocket())
    peers.push(peer)
    await until(() => peer.attachments.list().length === Math.min(2, hosts.length), 'attachments')
    await peer.join('room')
  }
  started.push(...peers)
  const [a, b] = peers
  await until(() => a.rooms.members('room').has(b.peerId), 'a to see b')
  await until(() => b.rooms.members('room').has(a.peerId), 'b to see a')
  const member = (of: TestPeer, other: TestPeer): Member =>
    of.rooms.members('room').get(other.peerId)!
  return { mesh, a, b, toB: member(a, b), toA: member(b, a) }
}

const nodeOf = (mesh: FakeMesh, peerId: string): FakeNode =>
  mesh.nodes.find((node) => node.peerId === peerId)!

test('an envelope arrives once, and its sender knows', async () => {
  const { a, b, toB, mesh } = await pair(['x', 'y'])
  const session = random(16)
  await a.signals.send(toB, session, { offer: 'sdp' })
  assert.equal(b.envelopes.length, 1)
  const [{ from, kind, seq }] = b.envelopes
  assert.deepEqual([from.peerId, kind, seq], [a.peerId, { offer: 'sdp' }, 1])
  assert.equal(mesh.delivered, 2, 'the envelope and its ack')
})

test('what leaves in an order arrives in it', async () => {
  const { a, b, toB } = await pair(['x'])
  const session = random(16)
  const kinds = Array.from({ length: 20 }, (_, index) => ({ renegotiate: String(index) }))
  await Promise.all(kinds.map((kind) => a.signals.send(toB, session, kind)))
  assert.deepEqual(
    b.envelopes.map(({ kind }) => kind),
    kinds,
  )
})

test('a node that drops envelopes is gone around, and replaced', async () => {
  const { mesh, a, b, toB } = await pair(['x', 'y', 'z'])
  const shared = a.attachments.list().find(({ node }) => toB.via.includes(node))!
  nodeOf(mesh, shared.node).drops = a.peerId
  for (const text of ['one', 'two']) {
    await a.signals.send(toB, random(16), { message: utf8(text) })
  }
  assert.equal(b.envelopes.length, 2)
  await until(
    () => !a.attachments.list().some(({ node }) => node === shared.node),
    'the node to be replaced',
  )
  const began = performance.now()
  await a.signals.send(toB, random(16), { message: utf8('three') })
  assert.ok(performance.now() - began < 600, 'at the first attempt again')
})

test('where both attachments bring it, it counts once and is acknowledged each time', async () => {
  const { mesh, a, b, toB } = await pair(['x', 'y'])
  // The acks get lost at first, so that the sender repeats itself.
  const deliver = mesh.deliver.bind(mesh)
  let lost = 0
  mesh.deliver = (to, message) => to === a.peerId && lost++ < 2 ? true : deliver(to, message)
  await a.signals.send(toB, random(16), { offer: 'sdp' })
  assert.ok(lost > 2)
  assert.equal(b.envelopes.length, 1)
})

test('unreachable at once where every node says so, and after 3 s where they are silent', async () => {
  const { mesh, a, b, toB } = await pair(['x', 'y'])
  b.stop()
  let began = performance.now()
  await assert.rejects(a.signals.send(toB, random(16), { offer: 'sdp' }), {
    code: 'unreachable',
    message: /not-attached/,
  })
  assert.ok(performance.now() - began < 600)
  for (const node of mesh.nodes) node.drops = true
  began = performance.now()
  await assert.rejects(a.signals.send(toB, random(16), { offer: 'sdp' }), { code: 'unreachable' })
  const took = performance.now() - began
  assert.ok(took > 2_900 && took < 3_500, `${took} ms`)
})

test('an envelope to an old key is answered by the new one, and sealed again', async () => {
  const { a, b, toB } = await pair(['x', 'y'])
  const old = await (await loadSuite()).agreementKey()
  // What a remembers of an earlier start of b, and presence hasn't corrected yet.
  const stale = { ...toB, key: old.publicKey, seq: toB.seq - 1 }
  const { members } = a.rooms
  a.rooms.members = () => new Map()
  await a.signals.send(stale, random(16), { offer: 'sdp' })
  a.rooms.members = members
  assert.deepEqual(b.envelopes.map(({ kind }) => kind), [{ offer: 'sdp' }])
})

test('a stranger is heard by the record in its offer, and answered', async () => {
  const { mesh, a, b, toB } = await pair(['x', 'y'])
  b.rooms.members = () => new Map()
  const session = random(16)
  await a.signals.send(toB, session, { offer: 'sdp' })
  assert.equal(b.envelopes[0].from.peerId, a.peerId)
  await b.signals.send(b.envelopes[0].from, session, { answer: 'sdp' })
  assert.deepEqual(a.envelopes[0].kind, { answer: 'sdp' })
  assert.equal(mesh.delivered, 4)
})

test('a provider that was located answers, and is heard', async () => {
  const { a, b, toB } = await pair(['x', 'y'])
  const session = random(16)
  await a.signals.send({ ...toB, room: '/cid/x' }, session, { offer: 'sdp' })
  const { from } = b.envelopes[0]
  assert.equal(from.room, '/cid/x')
  await b.signals.send(from, session, { answer: 'sdp' })
  assert.deepEqual(a.envelopes.map(({ kind }) => kind), [{ answer: 'sdp' }])
})

test('a session that began in one room goes on in another', async () => {
  const { a, b, toB } = await pair(['x', 'y'])
  const session = random(16)
  await a.signals.send({ ...toB, room: '/cid/x' }, session, { offer: 'sdp' })
  await a.signals.send(toB, session, { candidates: [] })
  await a.signals.send({ ...toB, room: '/cid/y' }, session, { renegotiate: 'sdp' })
  assert.equal(b.envelopes.length, 3)
})

test('replayed, altered, misdirected and foreign envelopes are dropped', async () => {
  const { mesh, a, b, toB } = await pair(['x'])
  const suite = await loadSuite()
  const liar = await LocalPeer.start('test', suite, await suite.signingKey())
  const contents = { v: 1 as const, session: random(16), seq: 1, kind: { message: utf8('hi') } }
  const deliver = (room: string, envelope: Uint8Array): boolean =>
    mesh.deliver(b.peerId, { carry: { to: b.peerId, room, via: [], parcel: { envelope } } })
  const now = Date.now()
  const good = await sealEnvelope(a.self, toB, contents, now)
  const altered = good.bytes.slice()
  altered[altered.length - 1] ^= 1
  deliver('room', altered)
  deliver('elsewhere', (await sealEnvelope(a.self, toB, contents, now)).bytes)
  deliver('room', (await sealEnvelope(a.self, { ...toB, peerId: a.peerId }, contents, now)).bytes)
  deliver('room', (await sealEnvelope(a.self, toB, contents, now - 151_000)).bytes)
  deliver('room', (await sealEnvelope(a.self, toB, contents, now + 121_000)).bytes)
  deliver('room', (await sealEnvelope(liar, toB, contents, now)).bytes)
  deliver('room', good.bytes)
  deliver('room', good.bytes)
  const last = { ...contents, kind: { message: utf8('last') } }
  deliver('room', (await sealEnvelope(a.self, toB, last, now)).bytes)
  await until(() => b.envelopes.some(({ kind }) => 'message' in kind && kind.message.length === 4), 'the last')
  assert.deepEqual(
    b.envelopes.map(({ kind }) => kind),
    [{ message: utf8('hi') }, { message: utf8('last') }],
  )
})

test('what waits for its ack is told when this peer stops', async () => {
  const { mesh, a, toB } = await pair(['x'])
  mesh.nodes[0].drops = true
  const sending = a.signals.send(toB, random(16), { offer: 'sdp' })
  const rejected = assert.rejects(sending, { code: 'closed' })
  await until(() => mesh.nodes[0].received('carry').length, 'it to leave')
  a.stop()
  await rejected
})

test('the order is kept, for a while', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const delivered: number[] = []
  const ordering = new Ordering<{ seq: number }>(({ seq }) => delivered.push(seq))
  const push = (...seqs: number[]): void => {
    for (const seq of seqs) ordering.push({ seq })
  }
  push(3, 2)
  assert.deepEqual(delivered, [])
  push(1)
  assert.deepEqual(delivered, [1, 2, 3])
  push(5, 7)
  t.mock.timers.tick(400)
  assert.deepEqual(delivered, [1, 2, 3, 5])
  t.mock.timers.tick(400)
  assert.deepEqual(delivered, [1, 2, 3, 5, 7])
  push(4, 8)
  assert.deepEqual(delivered, [1, 2, 3, 5, 7, 4, 8])
})
