/** What a process uses, by Linux's own account. */

import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** Linux counts processor time for programs in hundredths of a second, whatever the kernel does. */
const TICKS_PER_SECOND = 100

/** Resident memory in KiB. */
export function residentKiB(pid) {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kib)
}

/** Processor time so far, in ms: the program's own and the kernel's on its behalf. */
export function processorMs(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The program's name, in parentheses, may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND
}

/** Share of a core that is used during `ms`, in percent. */
export async function processorShare(pid, ms) {
  const [start, before] = [performance.now(), processorMs(pid)]
  await sleep(ms)
  return ((processorMs(pid) - before) / (performance.now() - start)) * 100
}
