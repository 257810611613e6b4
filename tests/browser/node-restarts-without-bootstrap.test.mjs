/** A node remembers the network on disk: it comes back with no bootstrap node alive. */

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { until } from '../support/deadline.mjs'
import { onlyNodes } from '../support/reach.mjs'
import { stagedByCarrier } from '../support/stage.mjs'

const endings = {
  'told to stop': async (node) => assert.equal((await node.program.stop()).code, 0),
  killed: async (node, other) => {
    const book = () => readFile(join(node.folder, 'nodes.json'), 'utf8')
    await until(async () => (await book()).includes(other.peerId), 'the address book to be on disk', 30_000)
    await node.kill()
  },
}

for (const [how, end] of Object.entries(endings)) {
  stagedByCarrier(`a node ${how} and started again with no bootstrap alive rejoins, and its pages meet the others`, async (stage) => {
    const network = stage.network()
    const bootstrap = await network.startBootstrap()
    const a = await network.startNode()
    const b = await network.startNode()
    await Promise.all([a.joined(), b.joined()])
    bootstrap.kill('SIGKILL')
    await bootstrap.ended

    const { peerId } = a
    await end(a, b)
    await a.start()
    assert.equal(a.peerId, peerId, 'the node is the same')
    await a.joined()

    const here = await stage.visitor(a, { prepare: onlyNodes(a) })
    const there = await stage.visitor(b, { prepare: onlyNodes(b) })
    await Promise.all([here.ask('join', 'lobby'), there.ask('join', 'lobby')])
    await Promise.all([here.ask('connected', there.peerId), there.ask('connected', here.peerId)])
    await here.ask('say', 'back again')
    await there.ask('hears', here.peerId, 'back again')
  })
}
