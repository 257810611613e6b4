/** What a page has to load: bytes minified, and after brotli. */

import { readFile } from 'node:fs/promises'
import { brotliCompressSync } from 'node:zlib'

const FILES = {
  'velox-mesh': new URL('../../web/dist/velox.js', import.meta.url),
  peerjs: new URL('../node_modules/peerjs/dist/peerjs.min.js', import.meta.url),
}

/** Resolves to `{ name: { minified, brotli } }`. */
export async function sizes() {
  const measured = {}
  for (const [name, url] of Object.entries(FILES)) {
    const bytes = await readFile(url)
    measured[name] = { minified: bytes.length, brotli: brotliCompressSync(bytes).length }
  }
  return measured
}
