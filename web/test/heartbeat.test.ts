/** A silent session is found dead after four pings; a page that slept condemns nobody. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { Heartbeat } from '../src/session/heartbeat.js'
import { PING_EVERY } from '../src/session/limits.js'

test('silence is pinged four times, then it is death', () => {
  const heartbeat = new Heartbeat(0)
  const said = [1, 2, 3, 4, 5].map((tick) => heartbeat.tick(tick * PING_EVERY))
  assert.deepEqual(said, ['ping', 'ping', 'ping', 'ping', 'dead'])
})

test('traffic needs no pings, and any answer starts the count afresh', () => {
  const heartbeat = new Heartbeat(0)
  heartbeat.heard(PING_EVERY - 1)
  assert.equal(heartbeat.tick(PING_EVERY), 'nothing')
  assert.equal(heartbeat.tick(2 * PING_EVERY), 'ping')
  assert.equal(heartbeat.tick(3 * PING_EVERY), 'ping')
  heartbeat.heard(3 * PING_EVERY + 10)
  assert.equal(heartbeat.tick(4 * PING_EVERY), 'nothing')
  for (const tick of [5, 6, 7, 8]) assert.equal(heartbeat.tick(tick * PING_EVERY), 'ping')
  assert.equal(heartbeat.tick(9 * PING_EVERY), 'dead')
})

test('between two pings nothing is done, however often it is asked', () => {
  const heartbeat = new Heartbeat(0)
  const said = [2, 4, 6, 8].map((seconds) => heartbeat.tick(seconds * 1_000))
  assert.deepEqual(said, ['nothing', 'ping', 'nothing', 'ping'])
})

test('timers that slept don’t count', () => {
  const heartbeat = new Heartbeat(0)
  // A hidden page's timer wakes once a minute.
  for (let minute = 1; minute < 10; minute++) assert.equal(heartbeat.tick(minute * 60_000), 'ping')
})
