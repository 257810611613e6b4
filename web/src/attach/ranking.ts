/** The order of attachments: the primary is the nearest, but no small gain is worth a change. */
import { RANK_GAIN } from './defaults.js'

/** Puts `added` where it belongs among `ranked`, whose order stays. */
export function rank<T extends { rtt: number }>(ranked: readonly T[], added: T): T[] {
  const at = ranked.findIndex((other) => added.rtt < other.rtt * RANK_GAIN)
  return at < 0 ? [...ranked, added] : [...ranked.slice(0, at), added, ...ranked.slice(at)]
}

/** The middle of some numbers; 0 of none. */
export function median(numbers: number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  if (!sorted.length) return 0
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
