/** libp2p nodes that aren't ours, and a page with this client's WebRTC-direct to dial them. */

import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { within } from './deadline.mjs'
import { serve } from './pages.mjs'
import { Program } from './processes.mjs'
import { BLANK, bundle, JAVASCRIPT } from './scripts.mjs'

/** For thousands of streams of js-libp2p's, on a machine that does other things. */
const STOCK_MS = 120_000

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url))
const PYTHON = path('.venv/bin/python')

/** Starts a listener: `program` of it, its `peerId`, its `address` with `/p2p/`. */
async function listener(name, command, script, host) {
  const program = new Program(name, [path(script), host], { command })
  const { peer_id: peerId, addrs } = await program.event('ready')
  return { program, peerId, address: addrs[0] }
}

/** Stock js-libp2p, which knows handshake v1. */
export const startJs = (host = '127.0.0.1') =>
  listener('js-libp2p', process.execPath, 'foreign/js-listener.mjs', host)

/** py-libp2p, which knows v1 and v2. */
export const startPy = (host = '127.0.0.1') =>
  listener('py-libp2p', PYTHON, 'foreign/py-listener.py', host)

/**
 * py-libp2p, which dials `address` in the handshake of that version and pings it so often.
 *
 * @param {import('./nodes.mjs').Network} network
 */
export const startPyDialer = (network, address, version, pings) =>
  network.keep(
    new Program('py-libp2p', [path('foreign/py-dialer.py'), address, String(version), String(pings)], { command: PYTHON }),
  )

/** Scripts of pages: what each is called there, and its source, which goes with all that it imports. */
const SCRIPTS = { direct: 'foreign/client.js', stock: 'foreign/js-dialer.js' }
/** @type {Map<string, Promise<string>>} */
const built = new Map()

/** Serves a page for each script, such as `/direct`, and as `/` one with the whole client, as it is built. */
export async function serveClient(host = '127.0.0.1') {
  return serve(async (path) => {
    if (path === '/') return { type: 'text/html', body: BLANK }
    const [, name, extension] = /^\/(direct|stock)(\.js)?$/.exec(path) ?? []
    if (name && !extension) return { type: 'text/html', body: `${BLANK}<script src="/${name}.js"></script>` }
    if (name) {
      if (!built.has(name)) built.set(name, bundle(SCRIPTS[name], name))
      return { type: JAVASCRIPT, body: await built.get(name) }
    }
    if (!/^\/velox(-crypto|-diagnose)?\.js$/.test(path)) return undefined
    return { type: JAVASCRIPT, body: await readFile(new URL(`../../web/dist${path}`, import.meta.url)) }
  }, host)
}

/**
 * A page with stock js-libp2p, a browser context of its own each.
 *
 * @param {import('./stage.mjs').Stage} stage
 * @param {object} [options] `relay`, the address of one over which the page is to be reached, and
 *   what else `createLibp2p` takes
 */
export async function startStockPage(stage, options = {}) {
  const site = await serveClient()
  stage.atEnd(site.close)
  const page = await stage.page()
  stage.watch(page, 'js-libp2p')
  await page.goto(`${site.url}stock`)
  /** Calls what foreign/js-dialer.js exports. */
  const ask = (what, ...args) =>
    within(page.evaluate((what, args) => window.stock[what](...args), what, args), `js-libp2p's ${what}`, STOCK_MS)
  return { page, ask, peerId: await ask('start', options) }
}

/**
 * rust-libp2p's own behaviours, with nothing of ours but the transport.
 *
 * @param {import('./stage.mjs').Stage} stage
 */
export async function startStockRust(stage) {
  const program = stage.network().keep(new Program('velox-stock-libp2p', []))
  const { peer_id: peerId, addrs } = await program.event('ready')
  return { program, peerId, address: addrs[0] }
}
