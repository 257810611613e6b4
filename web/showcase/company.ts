/** Whether anybody else is in the room, as far as it can be known soon after joining. */

import type { Room } from './mesh.js'

/** How long an empty room may still turn out not to be: presence comes from other nodes, too. */
const UNKNOWN_MS = 1_200
const EXPECTED_MS = 6_000

/**
 * Resolves as soon as another member is known, or when it is time to believe that there is none.
 * `expected` is what the origin said about the room: 0 is believed at once, undefined is no word.
 */
export function company(room: Room, expected: number | undefined): Promise<void> {
  if (room.peers.size > 0 || expected === 0) return Promise.resolve()
  return new Promise((resolve) => {
    const settle = (): void => {
      clearTimeout(timer)
      off()
      resolve()
    }
    const off = room.on('join', settle)
    const timer = setTimeout(settle, expected ? EXPECTED_MS : UNKNOWN_MS)
  })
}
