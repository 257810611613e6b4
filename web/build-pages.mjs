/**
 * Builds dist/showcase and dist/dashboard: the pages that a node or a demo serves. They import the
 * client library from their own origin, so it isn't bundled into them.
 */
import { copyFileSync, mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const web = fileURLToPath(new URL('.', import.meta.url))

export async function buildPages() {
  for (const page of ['showcase', 'dashboard']) {
    const folder = `${web}dist/${page}`
    mkdirSync(folder, { recursive: true })
    copyFileSync(`${web}${page}/index.html`, `${folder}/index.html`)
    await build({
      absWorkingDir: web,
      entryPoints: [
        { in: `${page}/main.ts`, out: page },
        { in: `${page}/${page}.css`, out: page },
      ],
      outdir: folder,
      bundle: true,
      minify: true,
      format: 'esm',
      target: ['es2022', 'chrome111', 'firefox113', 'safari16.4'],
      legalComments: 'none',
    })
  }
}
