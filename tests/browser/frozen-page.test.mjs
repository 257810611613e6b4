/** Browsers freeze pages that nobody looks at; a page that thaws is where it was. */

import assert from 'node:assert/strict'
import { staged } from '../support/stage.mjs'

/**
 * Long enough for its friend to have given up whatever it held, and, the shorter one, for a node to
 * call it away (5 s) but not gone (30 s).
 */
const FROZEN = /** @type {const} */ ([
  ['websocket', 60_000],
  ['webrtc-direct', 20_000],
])
/** Back in its rooms within so long of waking. */
const BACK_MS = 3_000

for (const [carrier, ms] of FROZEN) {
  staged(`a page frozen for ${ms / 1_000} s is back in its room when it wakes (${carrier})`, (stage) => freeze(stage, ms), carrier)
}

async function freeze(stage, ms) {
  const network = stage.network()
  const [a, b] = await network.start(2)
  const sleeper = await stage.visitor(a)
  const friend = await stage.visitor(b)
  await Promise.all([sleeper.ask('join', 'lobby'), friend.ask('join', 'lobby')])
  await Promise.all([sleeper.ask('connected', friend.peerId), friend.ask('connected', sleeper.peerId)])

  const devtools = await sleeper.page.createCDPSession()
  await devtools.send('Page.setWebLifecycleState', { state: 'frozen' })
  // The promise is about this time, so the test has to let it pass.
  await new Promise((resolve) => setTimeout(resolve, ms))
  assert.equal(await friend.page.evaluate(() => window.visitor.room.peers.size), 0, 'others see that it is away')
  const woken = performance.now()
  await devtools.send('Page.setWebLifecycleState', { state: 'active' })
  await friend.ask('connected', sleeper.peerId, BACK_MS)
  await sleeper.ask('connected', friend.peerId, BACK_MS)
  await sleeper.ask('say', 'good morning')
  await friend.ask('hears', sleeper.peerId, 'good morning')
  const back = performance.now() - woken
  console.log(`from waking after ${ms / 1_000} s to being heard in the room: ${Math.round(back)} ms`)
  assert.ok(back <= BACK_MS)
  await friend.ask('say', 'slept well?')
  await sleeper.ask('hears', friend.peerId, 'slept well?')

  const newcomer = await stage.visitor(b)
  await newcomer.ask('join', 'lobby')
  await newcomer.ask('connected', sleeper.peerId)
  assert.equal(await sleeper.page.evaluate(() => window.visitor.velox.state), 'attached')
  const said = await friend.page.evaluate(() => window.visitor.messages.map(({ body }) => body))
  assert.deepEqual(said, ['good morning'])
}
