/** The client against real nodes. Skipped where the Rust side isn't built. */
import assert from 'node:assert/strict'
import test, { after, before, describe } from 'node:test'
import { random } from '../src/crypto/suite.js'
import { utf8 } from '../src/wire/bytes.js'
import { TestPeer } from './support/peer.js'
import { program, RealNetwork } from './support/real-nodes.js'
import { until } from './support/until.js'

describe('against real nodes', { skip: !program && 'no velox program is built', timeout: 90_000 }, () => {
  const network = new RealNetwork(`web-${process.pid}`)
  const peers: TestPeer[] = []
  const peer = async (...nodes: number[]): Promise<TestPeer> => {
    const bases = nodes.map((index) => network.nodes[index].http)
    const started = await TestPeer.start(network.name, bases)
    peers.push(started)
    return started
  }

  before(async () => {
    for (let count = 0; count < 3; count++) await network.start()
  })
  after(() => {
    for (const each of peers) each.stop()
    network.close()
  })

  test('a peer attaches to two nodes', async () => {
    const a = await peer(0, 1)
    await until(() => a.attachments.list().length === 2, 'a second attachment')
    const nodes = new Set(a.attachments.list().map(({ node }) => node))
    assert.equal(nodes.size, 2)
    for (const node of nodes) assert.ok(network.nodes.some(({ peerId }) => peerId === node))
    assert.equal(a.attachments.state, 'attached')
    assert.ok(Math.abs(a.attachments.now() - Date.now()) < 1000)
  })

  test('members see each other, across nodes, with metadata, updates and leaves', async () => {
    const [a, b] = [await peer(0), await peer(1)]
    await a.join('lobby', { name: 'Alice' })
    await b.join('lobby', { name: 'Bob' })
    await until(() => a.rooms.members('lobby').has(b.peerId), 'Alice to see Bob')
    await until(() => b.rooms.members('lobby').has(a.peerId), 'Bob to see Alice')
    assert.deepEqual(a.rooms.members('lobby').get(b.peerId)?.metadata, { name: 'Bob' })
    assert.equal(a.rooms.size('lobby'), 2)
    await b.rooms.join('lobby', { name: 'Robert' })
    await until(
      () =>
        JSON.stringify(a.rooms.members('lobby').get(b.peerId)?.metadata) === '{"name":"Robert"}',
      "Bob's new name",
    )
    await b.rooms.leave('lobby')
    await until(() => !a.rooms.members('lobby').size, 'Bob to be gone')
    // A second attachment of Bob's may have made for one update more.
    const types = a.changes.map(({ type }) => type)
    assert.deepEqual([...new Set(types)], ['join', 'update', 'leave'])
    assert.equal(types.lastIndexOf('leave'), types.indexOf('leave'))
  })

  test('an envelope arrives once, and its sender knows', async () => {
    const [a, b] = [await peer(0), await peer(2)]
    await a.join('signals', undefined)
    await b.join('signals', undefined)
    await until(() => a.rooms.members('signals').has(b.peerId), 'a to see b')
    const session = random(16)
    const member = a.rooms.members('signals').get(b.peerId)!
    const began = performance.now()
    await Promise.all([
      a.signals.send(member, session, { offer: 'v=0' }),
      a.signals.send(member, session, { candidates: [{ candidate: 'c', mid: '0', line: 0 }] }),
      a.signals.send(member, session, { candidates: [] }),
    ])
    assert.ok(performance.now() - began < 700, 'at the first attempt')
    assert.deepEqual(
      b.envelopes.map(({ kind, seq }) => [Object.keys(kind)[0], seq]),
      [
        ['offer', 1],
        ['candidates', 2],
        ['candidates', 3],
      ],
    )
    assert.equal(b.envelopes[0].from.peerId, a.peerId)
    // Bob answers to the record that came in the offer.
    await b.signals.send(b.envelopes[0].from, session, { answer: 'v=0' })
    assert.deepEqual(a.envelopes[0].kind, { answer: 'v=0' })
  })

  test('large envelopes travel in fragments', async () => {
    const [a, b] = [await peer(0), await peer(1)]
    await a.join('large', undefined)
    await b.join('large', undefined)
    await until(() => a.rooms.members('large').has(b.peerId), 'a to see b')
    const offer = 'v=0\r\n'.repeat(4_000)
    await a.signals.send(a.rooms.members('large').get(b.peerId)!, random(16), { offer })
    assert.deepEqual(b.envelopes[0].kind, { offer })
  })

  test('who is not there is unreachable', async () => {
    const [a, b] = [await peer(0), await peer(1)]
    await a.join('gone', undefined)
    await b.join('gone', undefined)
    await until(() => a.rooms.members('gone').has(b.peerId), 'a to see b')
    const member = a.rooms.members('gone').get(b.peerId)!
    b.stop()
    await until(() => !a.rooms.members('gone').size, 'b to be gone')
    const began = performance.now()
    await assert.rejects(a.signals.send(member, random(16), { message: utf8('anybody?') }), {
      code: 'unreachable',
    })
    assert.ok(performance.now() - began < 3_500)
  })

  test('a provider is located', async () => {
    const [a, b] = [await peer(0), await peer(2)]
    const cid = 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku'
    await a.locator.provide(cid)
    const found = []
    for await (const member of b.locator.locate(cid)) found.push(member.peerId)
    assert.deepEqual(found, [a.peerId])
  })

  test('a room goes on when a node dies', async () => {
    const [a, b] = [await peer(1, 2), await peer(0, 2)]
    await until(() => a.attachments.list().length === 2, 'a second attachment of a')
    await until(() => b.attachments.list().length === 2, 'a second attachment of b')
    await a.join('lasting', undefined)
    await b.join('lasting', undefined)
    await until(() => a.rooms.members('lasting').has(b.peerId), 'a to see b')
    await until(() => b.rooms.members('lasting').has(a.peerId), 'b to see a')
    const dying = a.attachments.list()[0].node
    network.nodes.find(({ peerId }) => peerId === dying)!.kill()
    await until(() => a.attachments.list().every(({ node }) => node !== dying), 'the loss to be noticed')
    await a.signals.send(a.rooms.members('lasting').get(b.peerId)!, random(16), { offer: 'v=0' })
    assert.equal(a.rooms.members('lasting').size, 1)
    assert.ok(!a.changes.some(({ type }) => type === 'leave'))
    assert.equal(a.attachments.state, 'attached')
  })
})
