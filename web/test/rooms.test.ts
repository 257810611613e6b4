/** What the library promises of rooms, over real sessions in Chromium. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openPage, type Opened } from './browser.js'
import type * as pageCode from './pages/rooms.js'

declare const window: { test: typeof pageCode }

let opened: Opened
before(async () => {
  opened = await openPage('rooms')
})
after(() => opened.close())

test('a member comes, is connected, and goes', { timeout: 20_000 }, async () => {
  const { events, sizes, metadata } = await opened.page.evaluate(() => window.test.story())
  assert.deepEqual([...events.slice(0, 2), ...events.slice(2).sort()], ['join', 'connect', 'disconnect', 'leave'])
  assert.deepEqual(sizes, [2, 1])
  assert.deepEqual(metadata, { name: 'Ada' })
})

test('who is no longer shown in a large room stays until its session ends', { timeout: 20_000 }, async () => {
  assert.deepEqual(await opened.page.evaluate(() => window.test.faded()), {
    events: ['connected true', 'disconnect', 'leave'],
    heard: 'still here',
  })
})

test('JSON, bytes and Blobs arrive as they were sent, small ones in order', { timeout: 20_000 }, async () => {
  const { small, blob, large, to } = await opened.page.evaluate(() => window.test.messages())
  assert.deepEqual(small, [{ text: 'Grüezi', list: [1, 2.5, null] }, 'text', 0, null, 'bytes 1,2,3'])
  assert.deepEqual(blob, { text: 'hello', type: 'text/plain' })
  assert.equal(large, true)
  assert.deepEqual(to, ['for all'], 'what is for one reaches no other')
})

test('requests are answered, refused or time out by name', { timeout: 20_000 }, async () => {
  assert.deepEqual(await opened.page.evaluate(() => window.test.requests()), {
    double: 42,
    large: 100_000,
    fail: 'denied',
    nobody: 'denied',
    sleep: 'timeout',
    stranger: 'not-found',
    tooLarge: 'too-large',
    notJson: 'malformed',
    noType: 'malformed',
    left: 'unreachable',
    closed: 'closed',
  })
})

test('two rooms share one session, which ends with the last of them', { timeout: 20_000 }, async () => {
  assert.deepEqual(await opened.page.evaluate(() => window.test.shared()), {
    sessions: 1,
    afterOne: true,
    afterTwo: false,
    heard: ['second: end'],
  })
})

test('who is no member of the room is not heard in it', { timeout: 20_000 }, async () => {
  assert.deepEqual(await opened.page.evaluate(() => window.test.outsider()), ['from inside'])
})

test('12 that join at once are a full mesh', { timeout: 40_000 }, async (t) => {
  t.diagnostic(`${await opened.page.evaluate(() => window.test.mesh(12))} ms`)
})
