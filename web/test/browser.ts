/**
 * A real browser for tests: bundles a page of `test/pages` and opens it in headless Chromium, or,
 * with BROWSER=firefox in the environment, in Firefox.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import puppeteer, { type Page } from 'puppeteer-core'

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export interface Opened {
  page: Page
  /** All pages, of one origin, where more than one were asked for. */
  pages: Page[]
  close: () => Promise<void>
}

/** Opens `test/pages/<name>.ts`, whose exports are the page's `test`, in `count` pages. */
export async function openPage(name: string, count = 1): Promise<Opened> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(`./pages/${name}.ts`, import.meta.url))],
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'test',
    target: 'es2022',
    define: { 'import.meta.url': 'undefined' },
  })
  const script = outputFiles[0].text
  const server = createServer((request, response) => {
    const isScript = request.url === '/page.js'
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
    response.end(isScript ? script : '<!doctype html><title>test</title><script src="/page.js"></script>')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const browser = await puppeteer.launch(
    process.env.BROWSER === 'firefox'
      ? {
          browser: 'firefox',
          executablePath: process.env.FIREFOX ?? '/usr/bin/firefox-esr',
          // Without it, Firefox connects to nothing through the loopback interface.
          extraPrefsFirefox: { 'media.peerconnection.ice.loopback': true },
        }
      : { executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS },
  )
  const pages: Page[] = []
  for (let i = 0; i < count; i++) {
    const page = await browser.newPage()
    page.on('pageerror', (error) => console.error('page:', error))
    page.on('console', (message) => console.error('page:', message.text()))
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    pages.push(page)
  }
  return {
    page: pages[0],
    pages,
    close: async () => {
      await browser.close()
      server.close()
    },
  }
}
