/** A page that nobody looks at runs no timers: its nodes' pings are its clock. */

import assert from 'node:assert/strict'
import { until } from '../support/deadline.mjs'
import { countSends, countTimers, pretendVisibility } from '../support/life.mjs'
import { staged } from '../support/stage.mjs'

/** A hidden page is pinged every 15 s by each of its two nodes. */
const PINGS = 4
const PINGS_MS = 60_000

staged('a hidden page in a room answers its nodes and its friend, with no timer of its own', async (stage) => {
  const [a, b] = await stage.network().start(2)
  const prepare = (page) => Promise.all([countTimers(page), countSends(page), pretendVisibility(page)])
  const hidden = await stage.visitor(a, { prepare })
  const friend = await stage.visitor(b)
  await Promise.all([hidden.ask('join', 'lobby'), friend.ask('join', 'lobby')])
  await Promise.all([hidden.ask('connected', friend.peerId), friend.ask('connected', hidden.peerId)])
  await hidden.ask('attached', 2)
  const { page } = hidden
  await page.evaluate(() => window.look(true))
  const sends = () => page.evaluate(() => window.sends())
  // What was under way when it was hidden comes to its end, as the search for relays does: then a
  // whole ping passes without a callback.
  for (let quiet = false; !quiet; ) {
    const [first, calls] = [await sends(), await page.evaluate(() => window.timers.calls())]
    await until(async () => (await sends()) > first, "a node's ping", PINGS_MS)
    quiet = (await page.evaluate(() => window.timers.calls())) === calls
  }

  const before = await page.evaluate(() => ({ calls: window.timers.calls(), sends: window.sends() }))
  await until(async () => (await sends()) >= before.sends + PINGS, `${PINGS} pings of nodes`, PINGS_MS)
  const calls = await page.evaluate(() => window.timers.calls())
  assert.equal(calls - before.calls, 0, 'callbacks of timers while hidden')

  await friend.ask('say', 'still there?')
  await hidden.ask('hears', friend.peerId, 'still there?')
  await page.evaluate(() => window.look(false))
  await hidden.ask('say', 'of course')
  await friend.ask('hears', hidden.peerId, 'of course')
})
