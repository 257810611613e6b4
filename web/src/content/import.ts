/** Cuts a file into blocks: raw leaves of 256 KiB under a balanced tree of 174 links a node. */
import { cidOf, type Cid } from './cid.js'
import { CHUNK, LINKS } from './limits.js'
import { writeNode, type Subtree } from './unixfs.js'

/** Chunks read and hashed together. */
const TOGETHER = 16

export interface Progress {
  /** Bytes done. */
  readonly loaded: number
  /** Bytes in all. */
  readonly total: number
}

/**
 * Hands every block to `keep`, children before parents, and returns the root. The blocks are
 * copies: the caller may go on using its bytes.
 */
export async function importFile(
  source: Blob | Uint8Array,
  keep: (cid: Cid, block: Uint8Array) => void,
  onProgress?: (progress: Progress) => void,
): Promise<Cid> {
  const total = source instanceof Uint8Array ? source.length : source.size
  const tree = new Balanced(keep)
  for (let at = 0; at < total || at === 0; at += TOGETHER * CHUNK) {
    const part = await read(source, at, Math.min(total, at + TOGETHER * CHUNK))
    const chunks: Uint8Array[] = []
    for (let from = 0; from < part.length || from === 0; from += CHUNK) chunks.push(part.slice(from, from + CHUNK))
    const cids = await Promise.all(chunks.map((chunk) => cidOf(chunk, true)))
    for (const [index, cid] of cids.entries()) {
      keep(cid, chunks[index])
      await tree.add({ cid, size: chunks[index].length, total: chunks[index].length })
    }
    onProgress?.({ loaded: at + part.length, total })
  }
  return tree.root()
}

async function read(source: Blob | Uint8Array, from: number, to: number): Promise<Uint8Array> {
  if (source instanceof Uint8Array) return source.subarray(from, to)
  return new Uint8Array(await source.slice(from, to).arrayBuffer())
}

/** The balanced layout, built as leaves come: all leaves are equally deep. */
export class Balanced {
  /** What has no parent yet, per level, leaves first: at most 174 each. */
  readonly #levels: Subtree[][] = []

  constructor(private readonly keep: (cid: Cid, block: Uint8Array) => void) {}

  async add(subtree: Subtree, level = 0): Promise<void> {
    const row = (this.#levels[level] ??= [])
    // A full row gets its parent only when there is more, so that the last parent is the root.
    if (row.length === LINKS) await this.#close(level)
    this.#levels[level].push(subtree)
  }

  async root(): Promise<Cid> {
    let level = 0
    while (level + 1 < this.#levels.length || this.#levels[level].length > 1) await this.#close(level++)
    return this.#levels[level][0].cid
  }

  async #close(level: number): Promise<void> {
    const children = this.#levels[level]
    this.#levels[level] = []
    const block = writeNode(children)
    const cid = await cidOf(block, false)
    this.keep(cid, block)
    const sum = (of: 'size' | 'total'): number => children.reduce((all, child) => all + child[of], 0)
    await this.add({ cid, size: sum('size'), total: block.length + sum('total') }, level + 1)
  }
}
