/** put and get between pages of Chromium, over real sessions. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openPage, type Opened } from './browser.js'
import type * as pageCode from './pages/content.js'

declare const window: { test: typeof pageCode }

let opened: Opened
before(async () => {
  opened = await openPage('content', 3)
})
after(() => opened.close())

for (const size of [0, 1, 262_145, 12 * 1024 * 1024 + 7]) {
  test(`a room mate gets ${size} bytes`, { timeout: 30_000 }, async () => {
    const [one, two] = opened.pages
    const { cid } = await one.evaluate((bytes) => window.test.put(bytes), size)
    const whole = await one.evaluate((text) => window.test.get(text), cid)
    await two.evaluate((peer) => window.test.connect(peer), await one.evaluate(() => window.test.self()))
    const got = await two.evaluate((text) => window.test.get(text), cid)
    assert.equal(got.size, size)
    assert.equal(got.hash, whole.hash)
    if (size > 0) assert.equal(got.progress, 1)
  })
}

test('a provider that was located is connected to and asked', { timeout: 30_000 }, async () => {
  const [one, , three] = opened.pages
  const { cid } = await one.evaluate(() => window.test.put(300_000))
  await three.evaluate((peer) => window.test.locate([peer]), await one.evaluate(() => window.test.self()))
  const got = await three.evaluate((text) => window.test.get(text), cid)
  assert.equal(got.size, 300_000)
})

test('what nobody has is not found, in a stated time', { timeout: 30_000 }, async () => {
  const [, two] = opened.pages
  const nobodys = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy'
  assert.equal(await two.evaluate((text) => window.test.failure(text), nobodys), 'not-found')
  assert.equal(await two.evaluate((text) => window.test.failure(text), 'QmNoCid'), 'bad-cid')
})

test('a tab that is closed is gone at once for those who had a session with it', { timeout: 30_000 }, async (t) => {
  const [one, two] = opened.pages
  await two.evaluate((peer) => window.test.connect(peer), await one.evaluate(() => window.test.self()))
  const noticed = two.evaluate(() => window.test.disconnected())
  await one.close()
  const ms = await noticed
  t.diagnostic(`${Math.round(ms)} ms`)
  assert.ok(ms < 4_000, 'sooner than any life sign is missed')
})
