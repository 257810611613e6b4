/** A browser whose address changes in mid-session is heard again soon, and hears again. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { missing } from '../support/lab.mjs'
import { historyOf, wayBetween } from './connections.mjs'
import { Scene } from './scene.mjs'

const SILENCE_MS = 3_000
/** After which nobody waits any more for the other to be heard again. */
const LONGEST_MS = 40_000
const PULSE_MS = 50

/** What happens to whom: both are behind that kind of NAT before, and the one who changes after. */
const CHANGES = [
  {
    name: 'a router that gets another address',
    kind: 'port-restricted',
    change: (scene, kind) => scene.behind('bob', kind),
  },
  {
    name: 'a phone that goes from wifi to mobile',
    kind: 'port-restricted',
    change: (scene, kind) => scene.move('bob', kind),
  },
  {
    name: 'a router of one who talks over a relay',
    kind: 'symmetric',
    change: (scene, kind) => scene.behind('bob', kind),
  },
]

test('an address change in mid-session is a short silence', { timeout: 180_000 }, async (context) => {
  const reason = missing()
  if (reason) return console.log(`NAT moves: NOT checked: ${reason}`)
  const scene = await Scene.start()
  try {
    for (const { name, kind, change } of CHANGES) {
      await context.test(name, async () => {
        const silence = await silenceAfter(scene, kind, change)
        console.log(`${name}: silent for ${silence.map((ms) => `${ms.toFixed(0)} ms`).join(' and ')}`)
        assert.ok(Math.max(...silence) <= SILENCE_MS, `silent for ${silence} ms`)
      })
    }
  } finally {
    await scene.close()
  }
})

/** The longest that each of the two heard nothing of the other. */
async function silenceAfter(scene, kind, change) {
  await Promise.all([scene.behind('ann', kind), scene.behind('bob', kind)])
  const visitors = await Promise.all([scene.attached('ann'), scene.attached('bob')])
  const [ann, bob] = visitors
  const pages = visitors.map(({ page }) => page)
  let changed = Infinity
  try {
    const room = scene.room()
    await ann.ask('join', room)
    await bob.ask('join', room)
    await Promise.all([ann.ask('connected', bob.peerId), bob.ask('connected', ann.peerId)])
    await Promise.all(pages.map((page) => page.evaluate(pulse, PULSE_MS)))
    // Both have heard the other before the change, and hear what was said after it.
    await Promise.all(pages.map((page) => page.evaluate((ms) => window.pulse.hears(0, ms), LONGEST_MS)))
    changed = Date.now()
    await change(scene, kind)
    const now = Date.now()
    await Promise.all(pages.map((page) => page.evaluate((now, ms) => window.pulse.hears(now, ms), now, LONGEST_MS)))
    const { candidates } = await wayBetween(...pages)
    console.log(`then: ${candidates.join(', ')}`)
    const silence = await Promise.all(pages.map((page) => page.evaluate(() => window.pulse.silence())))
    if (Math.max(...silence) > SILENCE_MS) await explain(visitors, changed)
    return silence
  } catch (error) {
    await explain(visitors, changed)
    for (const { name, log } of visitors) console.error(`--- ${name}\n${log.slice(-20).join('\n')}`)
    throw error
  } finally {
    await Promise.allSettled(pages.map((page) => page.browserContext().close()))
  }
}

/** What the sessions did after the change. */
async function explain(visitors, changed) {
  for (const { name, page } of visitors) {
    for (const { at, what } of await historyOf(page)) {
      if (at >= changed) console.error(`${name} after ${at - changed} ms: ${what}`)
    }
  }
}

/** Runs in the page: says the time every so often. All pages have one clock, this machine's. */
function pulse(every) {
  const { visitor } = window
  const heard = () => visitor.messages.filter(({ type }) => type === 'pulse')
  // Nobody is there in between, or the session is being replaced.
  setInterval(() => visitor.room.send('pulse', Date.now()).catch(() => {}), every)
  const hears = (since, ms) =>
    visitor.when(() => heard().some(({ body }) => body > since), `something said after ${since}`, ms)
  const silence = () =>
    heard()
      .map(({ at }) => at)
      .concat(performance.now())
      .reduce(({ longest, last }, at) => ({ longest: Math.max(longest, at - last), last: at }), { longest: 0, last: Infinity })
      .longest
  window.pulse = { hears, silence }
}
