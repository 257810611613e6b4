/**
 * Bulk over one WebRTC-direct stream between a node and Chromium, beside a raw RTCDataChannel
 * between two pages of Chromium at the same message size, 16 KiB; and on a path of 50 ms.
 */

import { join } from 'node:path'
import { chromium } from '../support/browsers.mjs'
import { serveScript } from '../support/scripts.mjs'
import { Program } from '../support/processes.mjs'
import { byChannel } from './bulk.mjs'
import { processorMs } from './usage.mjs'

const BYTES = 64 * 1024 * 1024
const MESSAGE = 16 * 1024
/** What is sent each way to see whether any of it is lost: 10,000 messages of 60 kB. */
const MUCH = 10_000 * 60_000
/** Milliseconds there and back. */
const FAR_MS = 50
const FAR_BYTES = 16 * 1024 * 1024

/** Resolves to arrays of MB/s, and of processor seconds of the node per GiB. */
export async function perf(runs, progress) {
  const site = await serveScript('bench/perf-page.js', 'perf')
  const near = await listener(0)
  const far = await listener(FAR_MS / 2)
  const result = { download: [], upload: [], raw: [], downloadCpu: [], uploadCpu: [], far: [], farUp: [] }
  try {
    for (let run = 0; run <= runs; run++) {
      const browser = await chromium()
      try {
        const open = async () => {
          const page = await (await browser.createBrowserContext()).newPage()
          await page.goto(site.url)
          return page
        }
        const [page, other] = [await open(), await open()]
        const keep = (name, value) => run > 0 && result[name].push(value)
        const measures = [
          async () => {
            await page.evaluate((to) => window.perf.connect(to), near.address)
            for (const way of ['download', 'upload']) {
              const before = near.cpu()
              const seconds = await page.evaluate((what, bytes) => window.perf[what](bytes), way, BYTES)
              keep(`${way}Cpu`, ((near.cpu() - before) / BYTES) * 1024 ** 3)
              keep(way, BYTES / 1e6 / seconds)
            }
          },
          async () => keep('raw', BYTES / 1e6 / (await byChannel(page, other, BYTES, MESSAGE))),
        ]
        for (const measure of run % 2 ? measures : measures.reverse()) await measure()
        await page.evaluate((to) => window.perf.connect(to), far.address)
        for (const [name, way] of [['far', 'download'], ['farUp', 'upload']]) {
          const seconds = await page.evaluate((what, bytes) => window.perf[what](bytes), way, FAR_BYTES)
          keep(name, FAR_BYTES / 1e6 / seconds)
        }
      } finally {
        await browser.close()
      }
      progress(`perf ${run}/${runs}`)
    }
    const browser = await chromium()
    const page = await browser.newPage()
    await page.goto(site.url)
    await page.evaluate((to) => window.perf.connect(to), near.address)
    // Each counts what has arrived, and fails where any is missing.
    for (const way of ['download', 'upload']) {
      await page.evaluate((what, bytes) => window.perf[what](bytes), way, MUCH)
      progress(`perf: 10,000 messages of 60 kB, ${way}`)
    }
    await browser.close()
    return { ...result, much: 2 * MUCH }
  } finally {
    for (const { program } of [near, far]) program.kill()
    site.close()
  }
}

async function listener(delay) {
  const command = join(process.env.VELOX_BIN_DIR ?? '', 'velox-perf')
  const program = new Program('velox-perf', ['--delay-ms', String(delay)], { command })
  const [address] = (await program.event('ready')).addrs
  return { program, address, cpu: () => processorMs(program.pid) / 1000 }
}
