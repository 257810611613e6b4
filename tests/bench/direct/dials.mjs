/** How long a page takes from `Velox.start` to attached, by each carrier, in changing order. */

import { chromium } from '../../support/browsers.mjs'
import { CARRIERS } from '../../support/nodes.mjs'
import { withNode } from './crowd.mjs'
import { openPage } from './page.mjs'

/** Resolves to ms by carrier. */
export function dials(runs, progress) {
  return withNode(async (node) => {
    const browser = await chromium()
    const ms = Object.fromEntries(CARRIERS.map((carrier) => [carrier, []]))
    try {
      const page = await openPage(browser, node)
      // The first pair only warms the browser up.
      for (let run = 0; run <= runs; run++) {
        for (const carrier of run % 2 ? CARRIERS : [...CARRIERS].reverse()) {
          const took = await page.dial(carrier)
          if (run > 0) ms[carrier].push(took)
        }
        progress(`dials ${run}/${runs}`)
      }
      page.close()
      return ms
    } finally {
      await browser.close()
    }
  })
}
