/**
 * Sets a run with real nodes beside a simulated one, and draws both:
 * `node bench/fidelity.mjs real.json simulated.json [folder for the drawings]`.
 *
 * Both files have `gossip_ms`, `lookup_first_ms` and `lookup_end_ms`, arrays of samples taken
 * between the same two moments (bench/fidelity says which), and may have `connections`, one
 * number for each node. The real one is velox-fidelity's, the other the simulator's.
 */

import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { median, percentile, table } from './figures.mjs'
import { drawing } from './fidelity-drawing.mjs'

/** The medians may differ by as much. */
const BOUND = 0.15

const MEASURES = {
  gossip_ms: 'a join until another peer sees it',
  lookup_first_ms: 'a look-up until its first provider',
  lookup_end_ms: 'a look-up until its end',
}

const [realPath, simulatedPath, folder = fileURLToPath(new URL('../../docs/images', import.meta.url))] =
  process.argv.slice(2)
if (!simulatedPath) {
  console.error('usage: node bench/fidelity.mjs real.json simulated.json [folder]')
  process.exit(2)
}
const [real, simulated] = await Promise.all([realPath, simulatedPath].map(load))

const rows = Object.entries(MEASURES).map(([key, name]) => row(name, real[key], simulated[key]))
if (real.connections?.length && simulated.connections?.length) {
  rows.push(row('connections of a node', real.connections, simulated.connections))
}
console.log(
  table(['ms', 'real p50', 'p90', 'p99', 'samples', 'simulated p50', 'p90', 'p99', 'samples', 'ratio of medians'], rows),
)
const off = ['gossip_ms', 'lookup_first_ms'].filter((key) => {
  const ratio = median(simulated[key]) / median(real[key])
  return !(Math.abs(ratio - 1) <= BOUND)
})
console.log(
  off.length
    ? `\nfurther apart than ${BOUND * 100} %: ${off.map((key) => MEASURES[key]).join(', ')}`
    : `\nthe medians of gossip and of look-ups lie within ${BOUND * 100} % of each other`,
)

const panel = (key) => ({ title: MEASURES[key], real: real[key], simulated: simulated[key] })
await writeFile(join(folder, 'fidelity-gossip.svg'), drawing([panel('gossip_ms')]))
await writeFile(join(folder, 'fidelity-lookup.svg'), drawing([panel('lookup_first_ms'), panel('lookup_end_ms')]))

/** A run's samples; says what is missing. */
async function load(path) {
  const run = JSON.parse(await readFile(path, 'utf8'))
  for (const key of Object.keys(MEASURES)) {
    const samples = run[key]
    if (!Array.isArray(samples) || !samples.length || !samples.every(Number.isFinite)) {
      console.error(`${path} has no samples under "${key}": is it the output of a run?`)
      process.exit(1)
    }
  }
  return run
}

function row(name, ours, theirs) {
  const figures = (values) => [
    ...[0.5, 0.9, 0.99].map((p) => (p === 0.5 ? median(values) : percentile(values, p)).toFixed(0)),
    values.length,
  ]
  return [name, ...figures(ours), ...figures(theirs), (median(theirs) / median(ours)).toFixed(2)]
}
