/** A network for one test: nodes and a bootstrap node on loopback, with any free port. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from './deadline.mjs'
import { Program } from './processes.mjs'

const LISTEN = ['--listen', '/ip4/127.0.0.1/tcp/0', '--listen', '/ip4/127.0.0.1/udp/0/quic-v1']

/** Further arguments of a node that browsers dial. */
export const WEBRTC_DIRECT = ['--listen', '/ip4/127.0.0.1/udp/0/webrtc-direct']

let networks = 0
let files = 0

export class Network {
  /** @type {Node[]} */ nodes = []
  /** @type {Program[]} */ programs = []
  /** @type {string[]} Addresses that new nodes are given. */ bootstrap = []

  constructor(name = `test-${process.pid}-${++networks}`) {
    this.name = name
    this.folder = mkdtempSync(join(tmpdir(), 'velox-test-'))
  }

  /** Starts the bootstrap node that later nodes are told of. */
  async startBootstrap() {
    const program = this.keep(
      new Program('velox-bootstrap', [
        '--json',
        ...LISTEN,
        ...['--http', '127.0.0.1:0', '--network', this.name],
        ...['--data-dir', join(this.folder, `bootstrap-${this.programs.length}`)],
      ]),
    )
    const ready = await program.event('ready')
    this.bootstrap = ready.addrs.filter((addr) => addr.includes('/tcp/'))
    return program
  }

  /** Writes a configuration file and returns the arguments that name it. */
  configure(toml) {
    const path = join(this.folder, `velox-${++files}.toml`)
    writeFileSync(path, toml)
    return ['--config', path]
  }

  /** Starts a node and waits until it is ready; `extra` are further arguments. */
  async startNode(extra = []) {
    const node = new Node(this, `node-${this.nodes.length}`, extra)
    this.nodes.push(node)
    await node.start()
    return node
  }

  /** A bootstrap node and `count` nodes which are all in the network. */
  async start(count, extra = []) {
    await this.startBootstrap()
    for (let index = 0; index < count; index++) await this.startNode(extra)
    if (count > 1) await Promise.all(this.nodes.map((node) => node.joined()))
    return this.nodes
  }

  keep(program) {
    this.programs.push(program)
    return program
  }

  async close() {
    const alive = this.programs.filter((program) => program.alive)
    for (const program of alive) program.kill('SIGKILL')
    await Promise.all(alive.map((program) => program.ended))
    rmSync(this.folder, { recursive: true, force: true })
  }

  report() {
    return this.programs.map((program) => `--- ${program.name} ${program.pid}\n${program.tail()}`).join('\n')
  }
}

/** One node, which keeps its data over restarts. */
export class Node {
  /** @type {Program} */ program
  peerId = ''
  /** @type {string[]} */ addrs = []
  http = ''

  constructor(network, name, extra) {
    this.network = network
    this.folder = join(network.folder, name)
    this.extra = extra
  }

  async start() {
    this.program = this.network.keep(
      new Program('velox', [
        'node',
        '--json',
        ...LISTEN,
        ...['--http', '127.0.0.1:0', '--network', this.network.name, '--data-dir', this.folder],
        ...this.network.bootstrap.flatMap((addr) => ['--bootstrap', addr]),
        ...this.extra,
      ]),
    )
    const ready = await this.program.event('ready')
    this.peerId = ready.peer_id
    this.addrs = ready.addrs
    this.http = ready.http
  }

  /** Where browsers dial it, if it was started with WEBRTC_DIRECT. */
  get direct() {
    return this.addrs.find((addr) => addr.includes('/webrtc-direct/'))
  }

  /** The node's own account of itself. */
  async status() {
    const response = await fetch(`${this.http}/api/v1/status`)
    if (!response.ok) throw new Error(`status ${response.status}`)
    return response.json()
  }

  /** Waits until the node is connected to another of the test's nodes (a bootstrap node isn't one). */
  joined(ms) {
    return until(
      async () => {
        const { peer_ids: connected } = (await this.status()).connections
        return this.network.nodes.some((other) => other !== this && connected.includes(other.peerId))
      },
      `${this.http} to be connected to another node`,
      ms,
    )
  }

  /** As a power cut would. */
  async kill() {
    this.program.kill('SIGKILL')
    await this.program.ended
  }
}
