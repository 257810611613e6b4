/** A page that loses the network throws nothing, and is attached at once when the network is back. */

import assert from 'node:assert/strict'
import { until } from '../support/deadline.mjs'
import { staged } from '../support/stage.mjs'

/** Back in its rooms within so long of the network's return. */
const BACK_MS = 3_000
/** By then a page would wait for seconds between two dials. */
const DIALS = 10

staged('a page that was offline is attached as soon as it is online', async (stage) => {
  const [a, b] = await stage.network().start(2)
  const wanderer = await stage.visitor(a, { prepare: loseNetwork })
  const friend = await stage.visitor(b)
  await Promise.all([wanderer.ask('join', 'lobby'), friend.ask('join', 'lobby')])
  await Promise.all([wanderer.ask('connected', friend.peerId), friend.ask('connected', wanderer.peerId)])
  await wanderer.ask('attached', 2)

  const { page } = wanderer
  await page.evaluate(() => window.network(false))
  await until(async () => (await page.evaluate(() => window.visitor.velox.state)) === 'detached', 'it to be detached')
  await until(async () => (await page.evaluate(() => window.dials())) >= DIALS, `${DIALS} dials in vain`)

  const online = performance.now()
  await page.evaluate(() => window.network(true))
  await wanderer.ask('attached', 1, BACK_MS)
  const attached = performance.now() - online
  await wanderer.ask('connected', friend.peerId, BACK_MS)
  await friend.ask('connected', wanderer.peerId, BACK_MS)
  await wanderer.ask('say', 'back')
  await friend.ask('hears', wanderer.peerId, 'back')
  console.log(
    `online to attached ${Math.round(attached)} ms, to being heard in the room ${Math.round(performance.now() - online)} ms`,
  )
  assert.ok(attached < 1_000, `${attached} ms`)
  assert.deepEqual(wanderer.log.filter((line) => line.startsWith('thrown')), [])
})

/** Runs before the page's own scripts. `window.network(false)` cuts its WebSockets and lets none open. */
function loseNetwork(page) {
  return page.evaluateOnNewDocument(() => {
    const Socket = window.WebSocket
    const open = new Set()
    let there = true
    let dials = 0
    window.WebSocket = class extends Socket {
      constructor(url, protocols) {
        // Nobody listens on port 1.
        super(there ? url : 'ws://127.0.0.1:1/', protocols)
        if (!there) dials++
        open.add(this)
      }
    }
    window.dials = () => dials
    window.network = (online) => {
      there = online
      Object.defineProperty(navigator, 'onLine', { value: online, configurable: true })
      window.dispatchEvent(new Event(online ? 'online' : 'offline'))
      if (!online) for (const socket of open) socket.close()
    }
  })
}
