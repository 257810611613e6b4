/** Two tabs of one browser with the same URL are two peers: they meet. */

import assert from 'node:assert/strict'
import { stagedByCarrier } from '../support/stage.mjs'

stagedByCarrier('two tabs of the same URL meet and chat', async (stage) => {
  const [node] = await stage.network().start(1)
  const context = await (await stage.browser()).createBrowserContext()
  const first = await stage.visitor(node, { context })
  const second = await stage.visitor(node, { context })
  assert.equal(first.page.url(), second.page.url())
  assert.notEqual(first.peerId, second.peerId)

  await Promise.all([first.ask('join', 'lobby'), second.ask('join', 'lobby')])
  await Promise.all([first.ask('connected', second.peerId), second.ask('connected', first.peerId)])
  await first.ask('say', 'from the first')
  await second.ask('say', 'from the second')
  await Promise.all([
    second.ask('hears', first.peerId, 'from the first'),
    first.ask('hears', second.peerId, 'from the second'),
  ])
})

stagedByCarrier('a tab that is closed is gone at once', async (stage) => {
  const [node] = await stage.network().start(1)
  const context = await (await stage.browser()).createBrowserContext()
  const first = await stage.visitor(node, { context })
  const second = await stage.visitor(node, { context })
  await Promise.all([first.ask('join', 'lobby'), second.ask('join', 'lobby')])
  await first.ask('connected', second.peerId)
  await second.page.close({ runBeforeUnload: false })
  // A good-bye or a closed socket; a lease that ran out would take 30 s.
  await first.ask('gone', second.peerId, 3_000)
})
