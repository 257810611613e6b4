/**
 * Chromium as it is about to be, which lets nobody alter its SDP: whole pages over WebRTC-direct,
 * whose handshake v1 fails there.
 */

import assert from 'node:assert/strict'
import { stagedOverDirect } from '../support/stage.mjs'

stagedOverDirect('two pages whose SDP is left as it is attach over WebRTC-direct and chat', async (stage) => {
  const node = await stage.network().startNode()
  const alice = await stage.visitor(node, { kind: 'strict' })
  const bob = await stage.visitor(node, { kind: 'strict' })
  for (const visitor of [alice, bob]) {
    assert.deepEqual(await visitor.nodes(), [node.peerId])
    assert.deepEqual(await visitor.carriers(), ['webrtc-direct'])
  }

  await Promise.all([alice.ask('join', 'lobby'), bob.ask('join', 'lobby')])
  await Promise.all([alice.ask('connected', bob.peerId), bob.ask('connected', alice.peerId)])
  await alice.ask('say', { text: 'hello' })
  await bob.ask('hears', alice.peerId, { text: 'hello' })
  await bob.ask('say', { text: 'hello yourself' })
  await alice.ask('hears', bob.peerId, { text: 'hello yourself' })
})
