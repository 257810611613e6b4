/** libp2p nodes that aren't ours, and a page with this client's WebRTC-direct to dial them. */

import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { Program } from './processes.mjs'
import { serve } from './pages.mjs'

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url))

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
  listener('py-libp2p', path('.venv/bin/python'), 'foreign/py-listener.py', host)

/** The script of the page: foreign/client.js with what it imports from web/src. */
async function script() {
  const { build } = createRequire(new URL('../../web/package.json', import.meta.url))('esbuild')
  const { outputFiles } = await build({
    entryPoints: [path('foreign/client.js')],
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'direct',
    target: 'es2022',
  })
  return outputFiles[0].text
}

/** Serves that page, and the whole client as `/velox.js` where it is built. */
export async function serveClient(host = '127.0.0.1') {
  const body = await script()
  return serve(async (name) => {
    if (name === '/direct.js') return { type: 'text/javascript', body }
    if (name === '/') return { type: 'text/html', body: '<!doctype html><link rel="icon" href="data:,"><script src="/direct.js"></script>' }
    return undefined
  }, host)
}
