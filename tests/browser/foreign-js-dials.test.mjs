/**
 * Stock js-libp2p in Chromium dials by WebRTC-direct: a node of ours, and rust-libp2p's own
 * behaviours over our transport.
 */

import assert from 'node:assert/strict'
import { startStockPage, startStockRust } from '../support/foreign.mjs'
import { stagedOverDirect } from '../support/stage.mjs'

const STREAMS = 2_000
const AT_ONCE = 64

stagedOverDirect('js-libp2p dials a node: both identify themselves, and a ping is answered', async (stage) => {
  const network = stage.network()
  const node = await network.startNode()
  const page = await startStockPage(stage)
  const met = await page.ask('greet', node.entrances()[0])
  assert.equal(met.peer, node.peerId)
  assert.match(met.over, /\/webrtc-direct\//)
  assert.match(met.agentVersion, /^velox\//)
  assert.equal(met.protocolVersion, `/velox/${network.name}/1`)
  assert.ok(met.protocols.includes('/ipfs/ping/1.0.0'))
  assert.ok(met.protocols.includes('/velox/attach/1'))
  assert.ok(met.rtt >= 0)
})

stagedOverDirect(`js-libp2p has a node answer on ${STREAMS} streams, one after the other`, async (stage) => {
  const node = await stage.network().startNode()
  // rust-libp2p answers one ping stream at a time, and js-libp2p's monitor closes a connection
  // on which the ping that it sends every 10 s is the other one.
  const page = await startStockPage(stage, { connectionMonitor: { enabled: false } })
  await page.ask('greet', node.entrances()[0])
  assert.deepEqual(await page.ask('pings', STREAMS), { right: STREAMS, ended: STREAMS })
})

stagedOverDirect(`js-libp2p has ${AT_ONCE} streams to rust-libp2p open at once`, async (stage) => {
  const { address } = await startStockRust(stage)
  const page = await startStockPage(stage)
  await page.ask('greet', address)
  // From the second round on the browser uses ids of channels again that have just been closed.
  for (let round = 0; round < 8; round++) {
    assert.deepEqual(await page.ask('echoes', AT_ONCE, 20_000), { open: AT_ONCE, right: AT_ONCE })
  }
})

stagedOverDirect('js-libp2p and rust-libp2p gossip 60 kB both ways', async (stage) => {
  const { program, address } = await startStockRust(stage)
  const page = await startStockPage(stage)
  await page.ask('greet', address)
  assert.equal(await page.ask('gossip', 20, 60_000), 20)
  assert.equal((await program.event('heard')).size, 60_000)
})

stagedOverDirect('two pages of js-libp2p meet by /webrtc over a node as their relay, and go on without it', async (stage) => {
  const node = await stage.network().startNode()
  const [relay] = node.entrances()
  const called = await startStockPage(stage, { relay })
  // It has its reservation.
  const address = await called.ask('reachable')
  assert.ok(address.startsWith(`${relay}/p2p-circuit/webrtc`))

  const caller = await startStockPage(stage)
  const met = await caller.ask('meet', address, 'a few bytes')
  assert.equal(met.text, 'a few bytes')
  assert.equal(met.limited, false)

  await node.kill()
  assert.equal((await caller.ask('meet', address, 'and a few more')).text, 'and a few more')
})

for (const [how, end] of /** @type {const} */ ([
  ['stops', ({ ask }) => ask('stop')],
  ['is closed with its tab', ({ page }) => page.close()],
])) {
  stagedOverDirect(`rust-libp2p notices js-libp2p that ${how}`, async (stage) => {
    const { program, address } = await startStockRust(stage)
    const page = await startStockPage(stage)
    await page.ask('greet', address)
    await end(page)
    assert.equal((await program.event('disconnected')).peer, page.peerId)
  })
}
