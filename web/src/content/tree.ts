/** Reads a file's tree from its root, in the file's order, fetching nodes as it comes to them. */
import { bad, type Cid } from './cid.js'
import { DEPTH } from './limits.js'
import { readNode, type Child, type FileNode } from './unixfs.js'

/** A piece of the file: a leaf to be fetched, or bytes that came with a node. */
export type Piece = { leaf: Child } | { bytes: Uint8Array }

export interface FileTree {
  /** Bytes of the file. */
  readonly size: number
  readonly pieces: AsyncGenerator<Piece, void, undefined>
}

/**
 * Opens the file with this root. `block` resolves with a block that matches its CID. Rejects
 * `bad-cid` where the tree isn't sound: `pieces` does so where that shows later.
 */
export async function openTree(root: Cid, block: (cid: Cid) => Promise<Uint8Array>): Promise<FileTree> {
  const first = await block(root)
  if (root.raw) return { size: first.length, pieces: single(first) }
  const node = readNode(first)
  return { size: node.size, pieces: below(node, block, 1) }
}

async function* single(bytes: Uint8Array): AsyncGenerator<Piece, void, undefined> {
  if (bytes.length > 0) yield { bytes }
}

async function* below(
  node: FileNode,
  block: (cid: Cid) => Promise<Uint8Array>,
  depth: number,
): AsyncGenerator<Piece, void, undefined> {
  if (depth > DEPTH) throw bad(`a file's tree is deeper than ${DEPTH} levels`)
  if (node.inline?.length) yield { bytes: node.inline }
  for (const child of node.children) {
    if (child.cid.raw) {
      yield { leaf: child }
      continue
    }
    const inner = readNode(await block(child.cid))
    if (inner.size !== child.size) throw bad("a node isn't as large as its parent says")
    yield* below(inner, block, depth + 1)
  }
}
