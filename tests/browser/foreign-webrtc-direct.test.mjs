/**
 * This client's WebRTC-direct against listeners that aren't ours: stock js-libp2p (handshake v1)
 * and py-libp2p (v2).
 */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { chromium, firefox, strictChromium } from '../support/browsers.mjs'
import { until, within } from '../support/deadline.mjs'
import { serveClient, startJs, startPy } from '../support/foreign.mjs'
import { lanAddress } from '../support/lan.mjs'

const SENT = 'a stream of bytes'
const lan = lanAddress()

/** A browser, a listener and a page to dial it from, all ended with the test. */
function staged(name, { start, host = '127.0.0.1', open = chromium, path = 'direct', skip = undefined }, body) {
  test(name, { timeout: 120_000, skip }, async () => {
    const closers = []
    let listener
    const log = []
    try {
      listener = await start(host)
      closers.push(() => listener.program.kill())
      const site = await serveClient(host)
      closers.push(site.close)
      const browser = await open()
      closers.push(() => browser.close())
      const page = await browser.newPage()
      page.on('console', (message) => log.push(message.text()))
      await page.goto(site.url + path)
      /** Calls what foreign/client.js exports. */
      const once = (what, args, ms) =>
        within(
          page.evaluate((what, args) => window.direct[what](...args), what, [listener.address, ...args]),
          what,
          ms,
        )
      // py-libp2p 0.8.1 at times leaves a stream unanswered: then by a new connection.
      const direct = (what, ...args) =>
        start === startPy ? once(what, args, 7_000).catch(() => once(what, args)) : once(what, args)
      await body({ listener, page, direct, site })
    } catch (error) {
      console.error(listener?.program.tail(), log.slice(-20).join('\n'))
      throw error
    } finally {
      for (const close of closers.reverse()) await close()
    }
  })
}

