/**
 * A local network without a way out: hosts of this machine (network namespaces) on one switch,
 * whose router leads nowhere and sees what was meant for outside.
 */

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, CHROMIUM } from './browsers.mjs'
import { Program, program } from './processes.mjs'

/** Why there can be none on this machine; undefined where there can. */
export function missing() {
  if (process.platform !== 'linux') return 'it needs Linux'
  return process.getuid?.() === 0 ? undefined : 'it needs root'
}

let switches = 0

export class Switch {
  #prefix = `velox${process.pid}-${++switches}-`
  #folder = mkdtempSync(join(tmpdir(), 'velox-lan-'))
  #namespaces = []
  /** @type {Array<() => unknown>} */ #closers = []
  /** @type {Map<string, string>} The address of each host. */ addresses = new Map()

  /** @param {string[]} hosts at 10.77.0.1 and on */
  constructor(hosts) {
    try {
      const router = this.#namespace('router')
      ip('-n', router, 'link', 'add', 'lan', 'type', 'bridge')
      ip('-n', router, 'address', 'add', '10.77.0.254/24', 'dev', 'lan')
      ip('-n', router, 'link', 'set', 'lan', 'up')
      for (const [index, host] of hosts.entries()) {
        const namespace = this.#namespace(host)
        const address = `10.77.0.${index + 1}`
        ip('link', 'add', 'eth0', 'netns', namespace, 'type', 'veth', 'peer', 'name', `port${index}`, 'netns', router)
        ip('-n', router, 'link', 'set', `port${index}`, 'master', 'lan', 'up')
        ip('-n', namespace, 'address', 'add', `${address}/24`, 'dev', 'eth0')
        for (const device of ['lo', 'eth0']) ip('-n', namespace, 'link', 'set', device, 'up')
        ip('-n', namespace, 'route', 'add', 'default', 'via', '10.77.0.254')
        this.addresses.set(host, address)
      }
    } catch (error) {
      this.#remove()
      throw error
    }
  }

  /** Starts a program on a host. */
  run(host, name, command, args) {
    const started = new Program(name, ['netns', 'exec', this.#prefix + host, command, ...args], {
      command: '/usr/sbin/ip',
      env: { VELOX_MDNS: 'true' },
    })
    this.#closers.push(async () => {
      if (started.alive) started.kill('SIGKILL')
      await started.ended
    })
    return started
  }

  velox(host, args) {
    return this.run(host, 'velox', program('velox'), args)
  }

  /** What a program on that host reads from an address of this network. */
  async read(host, url) {
    const script = 'fetch(process.argv[1]).then((answer) => answer.text()).then((text) => console.log(text))'
    const reading = this.run(host, 'fetch', process.execPath, ['-e', script, url])
    await reading.ended
    return reading.lines.join('\n')
  }

  /** Chromium on a host; it is driven by a pipe, which knows no network. */
  async chromium(host) {
    const path = join(this.#folder, `chromium-${host}`)
    writeFileSync(path, `#!/bin/sh\nexec /usr/sbin/ip netns exec ${this.#prefix}${host} ${CHROMIUM} "$@"\n`, { mode: 0o755 })
    const browser = await chromium([], { executablePath: path, pipe: true })
    this.#closers.push(() => browser.close())
    return browser
  }

  /** Watches what is meant for outside: resolves to a function that lists it so far. */
  async watch() {
    const script = new URL('./outside.py', import.meta.url).pathname
    const watching = this.run('router', 'watch', '/usr/bin/python3', [script])
    await watching.line((line) => line === 'ready', 'the watch')
    return () => watching.lines.slice(1)
  }

  async close() {
    await Promise.allSettled(this.#closers.reverse().map((close) => close()))
    this.#remove()
  }

  #namespace(name) {
    const namespace = this.#prefix + name
    ip('netns', 'add', namespace)
    this.#namespaces.push(namespace)
    return namespace
  }

  #remove() {
    for (const namespace of this.#namespaces) ip('netns', 'delete', namespace)
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

function ip(...args) {
  execFileSync('/usr/sbin/ip', args, { stdio: 'pipe' })
}
