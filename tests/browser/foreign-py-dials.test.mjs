/** py-libp2p dials a node by WebRTC-direct, in either handshake. */

import assert from 'node:assert/strict'
import { startPyDialer } from '../support/foreign.mjs'
import { stagedOverDirect } from '../support/stage.mjs'

const STREAMS = 200

for (const version of [1, 2]) {
  stagedOverDirect(`py-libp2p dials a node in handshake v${version}, and has it answer on ${STREAMS} streams`, async (stage) => {
    const network = stage.network()
    const node = await network.startNode()
    const program = startPyDialer(network, node.entrances()[0], version, STREAMS)
    assert.equal((await program.event('connected')).peer, node.peerId)
    const identified = await program.event('identified')
    assert.match(identified.agent, /^velox\//)
    assert.ok(identified.protocols.includes('/velox/attach/1'))
    assert.equal((await program.event('pinged', 60_000)).answered, STREAMS)
    await program.event('left')
  })
}
