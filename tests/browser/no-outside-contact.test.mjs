/** Nothing of ours speaks to anybody but the page's own server, its nodes and its peers. */

import assert from 'node:assert/strict'
import { networkInterfaces } from 'node:os'
import { stagedByCarrier } from '../support/stage.mjs'
import { remotesOf } from '../support/sockets.mjs'

/** Keeps every ICE server and every candidate that the page's connections are given. */
function recordIce() {
  const seen = (window.ice = { servers: [], candidates: [] })
  const keep = (configuration) => {
    for (const server of configuration?.iceServers ?? []) seen.servers.push(...[server.urls].flat())
  }
  const Native = window.RTCPeerConnection
  window.RTCPeerConnection = class extends Native {
    constructor(configuration) {
      super(configuration)
      keep(configuration)
      this.addEventListener('icecandidate', ({ candidate }) => {
        if (candidate?.candidate) seen.candidates.push(candidate.candidate)
      })
    }
    setConfiguration(configuration) {
      keep(configuration)
      super.setConfiguration(configuration)
    }
  }
}

stagedByCarrier('pages and nodes open no connection to anybody else', async (stage) => {
  const network = stage.network()
  const [a, b] = await network.start(2)
  const site = await stage.site()
  const allowed = new Set([site, a.http, b.http].map((url) => new URL(url).host))

  // Where WebSockets end that a page without them opens.
  if (network.carrier === 'webrtc-direct') allowed.add('127.0.0.1:1')

  const here = new Set(Object.values(networkInterfaces()).flatMap((all) => all.map(({ address }) => address)))
  const asked = new Set()
  const prepare = async (page) => {
    await page.evaluateOnNewDocument(recordIce)
    const devtools = await page.createCDPSession()
    await devtools.send('Network.enable')
    devtools.on('Network.requestWillBeSent', ({ request }) => asked.add(request.url))
    devtools.on('Network.webSocketCreated', ({ url }) => asked.add(url))
    devtools.on('Network.webTransportCreated', ({ url }) => asked.add(url))
  }
  const alice = await stage.visitor(a, { prepare })
  const bob = await stage.visitor(b, { prepare })
  await Promise.all([alice.ask('join', 'lobby'), bob.ask('join', 'lobby')])
  await Promise.all([alice.ask('connected', bob.peerId), bob.ask('connected', alice.peerId)])
  const cid = await alice.ask('put', 300_000)
  assert.ok(await bob.ask('get', cid, 300_000))
  await Promise.all([alice.ask('attached', 2), bob.ask('attached', 2)])

  const hosts = [...asked].filter((url) => /^(http|ws)s?:/.test(url)).map((url) => new URL(url).host)
  assert.ok(hosts.length > 4, 'requests were seen at all')
  assert.deepEqual(hosts.filter((host) => !allowed.has(host)), [])

  const offers = await Promise.all([a, b].map(async (node) => (await fetch(`${node.http}/api/v1/ice`)).json()))
  const own = new Set(offers.flatMap(({ iceServers }) => iceServers.flatMap(({ urls }) => urls)))
  for (const visitor of [alice, bob]) {
    const ice = await visitor.page.evaluate(() => window.ice)
    assert.ok(ice.candidates.length > 0, 'candidates were seen at all')
    assert.deepEqual(ice.servers.filter((url) => !own.has(url)), [], 'STUN and TURN servers of others')
    // Only a STUN or TURN server gives candidates of these types.
    const reflected = ice.candidates.filter((line) => / typ (srflx|relay)/.test(line))
    assert.ok(own.size || !reflected.length, `${reflected}`)
  }
  for (const program of network.programs) {
    const outside = remotesOf(program.pid).filter((address) => !here.has(address.replace('::ffff:', '')))
    assert.deepEqual(outside, [], `${program.name} is connected to this machine alone`)
  }
})
