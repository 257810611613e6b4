/** One line of the table: two browsers behind NATs meet in a room. */

import { settled } from './connections.mjs'
import { expected } from './theory.mjs'

/** Longer than two attempts take. */
const MEET_MS = 20_000

/** From `join` to the open control channel: the promises for this path. */
const OPEN_MS = { direct: 1_500, relay: 2_500 }

/**
 * A line of the table. `ms` from the second's `join` to the open control channel.
 *
 * @typedef {{
 *   first: string, second: string, expected: 'direct' | 'relay', way: 'direct' | 'relay' | 'none',
 *   candidates: string[], ms?: number, error?: string,
 * }} Line
 */

/**
 * What a line should have been and wasn't; nothing where all is well.
 *
 * @param {Line} line
 */
export function shortcomings({ expected, way, ms, error }) {
  if (error) return [error]
  return [
    ...(way === expected ? [] : [`${way} instead of ${expected}`]),
    ...(ms <= OPEN_MS[expected] ? [] : [`${ms.toFixed(0)} ms instead of ${OPEN_MS[expected]} at most`]),
  ]
}

/**
 * Both join, the second measures; then they exchange a message.
 *
 * @param {import('./scene.mjs').Scene} scene
 * @param {string[]} pair kinds of NAT
 * @returns {Promise<Line>}
 */
export async function meet(scene, [first, second]) {
  /** @type {Line} */
  const line = { first, second, expected: expected(first, second), way: 'none', candidates: [] }
  await Promise.all([scene.behind('ann', first), scene.behind('bob', second)])
  const visitors = []
  try {
    visitors.push(...(await Promise.all([scene.attached('ann'), scene.attached('bob')])))
    const [ann, bob] = visitors
    const room = scene.room()
    await ann.ask('join', room)
    await bob.ask('join', room)
    const [ms] = await Promise.all([
      bob.ask('connected', ann.peerId, MEET_MS),
      ann.ask('connected', bob.peerId, MEET_MS),
    ])
    await ann.ask('say', 'hello')
    await bob.ask('hears', ann.peerId, 'hello')
    await bob.ask('say', 'hello yourself')
    await ann.ask('hears', bob.peerId, 'hello yourself')
    return { ...line, ...(await settled(line.expected, ann.page, bob.page)), ms }
  } catch (error) {
    const logs = visitors.flatMap(({ name, log }) => log.map((entry) => `${name}: ${entry}`))
    return { ...line, error: [error.message, ...logs.slice(-10)].join('\n') }
  } finally {
    await Promise.allSettled(visitors.map(({ page }) => page.browserContext().close()))
  }
}
