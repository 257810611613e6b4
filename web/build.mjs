/**
 * Builds dist/: `velox.js` (ES module) and `velox.global.js` (script tag, `window.Velox`), both of
 * which load `velox-crypto.js` where the browser lacks WebCrypto, and `velox-diagnose.js` when a
 * session fails or somebody asks; types; and the pages that nodes serve. Prints the sizes.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync } from 'node:zlib'
import { build } from 'esbuild'
import { minify } from 'terser'
import { buildPages } from './build-pages.mjs'
import { INTERNAL, leanCiphers } from './build-smaller.mjs'

/** Bytes, after brotli, that a page loads before anything else (the design's budget). */
const BUDGET = 32 * 1024

const web = fileURLToPath(new URL('.', import.meta.url))
const { version } = JSON.parse(readFileSync(`${web}package.json`, 'utf8'))

/** Modules that are files of their own, which nothing but `import()` asks for. */
const APART = { 'noble.js': 'velox-crypto.js', 'diagnosis.js': 'velox-diagnose.js' }

const apart = {
  name: 'apart',
  setup(build) {
    build.onResolve({ filter: /\/(noble|diagnosis)\.js$/ }, ({ kind, path }) =>
      kind === 'dynamic-import' ? { path: `./${APART[path.split('/').at(-1)]}`, external: true } : undefined,
    )
  },
}

/** What stays of comments. */
const banner = (contents) =>
  `/* velox-mesh ${version}, MIT OR Apache-2.0.${contents && ` Contains ${contents} (MIT, Paul Miller).`} */`

const options = {
  absWorkingDir: web,
  bundle: true,
  minify: true,
  target: 'es2022',
  sourcemap: true,
  legalComments: 'none',
  define: { VELOX_VERSION: JSON.stringify(version) },
}

const client = {
  ...options,
  entryPoints: ['src/index.ts'],
  mangleProps: INTERNAL,
  // Else every property that a constructor takes is declared once more.
  tsconfigRaw: { compilerOptions: { useDefineForClassFields: false, target: 'ES2022' } },
  plugins: [apart, leanCiphers],
}

rmSync(`${web}dist`, { recursive: true, force: true })
await Promise.all([
  build({ ...client, format: 'esm', outfile: 'dist/velox.js' }),
  build({
    ...client,
    format: 'iife',
    globalName: 'VeloxMesh',
    // A script tag has no import.meta: its default is the page's own origin alone.
    define: { ...options.define, 'import.meta.url': 'undefined' },
    // `Velox` is the class; what else the module exports hangs off it.
    footer: { js: 'globalThis.Velox=Object.assign(VeloxMesh.Velox,VeloxMesh);' },
    outfile: 'dist/velox.global.js',
  }),
  build({
    ...options,
    entryPoints: ['src/crypto/noble.ts'],
    format: 'esm',
    outfile: 'dist/velox-crypto.js',
  }),
  build({
    ...options,
    entryPoints: ['src/diagnosis/diagnosis.ts'],
    format: 'esm',
    outfile: 'dist/velox-diagnose.js',
  }),
  buildPages(),
])
execFileSync(process.execPath, [`${web}node_modules/typescript/bin/tsc`, '-p', `${web}tsconfig.types.json`], {
  cwd: web,
  stdio: 'inherit',
})

/** What esbuild leaves for terser to take: about 4 %. */
const FILES = ['velox.js', 'velox.global.js', ...Object.values(APART)]
/** What of others is in each of them. */
const contents = (file) =>
  file === 'velox-crypto.js' ? 'noble-ciphers, -curves and -hashes' : file === 'velox-diagnose.js' ? '' : 'noble-ciphers'

for (const file of FILES) {
  const path = `${web}dist/${file}`
  const module = file !== 'velox.global.js'
  const { code, map } = await minify(readFileSync(path, 'utf8'), {
    module,
    ecma: 2020,
    compress: {
      ...{ passes: 5, keep_fargs: false, hoist_funs: true },
      // True of this code: builtins are the browser's own, and getters only read.
      ...{ unsafe: true, unsafe_arrows: true, unsafe_methods: true, pure_getters: true },
    },
    format: { preamble: banner(contents(file)) },
    sourceMap: { content: readFileSync(`${path}.map`, 'utf8'), filename: file, url: `${file}.map` },
  })
  writeFileSync(path, code)
  writeFileSync(`${path}.map`, map)
}

for (const file of FILES) {
  const bytes = readFileSync(`${web}dist/${file}`)
  const brotli = brotliCompressSync(bytes).length
  const over = file === 'velox.js' && brotli > BUDGET ? `  OVER THE BUDGET OF ${BUDGET}` : ''
  console.log(`dist/${file}  ${bytes.length} bytes, ${brotli} after brotli${over}`)
}
