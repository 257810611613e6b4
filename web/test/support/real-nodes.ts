/** Real `velox node` processes on loopback, where the Rust side has been built. */
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** Where cargo puts the program, or VELOX_BIN_DIR; undefined where it isn't built. */
export const program = [
  process.env.VELOX_BIN_DIR,
  process.env.CARGO_TARGET_DIR && join(process.env.CARGO_TARGET_DIR, 'debug'),
  join(root, 'target', 'debug'),
  join(homedir(), '.cache', 'velox-mesh', 'target', 'debug'),
]
  .map((folder) => folder && join(folder, 'velox'))
  .find((path) => path && existsSync(path))

export interface RealNode {
  peerId: string
  addrs: string[]
  http: string
  kill(): void
}

export class RealNetwork {
  readonly nodes: RealNode[] = []
  readonly #folder = mkdtempSync(join(tmpdir(), 'velox-web-'))
  readonly #children: ChildProcess[] = []

  constructor(readonly name: string) {}

  /** Starts a node that knows those before it, and waits until it is ready. */
  async start(): Promise<RealNode> {
    const bootstrap = this.nodes.flatMap(({ addrs }) => addrs.flatMap((addr) => ['--bootstrap', addr]))
    const child = spawn(
      program!,
      [
        ...['node', '--json', '--network', this.name, '--http', '127.0.0.1:0'],
        ...['--listen', '/ip4/127.0.0.1/tcp/0'],
        ...['--data-dir', join(this.#folder, String(this.nodes.length))],
        ...bootstrap,
      ],
      {
        stdio: ['ignore', 'pipe', process.env.VELOX_TEST_LOG ? 'inherit' : 'ignore'],
        // What a node takes for its own configuration, and isn't.
        env: { ...process.env, VELOX_BIN_DIR: undefined, VELOX_TEST_LOG: undefined },
      },
    )
    this.#children.push(child)
    for await (const line of createInterface({ input: child.stdout })) {
      const event = JSON.parse(line) as { event: string; peer_id: string; addrs: string[]; http: string }
      if (event.event !== 'ready') continue
      child.stdout.resume()
      const node = {
        peerId: event.peer_id,
        addrs: event.addrs,
        http: event.http,
        kill: () => void child.kill('SIGKILL'),
      }
      this.nodes.push(node)
      return node
    }
    throw new Error('the node ended before it was ready')
  }

  close(): void {
    for (const child of this.#children) child.kill('SIGKILL')
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
