/** The state machine with real peer connections: several peers in one page of Chromium. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openPage, type Opened } from './chromium.js'
import type * as pageCode from './pages/sessions.js'

declare const window: { test: typeof pageCode }

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

test('a peer that stops says good-bye', { timeout: 10_000 }, async (t) => {
  const { reason, ms } = await opened.page.evaluate(() => window.test.stopped())
  t.diagnostic(`${ms} ms`)
  assert.equal(reason, 'stopped')
})

test('ICE restarts that cross leave the session as it is', { timeout: 20_000 }, async () => {
  const result = await opened.page.evaluate(() => window.test.restarts(5))
  assert.deepEqual(result, { pongs: 5, renegotiations: 5, errors: [] })
})
