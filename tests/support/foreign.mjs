/** libp2p nodes that aren't ours, and a page with this client's WebRTC-direct to dial them. */

import { readFile } from 'node:fs/promises'
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

const JAVASCRIPT = 'text/javascript; charset=utf-8'
const BLANK = '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">'

/** Serves that page as `/direct`, and as `/` one with the whole client, as it is built. */
export async function serveClient(host = '127.0.0.1') {
  const body = await script()
  return serve(async (name) => {
    if (name === '/') return { type: 'text/html', body: BLANK }
    if (name === '/direct') return { type: 'text/html', body: `${BLANK}<script src="/direct.js"></script>` }
    if (name === '/direct.js') return { type: JAVASCRIPT, body }
    if (!/^\/velox(-crypto)?\.js$/.test(name)) return undefined
    return { type: JAVASCRIPT, body: await readFile(new URL(`../../web/dist${name}`, import.meta.url)) }
  }, host)
}
