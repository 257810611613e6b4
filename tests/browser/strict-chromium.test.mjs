/**
 * Chromium as it is about to be, which lets nobody alter its SDP: whole pages over WebRTC-direct,
 * whose handshake v1 fails there.
 */

import assert from 'node:assert/strict'
import { WEBRTC_DIRECT } from '../support/nodes.mjs'
import { onlyNodes } from '../support/pages.mjs'
import { staged } from '../support/stage.mjs'

/** What carries a page's attachments. */
const carriers = ({ page }) => page.evaluate(() => window.visitor.velox.stats().attachments.map(({ carrier }) => carrier))

staged('two pages without WebSockets, and with their SDP as it is, attach over WebRTC-direct and chat', async (stage) => {
  const node = await stage.network().startNode(WEBRTC_DIRECT)
  // By WebSocket they reach nobody.
  const how = { kind: 'strict', prepare: onlyNodes() }
  const alice = await stage.visitor(node, how)
  const bob = await stage.visitor(node, how)
  for (const visitor of [alice, bob]) {
    assert.deepEqual(await visitor.nodes(), [node.peerId])
    assert.deepEqual(await carriers(visitor), ['webrtc-direct'])
  }

  await Promise.all([alice.ask('join', 'lobby'), bob.ask('join', 'lobby')])
  await Promise.all([alice.ask('connected', bob.peerId), bob.ask('connected', alice.peerId)])
  await alice.ask('say', { text: 'hello' })
  await bob.ask('hears', alice.peerId, { text: 'hello' })
  await bob.ask('say', { text: 'hello yourself' })
  await alice.ask('hears', bob.peerId, { text: 'hello yourself' })
  assert.deepEqual(await carriers(alice), ['webrtc-direct'])
})
