/** A room's nodes find one another, however far apart they are in the mesh. */

import assert from 'node:assert/strict'
import { until } from '../support/deadline.mjs'
import { onlyNodes } from '../support/reach.mjs'
import { stagedByCarrier } from '../support/stage.mjs'

const NODES = 12
/** So few connections that most pairs of nodes have none. */
const SPARSE = '[connections]\nlow = 3\nhigh = 4\ngrace_seconds = 1\n'

stagedByCarrier('twelve nodes, two of which serve the room and know nothing of each other: the members meet', async (stage) => {
  const network = stage.network()
  const nodes = await network.start(NODES, network.configure(SPARSE))
  const [a, b] = await until(() => strangers(nodes), 'two nodes that are not connected', 60_000)

  // A second attachment would make a third node serve the room.
  const alice = await stage.visitor(a, { prepare: onlyNodes(a) })
  const bob = await stage.visitor(b, { prepare: onlyNodes(b) })
  assert.equal((await alice.nodes())[0], a.peerId)
  assert.equal((await bob.nodes())[0], b.peerId)
  await Promise.all([alice.ask('join', 'lobby'), bob.ask('join', 'lobby')])
  await Promise.all([alice.ask('connected', bob.peerId), bob.ask('connected', alice.peerId)])
  await alice.ask('say', 'hello, stranger')
  await bob.ask('hears', alice.peerId, 'hello, stranger')
})

/** A pair of nodes, neither of which is connected to the other; undefined if there is none. */
async function strangers(nodes) {
  const connected = await Promise.all(nodes.map(async (node) => (await node.status()).connections.peer_ids))
  for (const [i, a] of nodes.entries()) {
    for (const [j, b] of nodes.entries()) {
      if (i < j && !connected[i].includes(b.peerId) && !connected[j].includes(a.peerId)) return [a, b]
    }
  }
  return undefined
}
