/**
 * How long it takes until two pages have an open channel, beside PeerJS with its own PeerServer.
 *
 * Warm: both pages are attached, and the nodes of both serve the room already; from `join` (PeerJS:
 * `connect`) to the open channel. Cold: one page waits; from the other's navigation to the open
 * channel, in a room that no node has heard of before.
 */

import { chromium } from '../support/browsers.mjs'
import { Network } from '../support/nodes.mjs'
import { onlyNodes } from '../support/reach.mjs'
import { startPeerServer } from './peer-server.mjs'
import { open, openedAfter, servePages, veloxAddress } from './pages.mjs'

/** Resolves to `{ warm: { velox, peerjs }, cold: { velox, peerjs }, browser }`, arrays of ms. */
export async function introductions(runs, progress) {
  const network = new Network()
  const site = await servePages()
  const peerServer = await startPeerServer()
  const browser = await chromium()
  try {
    // Two attachments each, as pages have, and no node that both are attached to.
    const nodes = await network.start(4)
    const [hosts, guests] = [nodes.slice(0, 2), nodes.slice(2)]
    const openVelox = (own) => open(browser, veloxAddress(site, network, own), onlyNodes(...own))
    const peerjsAt = `${site.url}peerjs?port=${peerServer.port}`
    const result = {
      browser: await browser.version(),
      warm: { velox: [], peerjs: [] },
      cold: { velox: [], peerjs: [] },
    }

    const veloxHost = await openVelox(hosts)
    await veloxHost.evaluate(() => window.bench.start())
    const peerjsHost = await open(browser, peerjsAt)
    const peerjsId = await peerjsHost.evaluate(() => window.bench.start())
    await veloxHost.evaluate(() => window.bench.join('warm'))
    const keeper = await openVelox(guests)
    await keeper.evaluate(() => window.bench.start({ silent: true }))
    await keeper.evaluate(() => window.bench.join('warm'))

    const veloxGuest = await openVelox(guests)
    const peerjsGuest = await open(browser, peerjsAt)
    const warm = {
      velox: () => meetOnce(veloxGuest, 'warm'),
      peerjs: () => meetOnce(peerjsGuest, peerjsId),
    }
    await alternate(runs, warm, result.warm, (run) => progress(`warm ${run}/${runs}`))
    await keeper.close()

    let rooms = 0
    const cold = {
      velox: async () => {
        const room = `cold-${++rooms}`
        const joined = veloxHost.evaluate((name) => window.bench.join(name), room)
        const ms = await openedAfter(veloxGuest, `${veloxAddress(site, network, guests)}&room=${room}`)
        await joined
        await veloxHost.evaluate(() => window.bench.room.leave())
        return ms
      },
      peerjs: () => openedAfter(peerjsGuest, `${peerjsAt}&peer=${peerjsId}`),
    }
    await alternate(runs, cold, result.cold, (run) => progress(`cold ${run}/${runs}`))
    return result
  } finally {
    await browser.close()
    peerServer.stop()
    site.close()
    await network.close()
  }
}

/** A fresh peer each time; only the meeting is measured. */
async function meetOnce(page, whom) {
  await page.evaluate(() => window.bench.start())
  const ms = await page.evaluate((name) => window.bench.meet(name), whom)
  await page.evaluate(() => window.bench.stop())
  return ms
}

/** Runs pairs in changing order; the first pair only warms the browser up. */
async function alternate(runs, measures, results, progress) {
  for (let run = 0; run <= runs; run++) {
    const order = run % 2 ? ['velox', 'peerjs'] : ['peerjs', 'velox']
    for (const name of order) {
      const ms = await measures[name]()
      if (run > 0) results[name].push(ms)
    }
    progress(run)
  }
}
