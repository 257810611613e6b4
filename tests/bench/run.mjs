/**
 * Prints the figures of docs/benchmarks.md for this machine and writes them to results.json.
 * `RUNS=3 node bench/run.mjs introductions` runs a part, and fewer times.
 */

import { writeFile } from 'node:fs/promises'
import { cpus, release, type } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bulk } from './bulk.mjs'
import { direct } from './direct/index.mjs'
import { report } from './direct/report.mjs'
import { median, percentile, table } from './figures.mjs'
import { introductions } from './introductions.mjs'
import { perf } from './perf.mjs'
import { relay } from './relay.mjs'
import { sizes } from './sizes.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
// What is measured is what is shipped.
process.env.VELOX_BIN_DIR ??= join(process.env.CARGO_TARGET_DIR ?? join(root, 'target'), 'release')

const runs = Number(process.env.RUNS ?? 20)
const bulkRuns = Math.min(runs, 7)
const parts = process.argv.slice(2)
const wanted = (part) => !parts.length || parts.includes(part)
const progress = (text) => process.stderr.write(`\r\x1b[K${text}`)

const results = {
  date: new Date().toISOString().slice(0, 10),
  machine: `${cpus().length} × ${cpus()[0]?.model.trim()}, ${type()} ${release()}`,
}

if (wanted('introductions')) {
  const { browser, warm, cold } = (results.introductions = await introductions(runs, progress))
  progress('')
  const row = (name, { velox, peerjs }) => [
    name,
    ...[velox, peerjs].flatMap((values) => [ms(median(values)), ms(percentile(values, 0.95))]),
    (median(velox) / median(peerjs)).toFixed(2),
  ]
  console.log(`\nIntroduction on loopback, ms, ${runs} runs (${browser})\n`)
  console.log(
    table(
      ['', 'Velox Mesh median', 'p95', 'PeerJS median', 'p95', 'ratio of medians'],
      [row('warm: join → open channel', warm), row('cold: navigation → open channel', cold)],
    ),
  )
}
if (wanted('bulk')) {
  const { get, raw } = (results.bulk = await bulk(bulkRuns, progress))
  progress('')
  const ratios = get.map((value, run) => value / raw[run])
  console.log(`\n64 MiB from page to page, MB/s, median of ${bulkRuns} runs\n`)
  console.log(
    table(
      ['get by CID, verified', 'raw RTCDataChannel', 'ratio, median of pairs'],
      [[median(get).toFixed(1), median(raw).toFixed(1), median(ratios).toFixed(2)]],
    ),
  )
}
if (wanted('perf')) {
  const figures = (results.perf = await perf(bulkRuns, progress))
  progress('')
  const { raw, download, upload, downloadCpu, uploadCpu, far, farUp } = figures
  const ratio = (values) => median(values.map((value, run) => value / raw[run])).toFixed(2)
  const row = (name, near, cpu, distant) => [name, median(near).toFixed(1), ratio(near), median(cpu).toFixed(0), median(distant).toFixed(1)]
  console.log(`\nBulk over one WebRTC-direct stream, MB/s, median of ${bulkRuns} runs\n`)
  console.log(
    table(
      ['', 'loopback', 'ratio to raw', 'CPU s of the node per GiB', '50 ms path'],
      [
        row('node → Chromium', download, downloadCpu, far),
        row('Chromium → node', upload, uploadCpu, farUp),
        ['raw, page to page, 16 KiB messages', median(raw).toFixed(1), '', '', ''],
      ],
    ),
  )
  console.log(`\n${(figures.much / 1e6).toFixed(0)} MB in 10,000 messages of 60 kB each way: none missing`)
}
if (wanted('relay')) {
  const { velox, coturn } = (results.relay = await relay(bulkRuns, progress))
  progress('')
  const rows = Object.keys(velox).map((clients) => {
    const ratio = (what) => (median(velox[clients][what]) / median(coturn[clients][what])).toFixed(2)
    const both = (what, digits) => [velox, coturn].map((server) => median(server[clients][what]).toFixed(digits))
    return [clients, ...both('speed', 0), ratio('speed'), ...both('cpu', 1), ratio('cpu')]
  })
  console.log(`\nRelayed by TURN on loopback, datagrams of 1,200 bytes, median of ${bulkRuns} runs\n`)
  const columns = ['clients', 'velox MB/s', 'coturn MB/s', 'ratio', 'velox CPU s per GiB', 'coturn', 'ratio']
  console.log(table(columns, rows))
}
if (wanted('direct')) {
  results.direct = await direct(runs, progress)
  progress('')
  console.log(`\n${report(results.direct)}`)
}
if (wanted('sizes')) {
  results.sizes = await sizes()
  console.log('\nWhat a page loads, bytes\n')
  const rows = Object.entries(results.sizes).map(([name, { minified, brotli }]) => [name, minified, brotli])
  console.log(table(['', 'minified', 'brotli'], rows))
}
console.log(`\n${results.machine}, ${results.date}`)
await writeFile(new URL('./results.json', import.meta.url), `${JSON.stringify(results, null, 1)}\n`)

function ms(value) {
  return value.toFixed(0)
}
