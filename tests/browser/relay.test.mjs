/** `privacy: 'relay'`: pages meet by their nodes' TURN servers, and learn no address of each other. */

import assert from 'node:assert/strict'
import { lanAddress } from '../support/lan.mjs'
import { stagedByCarrier } from '../support/stage.mjs'

/** Browser, node and peers are on one machine, whose address may be a private one. */
const TURN = `[turn]
listen = ["${lanAddress() ?? '127.0.0.1'}:0"]
private = true
peers = { private = true, own_host = true }
`

stagedByCarrier('two pages that hide their addresses meet by relay alone', async (stage) => {
  const network = stage.network()
  const nodes = await network.start(2, network.configure(TURN))
  const how = { prepare: keepConnections, options: { privacy: 'relay' } }
  const [first, second] = [await stage.visitor(nodes[0], how), await stage.visitor(nodes[1], how)]
  await Promise.all([first.ask('join', 'lobby'), second.ask('join', 'lobby')])
  await Promise.all([first.ask('connected', second.peerId), second.ask('connected', first.peerId)])
  await first.ask('say', 'from nowhere')
  await second.ask('hears', first.peerId, 'from nowhere')

  const relayed = await Promise.all(nodes.map(async (node) => (await node.status()).turn.relayed_bytes))
  assert.ok(Math.max(...relayed) > 1_000, `${relayed} bytes were relayed`)
  const addresses = new Set([lanAddress(), '127.0.0.1'])
  for (const visitor of [first, second]) {
    const [session] = await visitor.page.evaluate(seen)
    for (const side of ['local', 'remote']) {
      const types = session[side].map(({ type }) => type)
      assert.ok(types.length > 0 && types.every((type) => type === 'relay'), `${side}: ${types}`)
    }
    // A relayed candidate may name, as where it comes from, what it is to hide.
    const related = [...session.sdp.matchAll(/ raddr (\S+)/g)].map(([, address]) => address)
    assert.deepEqual(related.filter((address) => addresses.has(address)), [])
    assert.match(session.sdp, / typ relay/)
    assert.doesNotMatch(session.sdp, / typ (host|srflx|prflx)/)
  }
})

/** Runs before the page's own scripts: its connections are kept where the test finds them. */
function keepConnections(page) {
  return page.evaluateOnNewDocument(() => {
    const connections = []
    const Plain = window.RTCPeerConnection
    window.RTCPeerConnection = class extends Plain {
      constructor(configuration) {
        super(configuration)
        connections.push(this)
      }
    }
    window.connections = connections
  })
}

/** Runs in the page: every candidate of its sessions, and what their descriptions say. */
async function seen() {
  const isSession = (pc) => pc.getConfiguration().bundlePolicy === 'max-bundle'
  // When both have offered at once, one offer was for nothing.
  const sessions = window.connections.filter((pc) => isSession(pc) && pc.connectionState === 'connected')
  return Promise.all(
    sessions.map(async (pc) => {
      const stats = [...(await pc.getStats()).values()]
      const of = (side) => stats.filter(({ type }) => type === `${side}-candidate`)
      const candidates = (side) => of(side).map(({ candidateType, address }) => ({ type: candidateType, address }))
      return {
        local: candidates('local'),
        remote: candidates('remote'),
        sdp: pc.localDescription.sdp + pc.remoteDescription.sdp,
      }
    }),
  )
}
