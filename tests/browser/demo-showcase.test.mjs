/**
 * `velox demo`: the first visitor loads the gallery from the origin, the second from the first, and
 * both attach by WebRTC-direct.
 */

import assert from 'node:assert/strict'
import { lanAddress } from '../support/lan.mjs'
import { Program } from '../support/processes.mjs'
import { noWebRtcDirect, noWebSocket } from '../support/reach.mjs'
import { staged } from '../support/stage.mjs'

const PICTURES = 24

/**
 * Opens the showcase and waits until every picture is shown or given up.
 *
 * @param {import('../support/stage.mjs').Stage} stage
 * @param {string} url
 * @param {string} name
 * @param {{
 *   kind?: string,
 *   context?: import('puppeteer-core').BrowserContext,
 *   prepare?: (page: import('puppeteer-core').Page) => Promise<unknown>,
 * }} [where]
 */
async function visit(stage, url, name, { kind, context, prepare } = {}) {
  const { page } = stage.watch(await stage.page(kind, context), name)
  await prepare?.(page)
  // Picture bytes as the browser saw them on the wire, whatever the page says.
  let fromOrigin = 0
  page.on('response', (response) => {
    if (/\/pictures\//.test(response.url())) fromOrigin += Number(response.headers()['content-length'] ?? 1)
  })
  await page.goto(url)
  await page.waitForFunction(() => window.showcase?.stats.done, { polling: 100, timeout: 30_000 })
  const stats = await page.evaluate(() => ({ ...window.showcase.stats }))
  const carriers = await page.evaluate(() => window.showcase.velox.attachments.map(({ carrier }) => carrier))
  return { page, stats, carriers, fromOrigin }
}

function text(visitor, id) {
  return visitor.page.$eval(`#${id}`, (element) => element.textContent)
}

for (const [kind, host] of /** @type {const} */ ([
  ['chromium', '127.0.0.1'],
  // It does no ICE on loopback.
  ['firefox', lanAddress() ?? '127.0.0.1'],
])) {
  staged(`the second visitor (${kind}) loads 0 picture bytes from the origin, and its bars say so`, async (stage) => {
    const { urls } = await startDemo(stage, host)
    const first = await visit(stage, urls[0], 'the first visitor')
    assert.equal(first.stats.originPictures, PICTURES)
    assert.equal(first.stats.failed, 0)
    assert.ok(first.fromOrigin > PICTURES * 100_000, 'the pictures have their size')

    const second = await visit(stage, urls[1], 'the second visitor', { kind, prepare: noWebSocket })
    for (const { carriers } of [first, second]) {
      assert.deepEqual([...new Set(carriers)], ['webrtc-direct'])
    }
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

staged('where no UDP gets through, a visitor attaches by WebSocket', async (stage) => {
  const { urls } = await startDemo(stage)
  const visitor = await visit(stage, urls[0], 'the visitor', { prepare: noWebRtcDirect })
  assert.deepEqual([...new Set(visitor.carriers)], ['websocket'])
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

staged('behind a button the page says what works here', async (stage) => {
  const { urls } = await startDemo(stage)
  const visitor = await visit(stage, urls[0], 'the visitor')
  await visitor.page.click('#diagnose')
  await visitor.page.waitForFunction(() => document.querySelector('#diagnosis-advice li'), { polling: 100, timeout: 10_000 })
  assert.match(await text(visitor, 'diagnosis-facts'), /UDPgets out and back.*Node 1\d+ ms by WebRTC.*Clockright/)
  assert.equal(await text(visitor, 'diagnosis-advice'), 'All is well.')
})

/** Resolves to the URLs that the demo prints. */
async function startDemo(stage, host = '127.0.0.1') {
  const network = stage.network()
  const demo = network.keep(new Program('velox', ['demo', '--json', '--http', `${host}:0`]))
  const ready = await demo.event('ready', 60_000)
  const urls = [ready.urls[0], ready.urls[0]]
  return { demo, urls }
}
