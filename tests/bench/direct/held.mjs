/**
 * What a node uses for peers that do nothing: memory and processor time while they are held, and
 * memory when they are gone.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { chromium } from '../../support/browsers.mjs'
import { Crowd, withNode } from './crowd.mjs'
import { openPage } from './page.mjs'
import { processorShare, residentKiB } from '../usage.mjs'

/** Come and gone before anything is measured: the code is mapped, pools are there. */
const WARM_UP = 50
/** Handshakes are over and what they used is given back: notes and tombstones live for 4 s. */
const SETTLE_MS = 10_000
const IDLE_MS = 30_000
/** The allocator gives pages back that nobody has used for ten seconds. */
const GONE_MS = 30_000

/**
 * `count` peers over one carrier. Resolves to KiB when it was `started`, `warm` (after the first
 * few had gone), with all `held` and all `gone`; to the share of a core, in percent, that it used
 * with none (`alone`) and with all of them (`idle`), and the pings that each had a second.
 */
export function held(count, carrier, progress) {
  return withNode(async (node) => {
    const { pid } = node.program
    const crowd = new Crowd(node, carrier)
    const settled = async (ms = SETTLE_MS) => {
      await sleep(ms)
      return residentKiB(pid)
    }
    progress(`${carrier}: warming up`)
    const started = await settled()
    await crowd.attach(WARM_UP)
    await crowd.leave()
    const warm = await settled(GONE_MS)
    const alone = await processorShare(pid, SETTLE_MS)
    progress(`${carrier}: ${count} attach`)
    const { failed, why } = await crowd.attach(count)
    if (failed) throw new Error(`${failed} of ${count} peers didn't attach: ${JSON.stringify(why)}`)
    progress(`${carrier}: ${count} are held`)
    const holding = await settled()
    const before = await crowd.count()
    const idle = await processorShare(pid, IDLE_MS)
    const after = await crowd.count()
    if (after.held !== count) throw new Error(`${count - after.held} of ${count} idle peers were lost`)
    const pings = (after.pings - before.pings) / count / (IDLE_MS / 1000)
    progress(`${carrier}: ${count} are gone`)
    await crowd.leave()
    const gone = await settled(GONE_MS)
    return { count, started, warm, held: holding, gone, alone, idle, pings }
  })
}

/** KiB that the node uses for each of `count` pages of Chromium, and of as many of the crowd. */
export async function fairness(count, progress) {
  progress(`${count} attachments of Chromium`)
  const browsers = await withNode(async (node) => {
    const browser = await chromium()
    try {
      const page = await openPage(browser, node)
      const each = await costOfEach(node, count, () => page.hold(count, 'webrtc-direct'))
      page.close()
      return each
    } finally {
      await browser.close()
    }
  })
  progress(`${count} of the crowd`)
  const crowd = await withNode((node) =>
    costOfEach(node, count, () => new Crowd(node, 'webrtc-direct').attach(count)),
  )
  return { count, browsers, crowd }
}

/** Without what the first few bring, which weighs more among a hundred than among a thousand. */
async function costOfEach(node, count, attach) {
  const first = new Crowd(node, 'webrtc-direct')
  await first.attach(WARM_UP)
  await first.leave()
  await sleep(SETTLE_MS)
  const before = residentKiB(node.program.pid)
  await attach()
  await sleep(SETTLE_MS)
  const { attached } = (await node.status()).attachments
  if (attached !== count) throw new Error(`${attached} of ${count} are attached`)
  return (residentKiB(node.program.pid) - before) / count
}
