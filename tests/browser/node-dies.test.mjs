/** A page outlives its node: it keeps its room and its sessions, and newcomers find it. */

import assert from 'node:assert/strict'
import { onlyNodes } from '../support/reach.mjs'
import { stagedByCarrier } from '../support/stage.mjs'

/** A page looks for a new attachment in the background; by UDP it notices a death after 5 s. */
const REPLACED_MS = 15_000

stagedByCarrier('the node under a page is killed; room and sessions stay, and a new page on a third node chats', async (stage) => {
  const network = stage.network()
  const nodes = await network.start(4)
  const page = await stage.visitor(nodes[0])
  const friend = await stage.visitor(nodes[1])
  await page.ask('attached', 2)
  await Promise.all([page.ask('join', 'lobby'), friend.ask('join', 'lobby')])
  await Promise.all([page.ask('connected', friend.peerId), friend.ask('connected', page.peerId)])

  const [primary, standby] = await page.nodes()
  const dead = nodes.find((node) => node.peerId === primary)
  await dead.kill()

  // The session does without nodes.
  await page.ask('say', 'still here')
  await friend.ask('hears', page.peerId, 'still here')

  // A third node: neither the dead one nor one that the page already had.
  const third = nodes.find((node) => node.peerId !== primary && node.peerId !== standby)
  const newcomer = await stage.visitor(third, { prepare: onlyNodes(third) })
  await newcomer.ask('join', 'lobby')
  await Promise.all([newcomer.ask('connected', page.peerId), page.ask('connected', newcomer.peerId)])
  await newcomer.ask('say', 'hello, survivor')
  await page.ask('hears', newcomer.peerId, 'hello, survivor')
  await page.ask('say', 'hello, newcomer', { to: [newcomer.peerId] })
  await newcomer.ask('hears', page.peerId, 'hello, newcomer')

  await page.ask('replaced', primary, 2, REPLACED_MS)
  for (const [one, other] of [
    [page, friend],
    [friend, page],
  ]) {
    const history = await one.page.evaluate(() => window.visitor.history)
    const lost = history.filter(({ event, peer }) => peer === other.peerId && /^(leave|disconnect)$/.test(event))
    assert.deepEqual(lost, [], 'nobody left and no session was lost')
  }
})
