/** `velox.pause()` is quiet, `velox.resume()` is back, and neither says anything twice. */

import assert from 'node:assert/strict'
import { until } from '../support/deadline.mjs'
import { countTimers } from '../support/life.mjs'
import { stagedByCarrier } from '../support/stage.mjs'

stagedByCarrier('a page that pauses leaves its rooms to others, and is back in them when it resumes', async (stage) => {
  const [a, b] = await stage.network().start(2)
  const pauser = await stage.visitor(a, { prepare: countTimers })
  const friend = await stage.visitor(b)
  await Promise.all([pauser.ask('join', 'lobby'), friend.ask('join', 'lobby')])
  await Promise.all([pauser.ask('connected', friend.peerId), friend.ask('connected', pauser.peerId)])
  await pauser.ask('attached', 2)

  await pauser.page.evaluate(() => {
    const { visitor } = window
    visitor.states = []
    visitor.velox.on('state', (state) => visitor.states.push(state))
    visitor.velox.pause()
    visitor.velox.pause()
  })
  await friend.ask('gone', pauser.peerId)
  const paused = await pauser.page.evaluate(async (friendId) => {
    const { velox, room } = window.visitor
    const codes = await Promise.all(
      [
        room.send('chat', 'anybody?'),
        room.request('time', null, { to: friendId }),
        velox.join('elsewhere'),
        velox.put(new Blob(['x'])),
        velox.get('bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy'),
      ].map((promise) => window.visitor.codeOf(promise)),
    )
    const { sessions, rooms, attachments } = velox.stats()
    return { codes, sessions, rooms, attachments, state: velox.state, peers: room.peers.size }
  }, friend.peerId)
  assert.deepEqual(paused, {
    codes: ['paused', 'paused', 'paused', 'paused', 'paused'],
    ...{ sessions: 0, rooms: 1, attachments: [], state: 'paused', peers: 1 },
  })
  // What was under way when it paused has ended, and nothing begins.
  await until(async () => (await pauser.page.evaluate(() => window.timers.pending())) === 0, 'the last timers to end')

  // While it is quiet, one member goes and another comes.
  const newcomer = await stage.visitor(b)
  await newcomer.ask('join', 'lobby')
  await newcomer.ask('connected', friend.peerId)
  const resumed = performance.now()
  await pauser.page.evaluate(() => {
    window.visitor.velox.resume()
    window.visitor.velox.resume()
  })
  for (const other of [friend, newcomer]) {
    await Promise.all([other.ask('connected', pauser.peerId, 3_000), pauser.ask('connected', other.peerId, 3_000)])
  }
  console.log(`resume to all sessions: ${Math.round(performance.now() - resumed)} ms`)
  await pauser.ask('say', 'back')
  for (const other of [friend, newcomer]) {
    await other.ask('hears', pauser.peerId, 'back')
    const said = await other.page.evaluate(() => window.visitor.messages.map(({ body }) => body))
    assert.deepEqual(said, ['back'])
  }
  assert.deepEqual(await pauser.page.evaluate(() => window.visitor.states), ['paused', 'connecting', 'attached'])
  const history = await friend.page.evaluate(
    (peerId) => window.visitor.history.filter((entry) => entry.peer === peerId).map(({ event }) => event),
    pauser.peerId,
  )
  assert.deepEqual(history.slice(history.indexOf('connect')), ['connect', 'disconnect', 'leave', 'join', 'connect'])
})
