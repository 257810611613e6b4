/** Pages of our own with a script that imports from web/src. */

import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { serve } from './pages.mjs'

export const JAVASCRIPT = 'text/javascript; charset=utf-8'
export const BLANK = '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">'

/** Builds a file of tests/, with all that it imports, for a page: its exports become `window[name]`. */
export async function bundle(file, name) {
  const { build } = createRequire(new URL('../../web/package.json', import.meta.url))('esbuild')
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(`../${file}`, import.meta.url))],
    bundle: true,
    write: false,
    format: 'iife',
    globalName: name,
    target: 'es2022',
  })
  return outputFiles[0].text
}

/** Serves a page with that file in it. */
export async function serveScript(file, name) {
  const body = await bundle(file, name)
  return serve(async (path) => {
    if (path === '/') return { type: 'text/html', body: `${BLANK}<script src="/script.js"></script>` }
    return path === '/script.js' ? { type: JAVASCRIPT, body } : undefined
  })
}
