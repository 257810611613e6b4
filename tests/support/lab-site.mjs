/** The test page on a host of a laboratory: `node support/lab-site.mjs <address>`, until stdin ends. */

import { serveTestPage } from './pages.mjs'

const { url } = await serveTestPage(process.argv[2])
console.log(JSON.stringify({ event: 'ready', url }))
process.stdin.resume().on('end', () => process.exit())
