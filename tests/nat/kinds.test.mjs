/**
 * The laboratory's NATs are what they are called: two plain RTCPeerConnections that know their
 * outer ports, and nothing of this project but a STUN server, connect where theory says so.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { missing } from '../support/lab.mjs'
import { Scene } from './scene.mjs'
import { expected } from './theory.mjs'

/** In which what can connect does: several times as long as it takes. */
const CONNECT_MS = 4_000

const PAIRS = [
  ['full-cone', 'full-cone'],
  ['restricted', 'port-restricted'],
  ['port-restricted', 'port-restricted'],
  ['carrier-grade', 'port-restricted'],
  ['carrier-grade', 'carrier-grade'],
  ['symmetric', 'full-cone'],
  ['restricted', 'symmetric'],
  ['symmetric', 'port-restricted'],
  ['symmetric', 'symmetric'],
  ['udp-blocked', 'full-cone'],
]

test('plain connections go directly where the kinds of NAT allow it, and nowhere else', { timeout: 180_000 }, async () => {
  const reason = missing()
  if (reason) return console.log(`NAT kinds: NOT checked: ${reason}`)
  const scene = await Scene.start()
  try {
    for (const [first, second] of PAIRS) {
      const { connected, ms, types } = await connect(scene, first, second)
      console.log(`${first} × ${second}: ${connected ? `${ms.toFixed(0)} ms` : 'no'} (${types.join(', ')})`)
      assert.equal(connected, expected(first, second) === 'direct', `${first} × ${second}`)
    }
  } finally {
    await scene.close()
  }
})

async function connect(scene, first, second) {
  await Promise.all([scene.behind('ann', first), scene.behind('bob', second)])
  const visitors = await Promise.all([scene.visitor('ann'), scene.visitor('bob')])
  const pages = visitors.map(({ page }) => page)
  try {
    // Whatever one side finds goes to the other by way of the test.
    for (const [page, other] of [pages, [...pages].reverse()]) {
      await page.exposeFunction('tell', (what) => other.evaluate((what) => window.plain.hear(what), what).catch(() => {}))
      await page.evaluate(plain, scene.stun)
    }
    const start = performance.now()
    await pages[0].evaluate(() => window.plain.offer())
    const opened = await Promise.all(pages.map((page) => page.evaluate((ms) => window.plain.opens(ms), CONNECT_MS)))
    const ms = performance.now() - start
    const types = await Promise.all(pages.map((page) => page.evaluate(() => window.plain.found.join('+'))))
    return { connected: opened.every(Boolean), ms, types }
  } finally {
    await Promise.allSettled(pages.map((page) => page.browserContext().close()))
  }
}

/** Runs in the page. */
function plain(stun) {
  const connection = new RTCPeerConnection({ iceServers: [{ urls: stun }] })
  const channel = connection.createDataChannel('plain', { negotiated: true, id: 0 })
  const opened = new Promise((resolve) => (channel.onopen = () => resolve(true)))
  const found = []
  connection.onicecandidate = ({ candidate }) => {
    if (!candidate) return
    found.push(candidate.type)
    window.tell({ candidate: candidate.toJSON() })
  }
  const describe = async () => {
    await connection.setLocalDescription()
    await window.tell({ description: connection.localDescription.toJSON() })
  }
  const early = []
  const hear = async ({ description, candidate }) => {
    if (candidate) return connection.remoteDescription ? connection.addIceCandidate(candidate) : early.push(candidate)
    await connection.setRemoteDescription(description)
    if (description.type === 'offer') await describe()
    for (const waiting of early.splice(0)) await connection.addIceCandidate(waiting)
  }
  const opens = (ms) => Promise.race([opened, new Promise((resolve) => setTimeout(() => resolve(false), ms))])
  window.plain = { offer: describe, hear, opens, found }
}
