/** A file's CID is what `ipfs add --cid-version=1` with its classic settings gives. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test, { describe } from 'node:test'
import { MemoryBlockstore } from 'blockstore-core'
import { importer } from 'ipfs-unixfs-importer'
import { fixedSize } from 'ipfs-unixfs-importer/chunker'
import { balanced } from 'ipfs-unixfs-importer/layout'
import { cidOf, parseCid, type Cid } from '../src/content/cid.js'
import { Balanced, importFile } from '../src/content/import.js'
import { openTree } from '../src/content/tree.js'
import { hex } from '../src/wire/bytes.js'

const CHUNK = 262_144

/** Byte i of the vectors' files. */
function file(size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  for (let i = 0; i < size; i++) bytes[i] = i ^ (i >> 8) ^ (i >> 16) ^ (i >> 24)
  return bytes
}

interface Imported {
  root: Cid
  blocks: Map<string, Uint8Array>
}

async function ours(source: Blob | Uint8Array): Promise<Imported> {
  const blocks = new Map<string, Uint8Array>()
  const root = await importFile(source, (cid, block) => blocks.set(cid.text, block))
  return { root, blocks }
}

async function theirs(content: Uint8Array, chunkSize = CHUNK): Promise<string> {
  const options = {
    cidVersion: 1 as const,
    rawLeaves: true,
    reduceSingleLeafToSelf: true,
    chunker: fixedSize({ chunkSize }),
    layout: balanced({ maxChildrenPerNode: 174 }),
  }
  for await (const entry of importer([{ content }], new MemoryBlockstore(), options)) return entry.cid.toString()
  throw new Error('nothing was imported')
}

async function readBack({ root, blocks }: Imported): Promise<Uint8Array> {
  const tree = await openTree(root, async (cid) => blocks.get(cid.text)!)
  const out = new Uint8Array(tree.size)
  let at = 0
  for await (const piece of tree.pieces) {
    const bytes = 'bytes' in piece ? piece.bytes : blocks.get(piece.leaf.cid.text)!
    out.set(bytes, at)
    at += bytes.length
  }
  assert.equal(at, tree.size)
  return out
}

describe('against ipfs-unixfs-importer', () => {
  for (const size of [
    0,
    1,
    CHUNK - 1,
    CHUNK,
    CHUNK + 1,
    4 * CHUNK + 1,
    174 * CHUNK - 1,
    174 * CHUNK,
    174 * CHUNK + 1,
    256 * CHUNK,
  ]) {
    test(`${size} bytes`, async () => {
      const content = file(size)
      const imported = await ours(content)
      assert.equal(imported.root.text, await theirs(content))
      assert.deepEqual(parseCid(imported.root.text), imported.root)
      assert.ok(Buffer.from(await readBack(imported)).equals(content), 'it reads back')
    })
  }
})

describe('against the vectors that the nodes read as well', () => {
  const url = new URL('../../docs/spec/vectors/unixfs.json', import.meta.url)
  const { cases } = JSON.parse(readFileSync(url, 'utf8')) as {
    cases: { name: string; hex?: string; value: { cid: string; size: number; blocks: number } }[]
  }
  for (const { name, hex: root, value } of cases) {
    test(name, async () => {
      const imported = await ours(new Blob([file(value.size) as Uint8Array<ArrayBuffer>]))
      assert.equal(imported.root.text, value.cid)
      assert.equal(imported.blocks.size, value.blocks)
      if (root) assert.equal(hex(imported.blocks.get(value.cid)!), root)
    })
  }
})

test('a third level of nodes, by chunks of one byte', async () => {
  const content = file(174 * 174 + 1)
  const tree = new Balanced(() => undefined)
  for (const byte of content) {
    await tree.add({ cid: await cidOf(Uint8Array.of(byte), true), size: 1, total: 1 })
  }
  assert.equal((await tree.root()).text, await theirs(content, 1))
})
