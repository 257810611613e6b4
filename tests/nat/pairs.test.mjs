/** Two browsers connect whatever NATs they are behind: directly where it can be, else by a node's relay. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { missing } from '../support/lab.mjs'
import { meet, shortcomings } from './meeting.mjs'
import { Scene } from './scene.mjs'
import { SOME_PAIRS } from './theory.mjs'

test('pairs of every kind of NAT meet, as directly and as soon as theory allows', { timeout: 300_000 }, async (context) => {
  const reason = missing()
  if (reason) return console.log(`NAT pairs: NOT checked: ${reason}`)
  const scene = await Scene.start()
  try {
    for (const pair of SOME_PAIRS) {
      await context.test(pair.join(' × '), async () => {
        const line = await meet(scene, pair)
        console.log(`${pair.join(' × ')}: ${line.way} ${line.ms?.toFixed(0)} ms (${line.candidates.join(', ')})`)
        assert.deepEqual(shortcomings(line), [])
      })
    }
  } finally {
    await scene.close()
  }
})
