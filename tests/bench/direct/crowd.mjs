/** `velox-crowd` beside a node, and the node that it is measured on. */

import { Network } from '../../support/nodes.mjs'
import { Program } from '../../support/processes.mjs'

/** A crowd on one machine has one address. */
const ROOMY = `[attach]
max = 10000
max_per_address = 10000
`
/** 5,000 take some minutes of two busy cores. */
const PATIENCE_MS = 600_000

/** Calls `body` with a node of its own, that is alone in its network. */
export async function withNode(body) {
  const network = new Network(undefined, 'webrtc-direct')
  try {
    return await body(await network.startNode(network.configure(ROOMY)))
  } finally {
    await network.close()
  }
}

/** The node's address for each carrier, on loopback. */
export function addressOf(node, carrier) {
  const loopback = node.addrs.find((addr) => addr.startsWith('/ip4/127.0.0.1/udp/') && addr.includes('/webrtc-direct/'))
  const websocket = `/ip4/127.0.0.1/tcp/${new URL(node.http).port}/ws/p2p/${node.peerId}`
  return carrier === 'websocket' ? websocket : loopback
}

/** Peers that are held on a node. */
export class Crowd {
  #program
  #commands = 0

  constructor(node, carrier) {
    const address = addressOf(node, carrier)
    this.#program = node.network.keep(
      new Program('velox-crowd', ['hold', '--node', address, '--network', node.network.name]),
    )
  }

  /** So many more; resolves to `{ held, lost, failed, why, pings, ms }`. */
  attach(count) {
    return this.#command(`attach ${count}`)
  }

  count() {
    return this.#command('count')
  }

  /** All go. */
  leave() {
    return this.#command('leave')
  }

  async #command(text) {
    const number = ++this.#commands
    this.#program.say(text)
    return this.#program.line(
      (line) => {
        const done = JSON.parse(line)
        return done.command === number ? done : undefined
      },
      `the answer to "${text}"`,
      PATIENCE_MS,
    )
  }
}

/** Runs a part of `velox-crowd` to its end; resolves to the event it prints. */
export async function ask(node, event, args) {
  const program = node.network.keep(new Program('velox-crowd', args))
  return program.event(event, PATIENCE_MS)
}
