/** A node remembers the network on disk: it comes back with no bootstrap node alive. */

import assert from 'node:assert/strict'
import { onlyNodes } from '../support/pages.mjs'
import { staged } from '../support/stage.mjs'

staged('a node restarted with no bootstrap alive rejoins, and pages on it meet the others', async (stage) => {
  const network = stage.network()
  const bootstrap = await network.startBootstrap()
  const a = await network.startNode()
  const b = await network.startNode()
  await Promise.all([a.joined(), b.joined()])
  bootstrap.kill('SIGKILL')
  await bootstrap.ended

  const { peerId } = a
  assert.equal((await a.program.stop()).code, 0)
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
