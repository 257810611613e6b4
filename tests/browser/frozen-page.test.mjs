/** Browsers freeze pages that nobody looks at; a page that thaws is where it was. */

import assert from 'node:assert/strict'
import { stagedByCarrier } from '../support/stage.mjs'

/** Long enough for the node to call the page away (5 s), short enough for it not to be gone (30 s). */
const FROZEN_MS = 20_000

stagedByCarrier('a page frozen for 20 s is still in its room when it resumes', async (stage) => {
  const network = stage.network()
  const [a, b] = await network.start(2)
  const sleeper = await stage.visitor(a)
  const friend = await stage.visitor(b)
  await Promise.all([sleeper.ask('join', 'lobby'), friend.ask('join', 'lobby')])
  await Promise.all([sleeper.ask('connected', friend.peerId), friend.ask('connected', sleeper.peerId)])

  const devtools = await sleeper.page.createCDPSession()
  await devtools.send('Page.setWebLifecycleState', { state: 'frozen' })
  // The promise is about this time, so the test has to let it pass.
  await new Promise((resolve) => setTimeout(resolve, FROZEN_MS))
  await devtools.send('Page.setWebLifecycleState', { state: 'active' })

  // Back in its rooms within 3 s of waking.
  await friend.ask('connected', sleeper.peerId, 3_000)
  await sleeper.ask('connected', friend.peerId, 3_000)
  await sleeper.ask('say', 'good morning')
  await friend.ask('hears', sleeper.peerId, 'good morning')
  await friend.ask('say', 'slept well?')
  await sleeper.ask('hears', friend.peerId, 'slept well?')

  const newcomer = await stage.visitor(b)
  await newcomer.ask('join', 'lobby')
  await newcomer.ask('connected', sleeper.peerId)
  assert.equal(await sleeper.page.evaluate(() => window.visitor.velox.state), 'attached')
})
