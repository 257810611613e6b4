/** Visitors: pages of real browsers, driven through `window.visitor` (page/visitor.js). */

import { createServer } from 'node:http'
import { readFile } from 'node:fs/promises'
import { PATIENCE_MS } from './deadline.mjs'

const TYPES = { html: 'text/html; charset=utf-8', js: 'text/javascript; charset=utf-8' }

/** Serves the test page, as the web server of somebody's site would. Resolves to `{ url, close }`. */
export function serveTestPage(host = '127.0.0.1') {
  return serve(async (path) => {
    const name = path.slice(1) || 'index.html'
    if (!/^[a-z]+\.(html|js)$/.test(name)) return undefined
    return { type: TYPES[name.split('.')[1]], body: await readFile(new URL(`./page/${name}`, import.meta.url)) }
  }, host)
}

/**
 * A web server on any free port of `host`: loopback, where nothing else is said.
 *
 * @param {(path: string, query: URLSearchParams) => Promise<{ type: string, body: string | Buffer } | undefined>} answer
 */
export async function serve(answer, host = '127.0.0.1') {
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://x')
    const found = await answer(pathname, searchParams).catch(() => undefined)
    response.writeHead(found ? 200 : 404, { 'content-type': found?.type ?? 'text/plain' })
    response.end(found?.body)
  })
  await new Promise((resolve) => server.listen(0, host, () => resolve(undefined)))
  const address = /** @type {import('node:net').AddressInfo} */ (server.address())
  return {
    url: `http://${host}:${address.port}/`,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** A page with `window.visitor` ready; `prepare` is called before it navigates. */
export class Visitor {
  peerId = ''
  /** What the page logged and threw, for the report of a failed test. */
  log = []

  /** @param {import('puppeteer-core').Page} page */
  constructor(page, name, kind = 'chromium') {
    this.page = page
    this.name = name
    this.kind = kind
    page.on('console', (message) => this.log.push(`${message.type()}: ${message.text()}`))
    page.on('pageerror', (error) => this.log.push(`thrown: ${/** @type {Error} */ (error).message}`))
  }

  async open(url) {
    await this.page.goto(url, { waitUntil: 'load', timeout: PATIENCE_MS })
    await this.page.evaluate(
      () => window.visitor ?? new Promise((resolve) => window.addEventListener('visitor', () => resolve(0), { once: true })),
    )
  }

  /** Attaches to the network by that node, with the library that the node hands out. */
  async start(node, options = {}) {
    this.peerId = await this.ask('start', {
      library: `${node.http}/velox.js`,
      network: node.network.name,
      nodes: node.entrances(this.kind),
      ...options,
    })
    return this.peerId
  }

  /** Calls a method of `window.visitor`. */
  ask(method, ...args) {
    return this.page.evaluate((name, given) => window.visitor[name](...given), method, args)
  }

  /** The carriers of its attachments, each named once. */
  carriers() {
    return this.page.evaluate(() => [...new Set(window.visitor.velox.attachments.map(({ carrier }) => carrier))])
  }

  /** PeerIds of the nodes that the page is attached to, primary first. */
  nodes() {
    return this.page.evaluate(() => window.visitor.velox.attachments.map((attachment) => attachment.peerId))
  }
}
