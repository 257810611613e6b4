/** WebRTC-direct beside WebSocket: what a dial, an attachment and a stranger cost. */

import { chromium } from '../../support/browsers.mjs'
import { CARRIERS } from '../../support/nodes.mjs'
import { dials } from './dials.mjs'
import { fairness, held } from './held.mjs'
import { many } from './many.mjs'
import { strangers } from './strangers.mjs'

const HELD = 1_000
const MANY = 5_000
const FAIR = 100
const STRANGERS = 20_000
/** Few enough of one address that its limits let them all pass: ten. */
const SOURCES = 2_000

const parts = {
  dials: (runs, progress) => dials(runs, progress),
  held: async (_, progress) => {
    const figures = {}
    for (const carrier of CARRIERS) figures[carrier] = await held(HELD, carrier, progress)
    return figures
  },
  fair: (_, progress) => fairness(FAIR, progress),
  strangers: (_, progress) => strangers(STRANGERS, SOURCES, progress),
  many: (_, progress) => many(MANY, progress),
}

/** Resolves to all figures, for report.mjs. */
export async function direct(runs, progress) {
  const figures = { runs, browser: await version() }
  for (const [name, measure] of Object.entries(parts)) figures[name] = await measure(runs, progress)
  return figures
}

async function version() {
  const browser = await chromium()
  const text = await browser.version()
  await browser.close()
  return text
}
