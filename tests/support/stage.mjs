/** All that one test uses, ended together; a failed test says what nodes and pages wrote. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chromium, firefox, strictChromium } from './browsers.mjs'
import { CARRIERS, Network } from './nodes.mjs'
import { serveTestPage, Visitor } from './pages.mjs'
import { noWebSocket } from './reach.mjs'

const BROWSERS = { chromium, firefox, strict: strictChromium }

/** No promise takes longer to keep than this, or to be seen broken. */
const LONGEST_MS = 180_000

/**
 * A test with a stage of its own.
 *
 * @param {string} name
 * @param {(stage: Stage) => Promise<void>} body
 * @param {typeof CARRIERS[number]} [carrier] of its pages
 */
export function staged(name, body, carrier = CARRIERS[0]) {
  test(name, { timeout: LONGEST_MS }, async () => {
    const stage = new Stage(carrier)
    try {
      await body(stage)
      await stage.checkCarriers()
    } catch (error) {
      stage.report()
      throw error
    } finally {
      await stage.close()
    }
  })
}

/**
 * What a page is promised whichever way it is attached: a test for each carrier.
 *
 * @param {string} name
 * @param {(stage: Stage) => Promise<void>} body
 */
export function stagedByCarrier(name, body) {
  for (const carrier of CARRIERS) staged(`${name} (${carrier})`, body, carrier)
}

/** A test whose nodes have WebRTC-direct, and whose pages have nothing else. */
export const stagedOverDirect = (name, body) => staged(name, body, 'webrtc-direct')

export class Stage {
  /** @type {Network[]} */ #networks = []
  #visitors = []
  #closers = []
  #site
  #browsers = new Map()
  #carrier

  constructor(carrier) {
    this.#carrier = carrier
  }

  network(name) {
    const network = new Network(name, this.#carrier)
    this.#networks.push(network)
    return network
  }

  /** The URL of the test page. */
  async site() {
    this.#site ??= serveTestPage().then((site) => {
      this.#closers.push(site.close)
      return site.url
    })
    return this.#site
  }

  /** @param {string} kind one of BROWSERS @returns {Promise<import('puppeteer-core').Browser>} */
  browser(kind = 'chromium') {
    let browser = this.#browsers.get(kind)
    if (!browser) {
      browser = BROWSERS[kind]()
      this.#browsers.set(kind, browser)
      this.#closers.push(async () => (await browser).close())
    }
    return browser
  }

  /** A new page: somebody else's browser each time, unless a context to share is given. */
  async page(kind = 'chromium', context) {
    const browser = await this.browser(kind)
    return (context ?? (await browser.createBrowserContext())).newPage()
  }

  /**
   * A visitor on the test page, attached by `node`. `prepare` sees the page before it navigates;
   * `options` go to `Velox.start`.
   *
   * @param {import('./nodes.mjs').Node} node
   * @param {{
   *   kind?: string,
   *   context?: import('puppeteer-core').BrowserContext,
   *   prepare?: (page: import('puppeteer-core').Page) => Promise<unknown>,
   *   options?: object,
   * }} [how]
   */
  async visitor(node, { kind = 'chromium', context, prepare, options } = {}) {
    const visitor = new Visitor(await this.page(kind, context), `visitor ${this.#visitors.length} (${kind})`, kind)
    this.#visitors.push(visitor)
    if (this.#carrier === 'webrtc-direct') await noWebSocket(visitor.page)
    await prepare?.(visitor.page)
    await visitor.open(await this.site())
    await visitor.start(node, options)
    return visitor
  }

  /** Adds a page of another making to the report. */
  watch(page, name) {
    const visitor = new Visitor(page, name)
    this.#visitors.push(visitor)
    return visitor
  }

  /** Visitors have had no other carrier than the test's. */
  async checkCarriers() {
    for (const visitor of this.#visitors.filter(({ peerId, page }) => peerId && !page.isClosed())) {
      const others = (await visitor.carriers()).filter((carrier) => carrier !== this.#carrier)
      assert.deepEqual(others, [], `${visitor.name} is attached by ${this.#carrier} alone`)
    }
  }

  /** Has something closed before nodes are. */
  atEnd(close) {
    this.#closers.push(close)
  }

  async close() {
    await Promise.allSettled(this.#closers.reverse().map((close) => close()))
    await Promise.allSettled(this.#networks.map((network) => network.close()))
  }

  report() {
    for (const network of this.#networks) console.error(network.report())
    for (const visitor of this.#visitors) {
      if (visitor.log.length) console.error(`--- ${visitor.name}\n${visitor.log.slice(-40).join('\n')}`)
    }
  }
}
