/** Real `velox` and `velox-bootstrap` processes: started, listened to, and ended, each by its own pid. */

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { within } from './deadline.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The path of a program of ours: from VELOX_BIN_DIR, or where cargo puts it. */
export function program(name) {
  const folders = [
    process.env.VELOX_BIN_DIR,
    process.env.CARGO_TARGET_DIR && join(process.env.CARGO_TARGET_DIR, 'debug'),
    join(root, 'target', 'debug'),
    join(homedir(), '.cache', 'velox-mesh', 'target', 'debug'),
  ]
  for (const folder of folders) {
    if (folder && existsSync(join(folder, name))) return join(folder, name)
  }
  throw new Error(`no ${name}: run "cargo build --workspace" first, or set VELOX_BIN_DIR`)
}

/** @type {Set<Program>} */
const running = new Set()
// Nothing outlives the test file, whatever became of it.
process.on('exit', () => {
  for (const one of running) one.kill('SIGKILL')
})

/** A started program. `lines` has all of stdout so far, `log` all of stderr. */
export class Program {
  /** @type {string[]} */ lines = []
  log = ''
  #child
  #readers = new Set()

  /**
   * A program of ours, or the one at the path `command`.
   *
   * @param {string} name @param {string[]} args
   * @param {{ env?: Record<string, string>, command?: string }} [options]
   */
  constructor(name, args, { env = {}, command = program(name) } = {}) {
    this.name = name
    this.args = args
    // Ours alone: the programs take VELOX_… for settings.
    const { VELOX_BIN_DIR: _, ...inherited } = process.env
    this.#child = spawn(command, args, {
      // Nodes of other tests on this machine aren't found, unless a host is a test's own.
      env: { ...inherited, RUST_BACKTRACE: '1', NO_COLOR: '1', VELOX_MDNS: 'false', ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    // It may have ended already.
    this.#child.stdin.on('error', () => {})
    running.add(this)
    /** Resolves to `{ code, signal }` when the program has ended. */
    this.ended = new Promise((resolve, reject) => {
      this.#child.on('error', reject)
      this.#child.on('close', (code, signal) => {
        running.delete(this)
        resolve({ code, signal })
      })
    })
    this.ended.catch(() => {})
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      this.lines.push(line)
      for (const read of this.#readers) read(line)
    })
    this.#child.stderr.setEncoding('utf8').on('data', (text) => (this.log += text))
  }

  get pid() {
    return this.#child.pid
  }

  get alive() {
    return running.has(this)
  }

  /** Writes a line to its stdin. */
  say(line) {
    this.#child.stdin.write(`${line}\n`)
  }

  /** The first line of stdout, past or to come, for which `match` returns something truthy. */
  async line(match, what, ms) {
    for (const line of this.lines) {
      const found = match(line)
      if (found) return found
    }
    const found = new Promise((resolve, reject) => {
      const read = (line) => {
        const result = match(line)
        if (!result) return
        this.#readers.delete(read)
        resolve(result)
      }
      this.#readers.add(read)
      this.ended.then(
        ({ code, signal }) => reject(new Error(`${this.name} ended (${signal ?? code}) before ${what}:\n${this.tail()}`)),
        reject,
      )
    })
    return within(found, `${what} from ${this.name} ${this.args.join(' ')}`, ms)
  }

  /** The first JSON event of that name. */
  event(name, ms) {
    return this.line((line) => {
      try {
        const event = JSON.parse(line)
        return event.event === name ? event : undefined
      } catch {
        return undefined
      }
    }, `the event "${name}"`, ms)
  }

  /** The first line of stderr, past or to come, that matches. */
  async complaint(pattern, what, ms) {
    const find = () => this.log.split('\n').find((line) => pattern.test(line))
    const found = new Promise((resolve) => {
      const look = () => {
        const line = find()
        if (line === undefined) return
        this.#child.stderr.off('data', look)
        resolve(line)
      }
      this.#child.stderr.on('data', look)
      look()
    })
    return within(found, `${what} from ${this.name} ${this.args.join(' ')}`, ms)
  }

  /** @param {NodeJS.Signals} signal */
  kill(signal = 'SIGKILL') {
    this.#child.kill(signal)
  }

  /** Ends the program as an operator would, and resolves to how it ended. */
  async stop(ms = 10_000) {
    if (this.alive) this.kill('SIGTERM')
    try {
      return await within(this.ended, `${this.name} to end after SIGTERM`, ms)
    } catch (error) {
      this.kill('SIGKILL')
      throw error
    }
  }

  /** The end of what it wrote, for the report of a failed test. */
  tail(characters = 3000) {
    return [...this.lines.slice(-5), this.log.slice(-characters)].join('\n')
  }
}
