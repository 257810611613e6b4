/** Thousands on one node, and how long an envelope takes meanwhile. */

import { addressOf, ask, Crowd, withNode } from './crowd.mjs'
import { processorShare, residentKiB } from '../usage.mjs'

const ENVELOPES = 500
const IDLE_MS = 20_000

/**
 * `count` peers over WebRTC-direct. Resolves to how many `failed` and were `lost`, the ms from
 * dial to welcome, KiB and percent of a core with all of them, and the ms of envelopes between two
 * further peers, before anybody came (`quiet`) and beside the crowd (`crowded`).
 */
export function many(count, progress) {
  return withNode(async (node) => {
    const { pid } = node.program
    const envelopes = () =>
      ask(node, 'envelopes', [
        ...['envelopes', '--node', addressOf(node, 'webrtc-direct'), '--network', node.network.name],
        ...['--count', String(ENVELOPES)],
      ])
    progress('envelopes without a crowd')
    const quiet = await envelopes()
    const started = residentKiB(pid)
    const crowd = new Crowd(node, 'webrtc-direct')
    progress(`${count} attach`)
    const { failed, why, ms } = await crowd.attach(count)
    const idle = await processorShare(pid, IDLE_MS)
    const kib = residentKiB(pid) - started
    progress(`envelopes beside ${count}`)
    const crowded = await envelopes()
    const { lost } = await crowd.count()
    return { count, failed, why, lost, ms, kib, idle, quiet: quiet.ms, crowded: crowded.ms }
  })
}
