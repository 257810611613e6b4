/** Two browsers, each attached to a node of its own, meet: the Control Room with no room. */

import assert from 'node:assert/strict'
import { onlyNodes } from '../support/reach.mjs'
import { stagedByCarrier } from '../support/stage.mjs'

/** From `join` to being listed on both sides (issue 2, "Done when"). */
const LISTED_MS = 2_000
const PICTURE = 1_000_000

for (const [first, second] of [
  ['chromium', 'chromium'],
  ['chromium', 'firefox'],
]) {
  stagedByCarrier(`${first} and ${second} on two nodes list each other, chat and load from one another`, async (stage) => {
    const network = stage.network()
    const [a, b] = await network.start(2)
    // With the usual two attachments they would share both nodes.
    const alice = await stage.visitor(a, { kind: first, prepare: onlyNodes(a) })
    const bob = await stage.visitor(b, { kind: second, prepare: onlyNodes(b) })
    assert.deepEqual(await alice.nodes(), [a.peerId])
    assert.deepEqual(await bob.nodes(), [b.peerId])

    await alice.ask('join', 'lobby', { nick: 'Alice' })
    await bob.ask('join', 'lobby', { nick: 'Bob' })
    const [aliceLists, bobLists] = await Promise.all([
      alice.ask('lists', bob.peerId).then(() => bob.page.evaluate(() => performance.now() - window.visitor.joinedAt)),
      bob.ask('lists', alice.peerId),
    ])
    assert.ok(bobLists < LISTED_MS, `the second page lists the first after ${bobLists} ms`)
    assert.ok(aliceLists < LISTED_MS, `the first page lists the second after ${aliceLists} ms`)
    const nick = await alice.page.evaluate((id) => window.visitor.room.peers.get(id).metadata, bob.peerId)
    assert.deepEqual(nick, { nick: 'Bob' })

    await Promise.all([alice.ask('connected', bob.peerId), bob.ask('connected', alice.peerId)])
    await alice.ask('say', { text: 'hello' })
    await bob.ask('hears', alice.peerId, { text: 'hello' })
    await bob.ask('say', { text: 'hello yourself' }, { to: [alice.peerId] })
    await alice.ask('hears', bob.peerId, { text: 'hello yourself' })

    const cid = await alice.ask('put', PICTURE, 7)
    assert.ok(await bob.ask('get', cid, PICTURE, 7), 'the bytes are those that were put')

    await bob.page.evaluate(() => window.visitor.room.leave())
    await alice.ask('gone', bob.peerId)
  })
}

stagedByCarrier('a resource that nobody has, and a CID that is none, are named as such', async (stage) => {
  const [a] = await stage.network().start(1)
  const alice = await stage.visitor(a)
  await alice.ask('join', 'lobby')
  const code = (cid) => alice.page.evaluate((id) => window.visitor.codeOf(window.visitor.velox.get(id)), cid)
  assert.equal(await code('not-a-cid'), 'bad-cid')
  // The CID of "hello world", which nobody put.
  assert.equal(await code('bafkreifzjut3te7nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e'), 'not-found')
})
