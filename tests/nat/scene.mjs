/** Two browsers behind NATs of their own, two nodes and a website on a third network. */

import { Lab } from '../support/lab.mjs'
import { Visitor } from '../support/pages.mjs'
import { watchConnections } from './connections.mjs'

/** One way from a browser to the nodes; between two browsers it is twice that. */
const DELAY_MS = 25

/** Address and line of each browser, and the network of its NAT's public addresses. */
const HOMES = {
  ann: { address: '192.168.1.2', mobile: '10.20.0.2', public: '20.1' },
  bob: { address: '192.168.2.2', mobile: '10.30.0.2', public: '20.2' },
}

/** A node answers plain STUN where it takes WebRTC-direct. */
const STUN = 'stun:20.9.0.1:4601'

/** Given to sessions besides what nodes name, to look where a fault is: `LAB_ICE='[{"urls": "stun:…"}]'`. */
const ICE_SERVERS = JSON.parse(process.env.LAB_ICE ?? '[]')

export class Scene {
  /** @type {Lab} */ lab
  /** Of the website. */ site = ''
  /** @type {import('../support/nodes.mjs').Network} */ network
  /** The node that each browser begins with. @type {Record<string, import('../support/nodes.mjs').Node>} */ nodes
  /** @type {Record<string, import('puppeteer-core').Browser>} */ browsers
  #moves = 0
  #rooms = 0

  static async start() {
    const scene = new Scene()
    scene.lab = await Lab.start([
      ...Object.entries(HOMES).map(([name, home]) => ({
        name,
        address: home.address,
        delay_ms: DELAY_MS,
        nat: { kind: 'full-cone', address: `${home.public}.0.1` },
      })),
      { name: 'first', address: '20.9.0.1' },
      { name: 'second', address: '20.9.0.2' },
      { name: 'site', address: '20.9.0.3' },
    ])
    try {
      scene.site = await scene.lab.site('site')
      const network = (scene.network = scene.lab.network())
      scene.nodes = { ann: await network.startNode('first'), bob: await network.startNode('second') }
      await Promise.all(scene.network.nodes.map((node) => node.joined()))
      const [ann, bob] = await Promise.all(Object.keys(HOMES).map((name) => scene.lab.chromium(name)))
      scene.browsers = { ann, bob }
    } catch (error) {
      console.error(scene.network?.report())
      await scene.close()
      throw error
    }
    return scene
  }

  /** Puts a browser behind a NAT of that kind at a public address that it hasn't had. */
  behind(name, kind) {
    return this.lab.behind(name, this.#elsewhere(name, kind))
  }

  /** The same, and its own address is another, too: from wifi to mobile. */
  move(name, kind) {
    return this.lab.move(name, HOMES[name].mobile, this.#elsewhere(name, kind))
  }

  /** A page of that browser, as somebody else's each time. */
  async visitor(name) {
    const context = await this.browsers[name].createBrowserContext()
    const visitor = new Visitor(await context.newPage(), name)
    await watchConnections(visitor.page, ICE_SERVERS)
    await visitor.open(this.site)
    return visitor
  }

  /** A page that is attached by the browser's node. */
  async attached(name) {
    const visitor = await this.visitor(name)
    await visitor.start(this.nodes[name])
    return visitor
  }

  room() {
    return `room ${++this.#rooms}`
  }

  get stun() {
    return STUN
  }

  close() {
    return this.lab.close()
  }

  #elsewhere(name, kind) {
    const number = ++this.#moves
    return { kind, address: `${HOMES[name].public}.${1 + (number >> 8)}.${number & 255}` }
  }
}
