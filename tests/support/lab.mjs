/** A laboratory: hosts of this machine behind NATs of several kinds, with programs and browsers in them. */

import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, CHROMIUM } from './browsers.mjs'
import { within } from './deadline.mjs'
import { Network, Node } from './nodes.mjs'
import { Program, program } from './processes.mjs'

/** Why there can be no laboratory on this machine; undefined where there can. */
export function missing() {
  if (process.platform !== 'linux') return 'it needs Linux'
  if (process.getuid?.() !== 0) return 'it needs root'
  return existsSync('/dev/net/tun') ? undefined : 'it needs /dev/net/tun'
}

/**
 * A host to begin with: its own address, what it is behind, its line to the core of the network.
 *
 * @typedef {{
 *   name: string,
 *   address: string,
 *   nat?: Behind,
 *   delay_ms?: number,
 *   loss?: number,
 * }} Host
 * @typedef {{ kind: string, address: string }} Behind a kind of NAT, and where the internet sees the host
 */

export class Lab {
  /** @type {Map<string, Host>} */ hosts = new Map()
  #program
  #namespaces
  #orders = 0
  #folder = mkdtempSync(join(tmpdir(), 'velox-lab-'))
  /** @type {Array<() => unknown>} */ #closers = []

  /** @param {Host[]} hosts */
  static async start(hosts, seed = 1) {
    const lab = new Lab()
    lab.hosts = new Map(hosts.map((host) => [host.name, host]))
    lab.#program = new Program('velox-lab', [])
    lab.#program.say(JSON.stringify({ seed, hosts }))
    try {
      lab.#namespaces = (await lab.#program.event('ready')).hosts
    } catch (error) {
      await lab.close()
      throw error
    }
    return lab
  }

  /** Starts a program on that host. It ends when this process does, even if that is killed. */
  run(host, name, command, args) {
    const inside = [`--net=${this.#namespace(host)}`, '--', 'setpriv', '--pdeathsig', 'KILL', '--', command, ...args]
    const started = new Program(name, inside, { command: 'nsenter' })
    this.#closers.push(async () => {
      if (!started.alive) return
      started.kill('SIGKILL')
      await started.ended
    })
    return started
  }

  /** Chromium on that host; it is driven by a pipe, which knows no network. */
  async chromium(host) {
    const path = join(this.#folder, `chromium-${host}`)
    writeFileSync(path, `#!/bin/sh\nexec nsenter --net=${this.#namespace(host)} -- ${CHROMIUM} "$@"\n`, { mode: 0o755 })
    const browser = await chromium([], { executablePath: path, pipe: true })
    this.#closers.push(() => browser.close())
    return browser
  }

  /** Serves the test page from that host; its URL. */
  async site(host) {
    const script = new URL('./lab-site.mjs', import.meta.url).pathname
    const site = this.run(host, 'site', process.execPath, [script, this.hosts.get(host).address])
    return (await site.event('ready')).url
  }

  /** A network whose nodes are on hosts of this laboratory. */
  network() {
    const network = new LabNetwork(this)
    this.#closers.push(() => network.close())
    return network
  }

  /**
   * Puts a host behind another NAT, which knows of nothing that was before.
   *
   * @param {string} host @param {Behind} nat
   */
  behind(host, nat) {
    return this.#order({ do: 'nat', host, nat })
  }

  /**
   * The same, and gives the host another address of its own: from wifi to mobile.
   *
   * @param {string} host @param {string} address @param {Behind} nat
   */
  move(host, address, nat) {
    return this.#order({ do: 'move', host, address, nat })
  }

  /** @param {string} host @param {{ delay_ms?: number, loss?: number }} line */
  line(host, line) {
    return this.#order({ do: 'line', host, ...line })
  }

  /** What the network has carried and lost since this was asked last. */
  figures() {
    return this.#order({ do: 'figures' })
  }

  async close() {
    await Promise.allSettled(this.#closers.reverse().map((close) => close()))
    if (this.#program.alive) this.#program.kill('SIGKILL')
    await this.#program.ended
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #order(order) {
    const id = ++this.#orders
    this.#program.say(JSON.stringify({ id, ...order }))
    const answer = await this.#program.line((line) => {
      const answer = JSON.parse(line)
      return answer.id === id ? answer : undefined
    }, `the answer to ${order.do}`)
    if (answer.event !== 'done') throw new Error(`velox-lab: ${answer.error}`)
    return answer.result
  }

  #namespace(host) {
    const { namespace } = this.#namespaces[host] ?? {}
    if (!namespace) throw new Error(`the laboratory has no host ${host}`)
    return namespace
  }
}

class LabNetwork extends Network {
  /** @param {Lab} lab */
  constructor(lab) {
    super()
    this.lab = lab
  }

  /** Starts a node on that host; later ones are told of it. */
  async startNode(host, extra = []) {
    const node = new LabNode(this, host, extra)
    this.nodes.push(node)
    await node.start()
    this.bootstrap.push(...node.addrs.filter((addr) => addr.includes('/tcp/') && !addr.includes('/ws')))
    return node
  }
}

/** A node with the usual ports. */
class LabNode extends Node {
  constructor(network, host, extra) {
    super(network, host, extra)
    this.host = host
    this.address = network.lab.hosts.get(host).address
  }

  async start() {
    const ip = `/ip4/${this.address}`
    const listen = [`${ip}/tcp/4600`, `${ip}/udp/4600/quic-v1`, `${ip}/udp/4601/webrtc-direct`]
    this.program = this.network.keep(
      this.network.lab.run(this.host, 'velox', program('velox'), [
        ...['node', '--json', '--network', this.network.name, '--data-dir', this.folder],
        ...listen.flatMap((address) => ['--listen', address]),
        ...['--http', `${this.address}:8080`],
        ...this.network.bootstrap.flatMap((addr) => ['--bootstrap', addr]),
        ...this.extra,
      ]),
    )
    const ready = await this.program.event('ready')
    this.peerId = ready.peer_id
    this.addrs = ready.addrs
    this.http = ready.http
  }

  /** Asked by a program on its host: nothing leads there from here. */
  async status() {
    const ask = `fetch(process.argv[1]).then((answer) => answer.json()).then((status) => console.log(JSON.stringify(status)))`
    const asking = this.network.lab.run(this.host, 'status', process.execPath, ['-e', ask, `${this.http}/api/v1/status`])
    await within(asking.ended, `the status of ${this.http}`)
    return JSON.parse(asking.lines[0])
  }
}
