/**
 * `get` over one session against a raw data channel, in the same two pages, in turns:
 * `node --import tsx test/bench-content.ts [rounds] [MiB]`. Prints MB/s and the ratio of medians.
 */
import { openPage } from './browser.js'
import type * as pageCode from './pages/content.js'

declare const window: { test: typeof pageCode }

const rounds = Number(process.argv[2] ?? 7)
const size = Number(process.argv[3] ?? 64) * 1024 * 1024
const settings: [message: number, buffered: number][] = [
  [64, 256],
  [16, 256],
  [256, 256],
  [64, 128],
  [64, 512],
]

const median = (values: number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]

const opened = await openPage('content', 2)
try {
  const [one, two] = opened.pages
  await two.evaluate((peer) => window.test.connect(peer), await one.evaluate(() => window.test.self()))
  const rates = new Map<string, number[]>()
  const note = (name: string, ms: number): void => {
    const rate = size / 1000 / ms
    rates.set(name, [...(rates.get(name) ?? []), rate])
    console.log(`${name}: ${rate.toFixed(1)} MB/s`)
  }
  for (let round = 0; round < rounds; round++) {
    const { cid, ms } = await one.evaluate((bytes) => window.test.put(bytes), size)
    note('put', ms)
    note('get', (await two.evaluate((text) => window.test.get(text), cid)).ms)
    await one.evaluate((text) => window.test.content.forget(text), cid)
    for (const [message, buffered] of process.argv[4] ? settings.slice(0, 1) : settings) {
      const received = two.evaluate((bytes) => window.test.rawReceive(bytes), size)
      await Promise.all([
        one.evaluate((bytes, m, b) => window.test.rawSend(bytes, m, b), size, message * 1024, buffered * 1024),
        received,
      ])
      note(`raw ${message}/${buffered} KiB`, await received)
    }
  }
  const raw = [...rates].filter(([name]) => name.startsWith('raw')).map(([, values]) => median(values))
  for (const [name, values] of rates) console.log(`median ${name}: ${median(values).toFixed(1)} MB/s`)
  console.log(`get against the best raw setting: ${(median(rates.get('get')!) / Math.max(...raw)).toFixed(2)}`)
} finally {
  await opened.close()
}
