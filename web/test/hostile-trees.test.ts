/** Trees that somebody made to hurt are refused by name, in bounded time and memory. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { cidOf, parseCid, type Cid } from '../src/content/cid.js'
import { openTree } from '../src/content/tree.js'
import { readNode, writeNode, type Subtree } from '../src/content/unixfs.js'
import { concat } from '../src/wire/bytes.js'

const refused = (why: RegExp) => (error: { code?: string; message: string }) => {
  assert.equal(error.code, 'bad-cid')
  assert.match(error.message, why)
  return true
}

async function walk(root: Cid, blocks: Map<string, Uint8Array>): Promise<number> {
  const tree = await openTree(root, async (cid) => blocks.get(cid.text)!)
  let pieces = 0
  while (!(await tree.pieces.next()).done) pieces++
  return pieces
}

async function leaf(size: number): Promise<Subtree> {
  return { cid: await cidOf(new Uint8Array(size), true), size, total: size }
}

test('what is no CID of ours', () => {
  for (const text of [
    '',
    'QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG',
    'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvykv',
    'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyk',
    'bafyrgqhai26anf3i7pips7q22coa4sz2fr4gk4q4sqdtymvvjyginfzaqewveaeqdh524nsktaq43j65v22xxrybrtertmcfxufdam3da3hbk',
    undefined as unknown as string,
  ]) {
    assert.throws(() => parseCid(text), refused(/CID|base32/))
  }
})

test('truncated and random bytes', async () => {
  const block = writeNode([await leaf(10), await leaf(20)])
  assert.equal(readNode(block).size, 30)
  for (let length = 0; length < block.length; length++) {
    assert.throws(() => readNode(block.subarray(0, length)), refused(/./), `${length} bytes`)
  }
  for (let at = 0; at < block.length; at++) {
    const changed = block.slice()
    changed[at] ^= 0xff
    try {
      readNode(changed)
    } catch (error) {
      refused(/./)(error as Error)
    }
  }
})

test('sizes that are not so', async () => {
  const inner = writeNode([await leaf(10), await leaf(20)])
  const cid = await cidOf(inner, false)
  const root = writeNode([{ cid, size: 31, total: 99 }])
  const rootCid = await cidOf(root, false)
  const blocks = new Map([
    [cid.text, inner],
    [rootCid.text, root],
  ])
  await assert.rejects(walk(rootCid, blocks), refused(/as large as its parent says/))
})

test('a leaf over 2 MiB and a leaf of nothing', async () => {
  const large = { ...(await leaf(1)), size: 2 * 1024 * 1024 + 1 }
  assert.throws(() => readNode(writeNode([large])), refused(/at most 2097152/))
  assert.throws(() => readNode(writeNode([{ ...large, size: 0 }])), refused(/without bytes/))
})

test('more links than a node may have', async () => {
  const one = await leaf(1)
  assert.throws(() => readNode(writeNode(Array.from({ length: 8193 }, () => one))), refused(/8192 links/))
})

test('a tree that is deeper than any file needs', async () => {
  const blocks = new Map<string, Uint8Array>()
  let child = await leaf(1)
  for (let depth = 0; depth < 20; depth++) {
    const block = writeNode([child])
    const cid = await cidOf(block, false)
    blocks.set(cid.text, block)
    child = { cid, size: 1, total: child.total + block.length }
  }
  await assert.rejects(walk(child.cid, blocks), refused(/deeper than 8/))
})

test('a directory', () => {
  const data = Uint8Array.of(8, 1)
  assert.throws(() => readNode(concat(Uint8Array.of(10, data.length), data)), refused(/directory/))
})
