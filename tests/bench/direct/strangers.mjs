/** What datagrams from strangers cost a node that nobody is attached to. */

import { setTimeout as sleep } from 'node:timers/promises'
import { addressOf, ask, withNode } from './crowd.mjs'
import { processorMs, processorShare, residentKiB } from '../usage.mjs'

/** After it nothing is to be left of them. */
const FORGOTTEN_MS = 5_000
/** And the allocator has given back what it held for them. */
const RETURNED_MS = 25_000
const ALONE_MS = 5_000
/** Sent before the measuring, so that code is mapped and buffers have their size. */
const WARM_UP = 2_000

/**
 * Resolves to figures by kind, `contact` and `garbage`: how many were `sent`, of how many `bytes`
 * each, from how many `sources`, how many of them were `answered`; ms of processor time `each`;
 * KiB `before`, right `after`, once they are `forgotten`, and `returned` in the end.
 */
export async function strangers(count, sources, progress) {
  const kinds = {}
  for (const kind of ['contact', 'garbage']) {
    progress(`${count} strangers: ${kind}`)
    kinds[kind] = await withNode((node) => flood(node, kind, count, sources))
  }
  return kinds
}

async function flood(node, kind, count, sources) {
  const { pid } = node.program
  const send = (many) =>
    ask(node, 'sent', [
      ...['strangers', '--node', addressOf(node, 'webrtc-direct'), '--kind', kind],
      ...['--count', String(many), '--sources', String(sources)],
    ])
  await send(WARM_UP)
  await sleep(RETURNED_MS)
  const before = residentKiB(pid)
  const alone = await processorShare(pid, ALONE_MS)
  const [start, used] = [performance.now(), processorMs(pid)]
  const { answered, bytes } = await send(count)
  const lasted = performance.now() - start
  const spent = processorMs(pid) - used - (lasted * alone) / 100
  const after = residentKiB(pid)
  await sleep(FORGOTTEN_MS)
  const forgotten = residentKiB(pid)
  await sleep(RETURNED_MS - FORGOTTEN_MS)
  const returned = residentKiB(pid)
  return { sent: count, bytes, sources, answered, each: spent / count, before, after, forgotten, returned }
}
