/**
 * The pages that are measured: one with our client, one with PeerJS, as alike as can be. Each says
 * `window.opened`, the milliseconds from navigation to an open channel, if its address names
 * somebody to meet; else it waits to be asked by `window.bench`.
 */

import { readFile } from 'node:fs/promises'
import { serve } from '../support/pages.mjs'

const PEERJS = new URL('../node_modules/peerjs/dist/peerjs.min.js', import.meta.url)

const html = (scripts) => ({
  type: 'text/html; charset=utf-8',
  body: `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">${scripts}`,
})

const velox = (library) => `<script type="module">
import { Velox } from ${JSON.stringify(library)}
const query = new URLSearchParams(location.search)
const options = { network: query.get('network'), nodes: query.getAll('node') }
// A member that never gets a session: it keeps the room known to its nodes, and no more.
const never = () => new Promise(() => {})
class Silent extends EventTarget {
  createDataChannel() { return new EventTarget() }
  createOffer = never
  createAnswer = never
  setLocalDescription = never
  setRemoteDescription = never
  close() {}
}
const connected = (room) => new Promise((resolve) => room.on('connect', resolve))
window.bench = {
  /** Resolves when there are two attachments. */
  async start({ silent = false } = {}) {
    this.velox = await Velox.start(silent ? { ...options, rtc: { RTCPeerConnection: Silent } } : options)
    const two = () => this.velox.attachments.length > 1
    if (!two()) await new Promise((resolve) => this.velox.on('attachments', () => two() && resolve()))
    return this.velox.peerId
  },
  async join(name) {
    this.room = await this.velox.join(name)
  },
  /** Milliseconds from \`join\` to an open session. */
  async meet(name) {
    const start = performance.now()
    this.room = await this.velox.join(name)
    if (![...this.room.peers.values()].some((peer) => peer.connected)) await connected(this.room)
    return performance.now() - start
  },
  async stop() {
    await this.velox.stop()
  },
}
const room = query.get('room')
if (room) {
  window.bench.velox = await Velox.start(options)
  await window.bench.meet(room)
  window.opened = performance.now()
}
window.ready = true
</script>`

const peerjs = `<script src="/peerjs.min.js"></script><script>
const query = new URLSearchParams(location.search)
// No ICE servers: PeerJS's own are other people's.
const options = { host: '127.0.0.1', port: Number(query.get('port')), path: '/', config: { iceServers: [] } }
window.bench = {
  async start() {
    this.peer = new Peer(options)
    await new Promise((resolve, reject) => this.peer.on('open', resolve).on('error', reject))
    return this.peer.id
  },
  /** Milliseconds from \`connect\` to an open channel. */
  async meet(id) {
    const start = performance.now()
    const connection = this.peer.connect(id)
    await new Promise((resolve, reject) => connection.on('open', resolve).on('error', reject))
    return performance.now() - start
  },
  stop() {
    this.peer.destroy()
  },
}
const id = query.get('peer')
if (id) {
  bench.start().then(() => bench.meet(id)).then(() => (window.opened = performance.now()))
}
window.ready = true
</script>`

/** Serves `/velox?library=…&network=…&node=…[&room=…]` and `/peerjs?port=…[&peer=…]`. */
export function servePages() {
  return serve(async (path, query) => {
    if (path === '/velox') return html(velox(query.get('library')))
    if (path === '/peerjs') return html(peerjs)
    if (path === '/peerjs.min.js') return { type: 'text/javascript', body: await readFile(PEERJS) }
    return undefined
  })
}

/** The address of the page with our client, which attaches to these nodes and takes it from the first. */
export function veloxAddress(site, network, nodes) {
  const query = new URLSearchParams({ library: `${nodes[0].http}/velox.js`, network: network.name })
  for (const node of nodes) query.append('node', node.http)
  return `${site.url}velox?${query}`
}

/** Opens an address in a window of its own, with nothing cached; `prepare` sees the page first. */
export async function open(browser, url, prepare = async (_page) => {}) {
  const page = await (await browser.createBrowserContext()).newPage()
  await prepare(page)
  await page.setCacheEnabled(false)
  await page.goto(url)
  await page.waitForFunction(() => window.ready, { polling: 20 })
  return page
}

/** Navigates anew and returns the page's own `opened`. */
export async function openedAfter(page, url) {
  await page.goto(url)
  return page.evaluate(
    () =>
      new Promise((resolve, reject) => {
        const giveUp = setTimeout(() => reject(new Error('no channel after 30 s')), 30_000)
        const look = () => {
          if (window.opened === undefined) return setTimeout(look, 5)
          clearTimeout(giveUp)
          resolve(window.opened)
        }
        look()
      }),
  )
}