for (const [whose, start, version, open] of /** @type {const} */ ([
  ['js-libp2p', startJs, 1, chromium],
  // Which knows v1 too, so that on a slow machine either may be first.
  ['py-libp2p', startPy, 2, strictChromium],
])) {
  staged(`${whose}: a stream's bytes go both ways, and each half closes by itself`, { start, open }, async ({ listener, direct }) => {
    const echo = await direct('echo')
    assert.equal(echo.node, listener.peerId)
    assert.equal(echo.version, version)
    assert.equal(echo.text, SENT)
    assert.equal(echo.how, 'finished')
    assert.equal(echo.end, 'closed')
    await listener.program.event('echoed')
  })

  staged(`${whose}: more than fits in a message arrives whole`, { start, open }, async ({ direct }) => {
    assert.equal((await direct('echo', 8, 60_000)).received, 8 * 60_000)
  })

  staged(`${whose}: a reset ends one stream and no other`, { start, open }, async ({ listener, direct }) => {
    assert.equal(await direct('reset'), SENT)
    // Both streams have come to an end; what kind of end a reset is to an idle reader differs.
    const ended = () => listener.program.lines.filter((line) => /"(echoed|failed)"/.test(line)).length
    await until(() => ended() >= 2, 'the listener to see two streams end')
  })

  staged(`${whose}: who isn't the one that the address names is refused`, { start, open }, async ({ listener, page, direct }) => {
    const another = '12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5'
    const reason = await direct('failure', another)
    assert.match(reason, new RegExp(`belongs to node ${listener.peerId}, not ${another}`))
    await closed(page)
  })

  staged(`${whose}: a protocol that nobody speaks is refused by name`, { start, open }, async ({ direct }) => {
    assert.match(await direct('unknown'), /doesn't speak \/nobody\/speaks\/this/)
  })

  staged(`${whose}: Firefox, by a LAN address`, { start, host: lan, open: firefox, skip: lan ? undefined : 'no LAN' }, async ({ listener, direct }) => {
    const echo = await direct('echo')
    assert.equal(echo.node, listener.peerId)
    assert.equal(echo.text, SENT)
  })
}

staged('js-libp2p: 100 streams, one after the other', { start: startJs }, async ({ direct }) => {
  assert.equal(await direct('many', 100), 100)
})

staged('py-libp2p: a browser that lets its SDP be altered', { start: startPy }, async ({ direct }) => {
  assert.equal((await direct('echo')).text, SENT)
})

staged('js-libp2p: with its SDP not to be altered a browser says that nobody answers', { start: startJs, open: strictChromium }, async ({ page, direct }) => {
  assert.notEqual(await direct('failure', undefined, 1_500), 'it succeeded')
  await closed(page)
})

staged('a failed dial leaves no connection open', { start: startPy }, async ({ listener, page, direct }) => {
  listener.program.kill()
  await listener.program.ended
  assert.notEqual(await direct('failure', undefined, 1_500), 'it succeeded')
  assert.equal((await closed(page)).made, 2)
})

/** Waits until no connection of the page is open; resolves to how many there were. */
const closed = (page) =>
  until(async () => {
    const counted = await page.evaluate(() => window.direct.counted())
    return counted.open === 0 && counted
  }, 'the connections of the page to be closed')

/** Starts the whole client in the page: what its attachment looks like. */
const attach = (page, site, nodes, token) =>
  within(
    page.evaluate(
      async (library, nodes, token) => {
        const { Velox } = await import(library)
        const velox = await Velox.start({ network: 'foreign', nodes, token })
        const states = []
        velox.on('state', (state) => states.push(state))
        window.direct = { velox, states }
        return { secure: isSecureContext, peerId: velox.peerId, attachments: velox.stats().attachments }
      },
      `${site.url}velox.js`,
      nodes,
      token,
    ),
    'an attachment',
  )

for (const [where, host, open] of /** @type {const} */ ([
  ['a secure page in Chromium', '127.0.0.1', chromium],
  ['an insecure page in Chromium', lan, chromium],
  ['an insecure page in Firefox', lan, firefox],
])) {
  const how = { start: startJs, host, open, path: '', skip: host ? undefined : 'no LAN' }
  staged(`the client attaches over js-libp2p, and says good-bye: ${where}`, how, async ({ listener, page, site }) => {
    const { secure, peerId, attachments } = await attach(page, site, [listener.address])
    assert.equal(secure, host !== lan)
    assert.equal(attachments.length, 1)
    assert.equal(attachments[0].carrier, 'webrtc-direct')
    assert.equal(attachments[0].peerId, listener.peerId)
    assert.equal((await listener.program.event('hello')).peer, peerId)
    // Answered: what the node says reaches the page.
    await listener.program.event('pong')
    await page.evaluate(() => window.direct.velox.stop())
    await listener.program.event('bye')
    await listener.program.event('finished')
    await listener.program.event('disconnected')
  })
}

for (const token of ['reset me', 'close me']) {
  staged(`the client notices a node that ends its stream: ${token}`, { start: startJs, path: '' }, async ({ listener, page, site }) => {
    await attach(page, site, [listener.address], token)
    await within(page.evaluate(() => new Promise((resolve) => {
      if (window.direct.velox.state === 'detached' || window.direct.states.includes('detached')) resolve(0)
      else window.direct.velox.on('state', (state) => state === 'detached' && resolve(0))
    })), 'the client to be detached')
  })
}

staged('a WebSocket that says nothing holds WebRTC-direct up by nothing', { start: startJs, path: '' }, async ({ listener, page, site }) => {
  const sockets = new Set()
  const mute = createServer((socket) => sockets.add(socket)).listen(0, '127.0.0.1')
  await once(mute, 'listening')
  try {
    const { port } = /** @type {import('node:net').AddressInfo} */ (mute.address())
    const webSocket = `/ip4/127.0.0.1/tcp/${port}/ws/p2p/${listener.peerId}`
    const { attachments } = await attach(page, site, [webSocket, listener.address])
    assert.deepEqual(attachments.map(({ carrier }) => carrier), ['webrtc-direct'])
    // It was dialed, and is let go of.
    assert.equal(sockets.size, 1)
    const [socket] = sockets
    if (!socket.closed) await within(once(socket.resume(), 'close'), 'the WebSocket to be closed')
  } finally {
    for (const socket of sockets) socket.destroy()
    mute.close()
  }
})
