import assert from 'node:assert/strict'
import test, { afterEach, describe } from 'node:test'
import { Identity } from '../src/crypto/identity.js'
import { loadSuite, random } from '../src/crypto/suite.js'
import type { PresenceChange } from '../src/ports.js'
import { Union, type Said } from '../src/presence/union.js'
import { Leave, PresenceRecord } from '../src/wire/records.js'
import type { Signed } from '../src/wire/signed.js'
import { FakeMesh } from './support/fake-mesh.js'
import { TestPeer } from './support/peer.js'
import { until } from './support/until.js'

const identity = async (): Promise<Identity> => new Identity(await (await loadSuite()).signingKey())

const record = (of: Identity, seq: number, expires = 600_000): Promise<Signed<PresenceRecord>> =>
  PresenceRecord.sign(of, {
    v: 1,
    network: 'test',
    room: 'room',
    peer: of.peerId,
    key: random(32),
    seq,
    expires,
    attach: [],
    meta: new Uint8Array(),
  })

const leave = (of: Identity, seq: number): Promise<Signed<Leave>> =>
  Leave.sign(of, { v: 1, network: 'test', room: 'room', peer: of.peerId, seq })

describe('the union of what nodes say', async () => {
  const [alice, bob] = [await identity(), await identity()]
  const said = (parts: Partial<Said>): Said => ({
    records: [],
    leaves: [],
    gone: [],
    size: 2,
    snapshot: false,
    ...parts,
  })
  const union = (): { union: Union<string>; seen: string[] } => {
    const seen: string[] = []
    const names = new Map([
      [alice.peerId, 'alice'],
      [bob.peerId, 'bob'],
    ])
    const emit = (change: PresenceChange): void => {
      const before = change.type === 'join' && change.snapshot ? ' before' : ''
      seen.push(`${change.type} ${names.get(change.member.peerId)}${before}`)
    }
    return { union: new Union<string>('me', emit), seen }
  }

  test('a member is gone when no node knows it any more', async () => {
    const { union: room, seen } = union()
    const records = [await record(alice, 1)]
    room.hear('a', said({ records, snapshot: true }), true)
    room.hear('b', said({ records, snapshot: true }), true)
    room.hear('a', said({ gone: [alice.peerId] }), false)
    assert.deepEqual(seen, ['join alice before'])
    room.hear('b', said({ gone: [alice.peerId] }), false)
    assert.deepEqual(seen, ['join alice before', 'leave alice'])
  })

  test("a signed leave counts whatever the other nodes say, and can't be taken back", async () => {
    const { union: room, seen } = union()
    const records = [await record(alice, 1)]
    room.hear('a', said({ records, snapshot: true }), false)
    room.hear('b', said({ records, snapshot: true }), false)
    room.hear('a', said({ leaves: [await leave(alice, 2)] }), false)
    room.hear('b', said({ records }), false)
    assert.deepEqual(seen, ['join alice', 'leave alice'])
    room.hear('b', said({ records: [await record(alice, 3)] }), false)
    assert.deepEqual(seen, ['join alice', 'leave alice', 'join alice'])
  })

  test('of two that join at once, the one whose record is younger takes the other to be there', async () => {
    const { union: room, seen } = union()
    room.hear('a', said({ records: [await record(alice, 4)] }), false, 5)
    room.hear('a', said({ records: [await record(bob, 6)] }), false, 5)
    assert.deepEqual(seen, ['join alice before', 'join bob'])
  })

  test('an older leave voids no newer record', async () => {
    const { union: room, seen } = union()
    room.hear('a', said({ records: [await record(alice, 5)] }), false)
    room.hear('a', said({ leaves: [await leave(alice, 4)] }), false)
    assert.deepEqual(seen, ['join alice'])
  })

  test('the newest record counts, in whatever order they come', async () => {
    const { union: room, seen } = union()
    const [older, newer] = [await record(alice, 1), await record(alice, 2)]
    room.hear('a', said({ records: [newer] }), false)
    room.hear('b', said({ records: [older] }), false)
    room.hear('b', said({ records: [newer] }), false)
    assert.deepEqual(seen, ['join alice'])
    assert.equal(room.members.get(alice.peerId)?.seq, 2)
  })

  test('of two records with one sequence every peer believes the same', async () => {
    const twins = [await record(alice, 1), await record(alice, 1)]
    const keys = [twins, [...twins].reverse()].map((records) => {
      const { union: room } = union()
      for (const each of records) room.hear('a', said({ records: [each] }), false)
      return room.members.get(alice.peerId)!.key
    })
    assert.deepEqual(keys[0], keys[1])
  })

  test('a snapshot replaces what its node said before', async () => {
    const { union: room, seen } = union()
    room.hear('a', said({ records: [await record(alice, 1)], snapshot: true }), false)
    const records = [await record(bob, 1)]
    room.hear('a', said({ records, snapshot: true, size: 2 }), false)
    assert.deepEqual(seen, ['join alice', 'join bob', 'leave alice'])
  })

  test('the size may change alone, and is that of the whole room', () => {
    const { union: room, seen } = union()
    room.hear('a', said({ snapshot: true, size: 5_000 }), false)
    room.hear('b', said({ snapshot: true, size: 4_990 }), false)
    assert.equal(room.size, 5_000)
    room.hear('a', said({ size: 5_100 }), false)
    assert.equal(room.size, 5_100)
    assert.deepEqual(seen, [])
  })

  test('in a large room who is not shown introduces itself; in a small one nobody does', async () => {
    const { union: room, seen } = union()
    room.hear('a', said({ records: [await record(alice, 1)], snapshot: true, size: 65 }), false)
    room.introduce(await record(bob, 1))
    assert.deepEqual(seen, ['join alice'])
    room.hear('a', said({ size: 66 }), false)
    room.introduce(await record(bob, 1))
    assert.deepEqual(seen, ['join alice', 'join bob'])
    room.hear('a', said({ snapshot: true, size: 66 }), false)
    assert.deepEqual(seen, ['join alice', 'join bob', 'leave alice'], 'alice is no longer shown')
    room.hear('a', said({ leaves: [await leave(bob, 2)], size: 66 }), false)
    room.introduce(await record(bob, 1))
    assert.deepEqual(seen, ['join alice', 'join bob', 'leave alice', 'leave bob'])
  })

  test('who is no longer shown in a large room has not left for certain', async () => {
    const faded: (boolean | undefined)[] = []
    const room = new Union<string>('me', (change) => {
      if (change.type === 'leave') faded.push(change.faded)
    })
    const records = [await record(alice, 1), await record(bob, 1)]
    room.hear('a', said({ records, size: 500 }), false)
    room.hear('a', said({ gone: [alice.peerId], size: 500 }), false)
    room.hear('a', said({ leaves: [await leave(bob, 2)], size: 499 }), false)
    assert.deepEqual(faded, [true, undefined])
  })

  test('an ended link counts for ten seconds, and for ever while there is none', async () => {
    const { union: room, seen } = union()
    room.hear('a', said({ records: [await record(alice, 1)], snapshot: true }), false)
    room.keep([], 0)
    room.expire(60_000)
    assert.deepEqual(seen, ['join alice'])
    room.keep(['b'], 60_000)
    room.expire(69_999)
    assert.deepEqual(seen, ['join alice'])
    room.expire(70_000)
    assert.deepEqual(seen, ['join alice', 'leave alice'])
  })

  test('a record ends at its expiry and two minutes', async () => {
    const { union: room, seen } = union()
    room.hear('a', said({ records: [await record(alice, 1, 600_000)] }), false)
    room.expire(720_000)
    assert.deepEqual(seen, ['join alice'])
    room.expire(720_001)
    assert.deepEqual(seen, ['join alice', 'leave alice'])
  })
})

