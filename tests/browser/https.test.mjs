/** A node with a name: it gets its certificate by itself, and serves https, wss and TURN on one port. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { connect } from 'node:tls'
import { Authority, fetchText, freePort } from '../support/authority.mjs'
import { chromium } from '../support/browsers.mjs'
import { until, within } from '../support/deadline.mjs'
import { staged } from '../support/stage.mjs'

const NAME = 'node.example.test'

/** Starts a node that is to get a certificate; resolves to it, the authority, and its https port. */
async function start(stage, { seconds = undefined, tlsPort = undefined } = {}) {
  const network = stage.network()
  const port = await freePort()
  const authority = await Authority.start(network, { tlsPort: tlsPort ?? port, seconds })
  const extra = network.configure(`${authority.config(port)}
[turn]
listen = ["127.0.0.1:0"]
private = true
peers = { private = true, own_host = true }
`)
  const node = await network.startNode([...extra, '--domain', NAME, '--acme'])
  return { network, node, authority, port }
}

/** The certificate that is served under the node's name, checked by the authority's own. */
function certificate(port, authority, ALPNProtocols = ['http/1.1']) {
  const socket = connect({ port, host: '127.0.0.1', servername: NAME, ca: authority.issuer, ALPNProtocols })
  const shaken = new Promise((resolve, reject) => {
    socket.on('secureConnect', () => resolve(socket.getPeerCertificate()))
    socket.on('error', reject)
  })
  return within(shaken, 'a handshake', 5_000).finally(() => socket.destroy())
}

staged('a node gets its certificate and pages join from https', async (stage) => {
  const { node, authority, port } = await start(stage)
  const base = `https://${NAME}:${port}`
  const checked = { ca: authority.issuer, lookup: toLoopback }
  await until(() => fetchText(`${base}/healthz`, checked), 'https to be served', 60_000)
  const document = JSON.parse(await fetchText(`${base}/.well-known/velox.json`, checked))
  assert.equal(document.peerId, node.peerId)
  const { addresses } = await node.status()
  assert.ok(addresses.includes(`/dns/${NAME}/tcp/${port}/wss`), `${addresses}`)

  const browser = await chromium([`--host-resolver-rules=MAP ${NAME} 127.0.0.1`, '--ignore-certificate-errors'])
  try {
    const pages = []
    for (let count = 0; count < 2; count++) {
      const page = await (await browser.createBrowserContext()).newPage()
      await page.goto(`${base}/healthz`)
      pages.push(page)
      await page.evaluate(join)
    }
    for (const page of pages) {
      const carrier = await page.evaluate(met)
      assert.equal(carrier, 'websocket')
      assert.ok(await page.evaluate(() => window.isSecureContext))
    }
    // TURN on the same port, as the node's own word has it.
    const relayed = await pages[0].evaluate(relayOver, `turns:${NAME}:${port}?transport=tcp`)
    assert.match(relayed, / typ relay /)
  } finally {
    await browser.close()
  }
})

staged('a certificate is renewed before it ends', async (stage) => {
  const { authority, port } = await start(stage, { seconds: 12 })
  const first = await until(() => certificate(port, authority), 'a certificate', 60_000)
  const second = await until(
    async () => {
      const now = await certificate(port, authority)
      return now.serialNumber !== first.serialNumber && now
    },
    'another certificate',
    30_000,
  )
  assert.ok(Date.parse(second.valid_to) > Date.parse(first.valid_to))
})

staged('an authority that refuses is named, with what to do, and the node serves on', async (stage) => {
  // It finds nobody there who answers for the name.
  const { node } = await start(stage, { tlsPort: await freePort() })
  const line = await node.program.complaint(/no certificate/, 'a warning', 60_000)
  assert.match(line, /lead to this host/)
  assert.equal((await node.status()).network, node.network.name)
})

staged('a node whose certificate is a file serves that', async (stage) => {
  const network = stage.network()
  const port = await freePort()
  const authority = await Authority.start(network, { tlsPort: port })
  const files = (certificate, key) =>
    network.configure(
      `[https]\ndomains = ["127.0.0.1"]\nlisten = ["127.0.0.1:${port}"]\n` +
        `certificate = "${network.folder}/${certificate}"\nkey = "${network.folder}/${key}"\n`,
    )
  await network.startNode(files('pebble.pem', 'pebble.key'))
  const root = { ca: readFileSync(authority.root) }
  await until(() => fetchText(`https://127.0.0.1:${port}/healthz`, root), 'https to be served')
  await assert.rejects(network.startNode(files('pebble.pem', 'authority.key')), /isn't this key's/)
})

function toLoopback(_, options, done) {
  if (options.all) done(null, [{ address: '127.0.0.1', family: 4 }])
  else done(null, '127.0.0.1', 4)
}

/** Runs in the page. */
async function join() {
  const library = '/velox.js'
  const { Velox } = await import(library)
  const velox = await Velox.start()
  window.joined = { velox, room: await velox.join('lobby') }
}

/** Runs in the page: waits for a session; resolves to what carries the attachment. */
async function met() {
  const { room, velox } = window.joined
  const connected = () => [...room.peers.values()].some((peer) => peer.connected)
  if (!connected()) {
    await new Promise((resolve, reject) => {
      room.on('connect', resolve)
      setTimeout(() => reject(new Error('nobody was met in 20 s')), 20_000)
    })
  }
  return velox.attachments[0].carrier
}

/** Runs in the page: the first relayed candidate that one server alone gives. */
async function relayOver(url) {
  const welcome = await (await fetch('/api/v1/ice')).json()
  const server = welcome.iceServers.find(({ urls }) => urls.includes(url))
  if (!server) return `not offered: ${JSON.stringify(welcome)}`
  const pc = new RTCPeerConnection({ iceServers: [{ ...server, urls: [url] }], iceTransportPolicy: 'relay' })
  pc.createDataChannel('any')
  const candidate = new Promise((resolve) => {
    pc.onicecandidate = ({ candidate }) => resolve(candidate?.candidate ?? 'none')
    pc.onicecandidateerror = ({ errorCode, errorText, url }) => resolve(`${url}: ${errorCode} ${errorText}`)
  })
  await pc.setLocalDescription()
  const first = await candidate
  pc.close()
  return first
}
