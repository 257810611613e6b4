/** What works and what doesn't, said by the page itself: `velox.diagnose()`, and why sessions fail. */

import assert from 'node:assert/strict'
import { within } from '../support/deadline.mjs'
import { lanAddress } from '../support/lan.mjs'
import { staged, stagedByCarrier } from '../support/stage.mjs'

const HOST = lanAddress() ?? '127.0.0.1'

/** Browser, node and peers are on one machine, whose address may be a private one. */
const TURN = `[turn]
listen = ["${HOST}:0"]
private = true
peers = { private = true, own_host = true }
`
/** They tell addresses, and relay nothing. */
const NO_TURN = `[turn]
listen = ["${HOST}:0"]
private = true
relay = false
`
/** 15 s until a session without a way is given up, and 5 s to find out why. */
const GIVEN_UP_MS = 40_000

stagedByCarrier('a page says that all is well: UDP, nodes, relay and clock', async (stage) => {
  const network = stage.network()
  const [a] = await network.start(2, network.configure(TURN))
  const visitor = await stage.visitor(a)
  await visitor.ask('attached', 2)
  assert.equal(await chunks(visitor), 0, 'nothing is loaded before it is needed')
  const { advice, clockOffset, nodes, nat, ...rest } = await visitor.page.evaluate(() => window.visitor.velox.diagnose())
  assert.equal(await chunks(visitor), 1)
  // A browser that hides the machine's own address can't say whether nodes see the same.
  assert.match(nat, /^(none|cone)$/)
  assert.deepEqual(rest, { udp: true, turn: { offered: true, working: true } })
  assert.equal(nodes.length, 2)
  assert.ok(nodes.every(({ rtt, carrier }) => rtt >= 0 && carrier === network.carrier), JSON.stringify(nodes))
  assert.ok(Number.isInteger(clockOffset) && Math.abs(clockOffset) < 1_000, `${clockOffset} ms`)
  assert.deepEqual(advice, ['All is well.'])
})

staged('a page whose datagrams come back from nowhere says that UDP is blocked', async (stage) => {
  const network = stage.network()
  const [a] = await network.start(2, network.configure(NO_TURN))
  const visitor = await stage.visitor(a, { prepare: deafServers })
  await visitor.ask('attached', 2)
  const { advice, udp, nat, turn } = await visitor.page.evaluate(() => window.visitor.velox.diagnose())
  assert.deepEqual({ udp, nat, turn }, { udp: false, nat: 'unknown', turn: { offered: false, working: false } })
  assert.match(advice.join(' '), /UDP is blocked here and no relay works/)
})

for (const [reason, prepare, words] of /** @type {const} */ ([
  ['no-route', [noWay], /A node with TURN would help/],
  ['udp-blocked', [noWay, deafServers], /lets no UDP through/],
])) {
  staged(`a session that finds no way says so, and which pairs failed (${reason})`, async (stage) => {
    const network = stage.network()
    const [a, b] = await network.start(2, network.configure(NO_TURN))
    const how = { prepare: (page) => Promise.all(prepare.map((each) => each(page))) }
    const [caller, friend] = [await stage.visitor(a, how), await stage.visitor(b, how)]
    await Promise.all([caller.ask('join', 'lobby'), friend.ask('join', 'lobby')])
    const { pairs, message, ...rest } = await firstFailure(caller)
    assert.deepEqual(rest, { peer: friend.peerId, reason })
    assert.match(message, words)
    assert.ok(pairs.some(({ local, remote }) => local === 'host' && remote === 'host'), JSON.stringify(pairs))
  })
}

staged('a peer that answers nobody is said to be gone', async (stage) => {
  const [a, b] = await stage.network().start(2)
  const friend = await stage.visitor(b)
  await friend.ask('join', 'lobby')
  const caller = await stage.visitor(a)
  // Its scripts stand still: nodes list it for half a minute more.
  const devtools = await friend.page.createCDPSession()
  const paused = new Promise((resolve) => devtools.once('Debugger.paused', resolve))
  await devtools.send('Debugger.enable')
  await devtools.send('Debugger.pause')
  await within(paused, 'the page to stand still')
  await caller.ask('join', 'lobby')
  const { peer, reason } = await firstFailure(caller)
  assert.deepEqual({ peer, reason }, { peer: friend.peerId, reason: 'peer-gone' })
  await devtools.send('Debugger.resume')
})

/** How often the page has loaded what explains. */
const chunks = ({ page }) =>
  page.evaluate(() => performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('/velox-diagnose.js')).length)

/** The first session that the room says has failed. */
function firstFailure({ page }) {
  const failure = page.evaluate(
    () =>
      new Promise((resolve) =>
        window.visitor.room.on('fail', ({ peer, ...rest }) => resolve({ peer: peer.peerId, ...rest })),
      ),
  )
  return within(failure, 'a session to fail', GIVEN_UP_MS)
}

/** The page's STUN and TURN servers are asked where nobody listens. */
function deafServers(page) {
  return page.evaluateOnNewDocument(() => {
    const Plain = window.RTCPeerConnection
    window.RTCPeerConnection = class extends Plain {
      constructor(configuration) {
        const iceServers = configuration?.iceServers?.map(() => ({ urls: 'stun:127.0.0.1:9' }))
        super({ ...configuration, ...(iceServers && { iceServers }) })
      }
    }
  })
}

/** Whatever other pages say of where they are, the page looks where nobody listens. */
function noWay(page) {
  return page.evaluateOnNewDocument(() => {
    const { addIceCandidate, setRemoteDescription } = RTCPeerConnection.prototype
    const astray = (text) => text.replace(/(candidate:\S+ \d+ \S+ \d+ \S+) \d+/g, '$1 9')
    RTCPeerConnection.prototype.addIceCandidate = function (init) {
      return addIceCandidate.call(this, { ...init, candidate: astray(init.candidate) })
    }
    RTCPeerConnection.prototype.setRemoteDescription = function (description) {
      return setRemoteDescription.call(this, { type: description.type, sdp: astray(description.sdp) })
    }
  })
}