describe('presence over nodes', () => {
  const started: TestPeer[] = []
  afterEach(() => {
    for (const each of started.splice(0)) each.stop()
  })
  const mesh = async (...hosts: string[]): Promise<FakeMesh> => {
    const made = new FakeMesh()
    for (const host of hosts) await made.add(host)
    return made
  }
  const peer = async (of: FakeMesh, nodes = of.nodes): Promise<TestPeer> => {
    const addresses = nodes.map(({ address }) => address)
    const made = await TestPeer.start(of.network, addresses, of.webSocket())
    started.push(made)
    await until(() => made.attachments.list().length === Math.min(2, nodes.length), 'attachments')
    return made
  }

  test('who was there is in the snapshot, who comes later is not', async () => {
    const two = await mesh('a', 'b')
    const [first, second] = [await peer(two), await peer(two)]
    await first.join('room', { name: 'first' })
    await second.join('room', { name: 'second' })
    await until(() => first.changes.length && second.changes.length, 'both to see each other')
    assert.deepEqual(first.changes.map((c) => c.type === 'join' && c.snapshot), [false])
    assert.deepEqual(second.changes.map((c) => c.type === 'join' && c.snapshot), [true])
    assert.deepEqual(second.rooms.members('room').get(first.peerId)?.metadata, { name: 'first' })
    assert.equal(first.rooms.size('room'), 2)
    const { via } = second.rooms.members('room').get(first.peerId)!
    assert.deepEqual(via, first.attachments.list().map(({ node }) => node))
  })

  test('one node that denies everybody hides nobody', async () => {
    const two = await mesh('a', 'b')
    two.nodes[0].denies = true
    const [first, second] = [await peer(two, [two.nodes[1]]), await peer(two)]
    await first.join('room')
    await second.join('room')
    await until(() => second.rooms.members('room').size, 'the member that one node denies')
    two.nodes[0].tell('room', { gone: [first.peerId] })
    two.nodes[0].tell('room', { records: two.records('other', '') })
    await second.rooms.join('room', 'still here')
    await until(() => first.changes.some((c) => c.type === 'update'), 'the update')
    assert.ok(second.rooms.members('room').has(first.peerId))
  })

  test('records that do not hold are not believed', async () => {
    const one = await mesh('a')
    const member = await peer(one)
    await member.join('room')
    const now = Date.now()
    const liar = await identity()
    const body = {
      ...{ v: 1 as const, network: 'test', room: 'room', peer: liar.peerId, key: random(32) },
      ...{ seq: now, expires: now + 60_000, attach: [], meta: new Uint8Array() },
    }
    const forged = (await PresenceRecord.sign(liar, body)).bytes.slice()
    forged[forged.length - 1] ^= 1
    const foreign = await PresenceRecord.sign(liar, { ...body, network: 'other' })
    const elsewhere = await PresenceRecord.sign(liar, { ...body, room: 'elsewhere' })
    const expired = await PresenceRecord.sign(liar, { ...body, expires: now - 121_000 })
    const eternal = await PresenceRecord.sign(liar, { ...body, expires: now + 13 * 60_000 })
    const records = [forged, ...[foreign, elsewhere, expired, eternal].map(({ bytes }) => bytes)]
    const good = await identity()
    const honest = await PresenceRecord.sign(good, { ...body, peer: good.peerId })
    one.nodes[0].tell('room', { records: [...records, honest.bytes] })
    await until(() => member.changes.length, 'the honest one')
    assert.deepEqual([...member.rooms.members('room').keys()], [good.peerId])
  })

  test('the record is signed anew when the attachments change', async () => {
    const three = await mesh('a', 'b', 'c')
    const [first, second] = [await peer(three), await peer(three, [three.nodes[2]])]
    await first.join('room')
    await second.join('room')
    await until(() => second.rooms.members('room').size, 'the first member')
    const before = second.rooms.members('room').get(first.peerId)!
    const lost = first.attachments.list().find(({ node }) => node !== three.nodes[2].peerId)!
    three.nodes.find(({ peerId }) => peerId === lost.node)!.die()
    await until(() => {
      const { via, seq } = second.rooms.members('room').get(first.peerId)!
      return seq > before.seq && via.length === 2 && !via.includes(lost.node)
    }, 'a record with the new attachments')
    assert.ok(!second.changes.some(({ type }) => type === 'leave'))
  })

  test('with every node gone the members stay', async () => {
    const two = await mesh('a', 'b')
    const [first, second] = [await peer(two), await peer(two)]
    await first.join('room')
    await second.join('room')
    await until(() => first.rooms.members('room').size, 'each other')
    for (const node of two.nodes) node.reachable = false
    first.attachments.pause()
    assert.equal(first.attachments.state, 'paused')
    assert.ok(first.rooms.members('room').has(second.peerId))
  })

  test('refuses what is no room, and metadata over 256 bytes', async () => {
    const one = await mesh('a')
    const member = await peer(one)
    for (const name of ['', '/cid/x', 'a\nb', 'x'.repeat(129)]) {
      await assert.rejects(member.rooms.join(name, undefined), { code: 'malformed' })
    }
    await assert.rejects(member.rooms.join('room', 'x'.repeat(255)), { code: 'too-large' })
  })

  test('a node that refuses the room is heard', async () => {
    const one = await mesh('a')
    const member = await peer(one)
    one.nodes[0].take = (from) =>
      from.send({ refused: { code: 'quota', text: 'too many rooms', fatal: false, room: 'room' } })
    await assert.rejects(member.rooms.join('room', undefined), { code: 'quota', message: 'too many rooms' })
  })

  test('providers are announced, found by every node, and asked once each', async () => {
    const two = await mesh('a', 'b')
    const [provider, seeker] = [await peer(two), await peer(two)]
    await provider.locator.provide('bafy')
    const found: string[] = []
    for await (const member of seeker.locator.locate('bafy')) found.push(member.peerId)
    assert.deepEqual(found, [provider.peerId])
    for await (const { peerId } of seeker.locator.locate('nothing')) assert.fail(peerId)
  })

  test('a search that is given up ends', async () => {
    const one = await mesh('a')
    const seeker = await peer(one)
    one.nodes[0].take = () => {}
    const abort = new AbortController()
    const search = (async () => {
      for await (const { peerId } of seeker.locator.locate('bafy', abort.signal)) assert.fail(peerId)
    })()
    abort.abort()
    await search
  })
})
