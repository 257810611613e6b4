/** The state machine with real peer connections: several peers in one page of Chromium. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openPage, type Opened } from './browser.js'
import type * as pageCode from './pages/sessions.js'

declare const window: { test: typeof pageCode }

/** In a row. Firefox fails a connection whose ICE is restarted again before it is up. */
const RESTARTS = process.env.BROWSER === 'firefox' ? 1 : 5

let opened: Opened
before(async () => {
  opened = await openPage('sessions')
})
after(() => opened.close())

test('two peers are introduced by one offer and one answer', { timeout: 30_000 }, async (t) => {
  const { ms, envelopes } = await opened.page.evaluate(() => window.test.introductions(9))
  t.diagnostic(`want to open channel, ms: ${ms.join(' ')}; envelopes: ${JSON.stringify(envelopes)}`)
  assert.equal(envelopes.offer, 9)
  assert.equal(envelopes.answer, 9)
})

test('8 peers that all offer to all at once have one session a pair', { timeout: 30_000 }, async () => {
  const result = await opened.page.evaluate(() => window.test.everybodyOffers(8))
  assert.deepEqual(result, { agree: true, pairs: 28, connections: 56 })
})

test('1,000 introductions in one page leave no connection open, and none in memory', { timeout: 180_000 }, async (t) => {
  const { page } = opened
  const { made, left, ms } = await page.evaluate(() => window.test.comings(1_000))
  t.diagnostic(`${Math.round(ms / 1_000)} s for 1,000 introductions, four at a time`)
  assert.ok(made >= 1_000, `${made} connections were made`)
  assert.equal(left, 0)
  const devtools = await page.createCDPSession()
  await devtools.send('HeapProfiler.collectGarbage')
  const prototype = await page.evaluateHandle(() => RTCPeerConnection.prototype)
  const kept = await page.queryObjects(prototype)
  const count = await page.evaluate((list) => (list as unknown as unknown[]).length, kept)
  // The prototype of the page's own subclass is one of them.
  assert.ok(count <= 1, `${count} connections are held on to`)
})

test('a peer that stops says good-bye', { timeout: 10_000 }, async (t) => {
  const { reason, ms } = await opened.page.evaluate(() => window.test.stopped())
  t.diagnostic(`${ms} ms`)
  assert.equal(reason, 'stopped')
})

test('the session stands through ICE restarts, of either side in turn', { timeout: 20_000 }, async () => {
  const result = await opened.page.evaluate((count) => window.test.restarts(count, false), RESTARTS)
  assert.deepEqual(result, { pongs: RESTARTS, renegotiations: RESTARTS, errors: [] })
})

test('ICE restarts that cross leave the session as it is', { timeout: 20_000 }, async () => {
  const result = await opened.page.evaluate((count) => window.test.restarts(count, true), RESTARTS)
  assert.deepEqual(result, { pongs: RESTARTS, renegotiations: RESTARTS, errors: [] })
})
