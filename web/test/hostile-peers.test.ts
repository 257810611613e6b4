/** A peer that breaks the protocol loses its session, by name; one that lies or stalls is passed over. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openPage, type Opened } from './browser.js'
import type * as pageCode from './pages/hostile.js'

declare const window: { test: typeof pageCode }

let opened: Opened
before(async () => {
  opened = await openPage('hostile')
})
after(() => opened.close())

test('every breach ends the session under its name, and the peer gets no other', { timeout: 60_000 }, async (t) => {
  const outcome = await opened.page.evaluate(() => window.test.attackAll())
  for (const [breach, { ended, again }] of Object.entries(outcome)) {
    await t.test(breach, () => {
      assert.equal(ended, breach)
      assert.equal(again, 'refused')
    })
  }
})

test('a file comes whole although one provider lies and one stalls', { timeout: 40_000 }, async (t) => {
  const { right, ms, fromHonest } = await opened.page.evaluate(() => window.test.badProviders())
  t.diagnostic(`${ms} ms`)
  assert.equal(right, true)
  assert.ok(fromHonest >= 6 * 1024 * 1024)
})

test('a body ends by name when its provider goes', { timeout: 40_000 }, async () => {
  assert.equal(await opened.page.evaluate(() => window.test.gone()), 'timeout')
})

test('a caller can abort before and while the body comes', { timeout: 40_000 }, async () => {
  assert.deepEqual(await opened.page.evaluate(() => window.test.aborted()), ['aborted', 'aborted'])
})
