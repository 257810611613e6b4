/** A page with our client, which dials a node or holds attachments to it when it is asked. */

import { serve } from '../../support/pages.mjs'
import { open } from '../pages.mjs'
import { addressOf } from './crowd.mjs'

const html = (library) => `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script type="module">
import { Velox } from ${JSON.stringify(library)}
const carrier = (velox) => velox.stats().attachments[0].carrier
/** What the page remembers of a node is dialed beside what it is given. */
const forget = () => new Promise((resolve, reject) => {
  const request = indexedDB.deleteDatabase('velox')
  request.onsuccess = resolve
  request.onerror = reject
})
window.bench = {
  /** From \`start\` to attached: \`{ ms, carrier }\`. */
  async dial(options) {
    const start = performance.now()
    const velox = await Velox.start(options)
    const ms = performance.now() - start
    const dialed = { ms, carrier: carrier(velox) }
    await velox.stop()
    await forget()
    return dialed
  },
  /** Stays attached so many times; returns the carriers. */
  async hold(count, options) {
    this.held = []
    while (this.held.length < count) {
      this.held.push(await Velox.start(options))
      await forget()
    }
    return this.held.map(carrier)
  },
}
window.ready = true
</script>`

/** Opens it; resolves to `{ dial(carrier), hold(count, carrier), close() }`. */
export async function openPage(browser, node) {
  const site = await serve(async (path) =>
    path === '/' ? { type: 'text/html; charset=utf-8', body: html(`${node.http}/velox.js`) } : undefined,
  )
  const page = await open(browser, site.url)
  const options = (carrier) => ({ network: node.network.name, nodes: [addressOf(node, carrier)] })
  const by = (carrier, used) => {
    if (used !== carrier) throw new Error(`the page was to attach by ${carrier}, and has by ${used}`)
  }
  return {
    /** Milliseconds from `Velox.start` to attached. */
    dial: async (carrier) => {
      const dialed = await page.evaluate((given) => window.bench.dial(given), options(carrier))
      by(carrier, dialed.carrier)
      return dialed.ms
    },
    hold: async (count, carrier) => {
      const carriers = await page.evaluate((many, given) => window.bench.hold(many, given), count, options(carrier))
      for (const used of carriers) by(carrier, used)
    },
    close: site.close,
  }
}
