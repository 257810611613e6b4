/** `velox demo`: the first visitor loads the gallery from the origin, the second from the first. */

import assert from 'node:assert/strict'
import { Program } from '../support/processes.mjs'
import { staged } from '../support/stage.mjs'

const PICTURES = 24

/**
 * Opens the showcase and waits until every picture is shown or given up.
 *
 * @param {import('../support/stage.mjs').Stage} stage
 * @param {string} url
 * @param {string} name
 * @param {{ kind?: string, context?: import('puppeteer-core').BrowserContext }} [where]
 */
async function visit(stage, url, name, { kind, context } = {}) {
  const { page } = stage.watch(await stage.page(kind, context), name)
  // Picture bytes as the browser saw them on the wire, whatever the page says.
  let fromOrigin = 0
  page.on('response', (response) => {
    if (/\/pictures\//.test(response.url())) fromOrigin += Number(response.headers()['content-length'] ?? 1)
  })
  await page.goto(url)
  await page.waitForFunction(() => window.showcase?.stats.done, { polling: 100, timeout: 30_000 })
  const stats = await page.evaluate(() => ({ ...window.showcase.stats }))
  return { page, stats, fromOrigin }
}

function text(visitor, id) {
  return visitor.page.$eval(`#${id}`, (element) => element.textContent)
}

for (const kind of /** @type {const} */ (['chromium', 'firefox'])) {
  staged(`the second visitor (${kind}) loads 0 picture bytes from the origin, and its bars say so`, async (stage) => {
    const { urls } = await startDemo(stage)
    const first = await visit(stage, urls[0], 'the first visitor')
    assert.equal(first.stats.originPictures, PICTURES)
    assert.equal(first.stats.failed, 0)
    assert.ok(first.fromOrigin > PICTURES * 100_000, 'the pictures have their size')

    const second = await visit(stage, urls[1], 'the second visitor', { kind })
    assert.equal(second.fromOrigin, 0)
    assert.equal(second.stats.originBytes, 0)
    assert.equal(second.stats.peerPictures, PICTURES)
    assert.match(await text(second, 'origin-figure'), /^0 B · 0 pictures$/)
    assert.match(await text(second, 'peers-figure'), /· 24 pictures$/)
    assert.equal(await second.page.$eval('#origin-bar', (bar) => bar.getAttribute('aria-valuenow')), '0')
    assert.equal(await second.page.$eval('#peers-bar', (bar) => bar.getAttribute('aria-valuenow')), '100')
  })
}

staged('two tabs of the same URL are two visitors, and chat', async (stage) => {
  const { urls } = await startDemo(stage)
  const context = await (await stage.browser()).createBrowserContext()
  const first = await visit(stage, urls[0], 'the first tab', { context })
  const second = await visit(stage, urls[0], 'the second tab', { context })
  assert.equal(second.fromOrigin, 0)
  for (const tab of [first, second]) {
    await tab.page.waitForFunction(() => document.querySelectorAll('.person').length === 2, { polling: 100 })
  }
  await second.page.type('#chat-text', 'Hello from the second tab')
  await second.page.keyboard.press('Enter')
  await first.page.waitForFunction(
    () => document.getElementById('chat-log').textContent.includes('Hello from the second tab'),
    { polling: 100, timeout: 10_000 },
  )
})

staged('with peer loading off, everything comes from the origin', async (stage) => {
  const { urls } = await startDemo(stage)
  await visit(stage, urls[0], 'the first visitor')
  const address = new URL(urls[1])
  address.searchParams.set('mode', 'off')
  const second = await visit(stage, address.href, 'the second visitor')
  assert.equal(second.stats.originPictures, PICTURES)
  assert.equal(second.stats.peerBytes, 0)
})

/** Resolves to the URLs that the demo prints. */
async function startDemo(stage) {
  const network = stage.network()
  const demo = network.keep(new Program('velox', ['demo', '--json', '--http', '127.0.0.1:0']))
  const ready = await demo.event('ready', 60_000)
  const urls = [ready.urls[0], ready.urls[0]]
  return { demo, urls }
}
