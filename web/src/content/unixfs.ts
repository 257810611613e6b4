/**
 * A file's tree nodes: UnixFS inside dag-pb (https://specs.ipfs.tech/unixfs/), written as
 * `ipfs add --cid-version=1` writes them, and read from whoever made them.
 */
import { concat } from '../wire/bytes.js'
import { bad, cidFromBytes, type Cid } from './cid.js'
import { BLOCK, FOREIGN_LINKS } from './limits.js'

export interface Child {
  readonly cid: Cid
  /** Bytes of the file that it holds. */
  readonly size: number
}

export interface Subtree extends Child {
  /** Bytes of all its blocks. */
  readonly total: number
}

/** What a node says: its children, or the file's bytes themselves. */
export interface FileNode {
  /** Bytes of the file below this node. */
  readonly size: number
  readonly children: readonly Child[]
  readonly inline: Uint8Array | undefined
}

const FILE = 2
const RAW = 0

/** The block of a node with these children. */
export function writeNode(children: readonly Subtree[]): Uint8Array {
  const size = children.reduce((sum, child) => sum + child.size, 0)
  const links = children.map(({ cid, total }) =>
    field(2, concat(field(1, cid.bytes), field(2, new Uint8Array()), number(3, total))),
  )
  const data = concat(number(1, FILE), number(3, size), ...children.map((child) => number(4, child.size)))
  return concat(...links, field(1, data))
}

/** Reads a node's block; throws `bad-cid` where it's no file, or not a sound one. */
export function readNode(block: Uint8Array): FileNode {
  const cids: Cid[] = []
  let data: Uint8Array | undefined
  for (const [id, value] of fields(block)) {
    if (id === 2 && value instanceof Uint8Array) {
      if (cids.length >= FOREIGN_LINKS) throw bad(`a node has more than ${FOREIGN_LINKS} links`)
      cids.push(readLink(value))
    } else if (id === 1 && value instanceof Uint8Array && !data) data = value
    else throw bad('a block is no dag-pb node')
  }
  if (!data) throw bad('a dag-pb node has no UnixFS data')
  return readFile(data, cids)
}

function readLink(link: Uint8Array): Cid {
  for (const [id, value] of fields(link)) {
    if (id === 1 && value instanceof Uint8Array) return cidFromBytes(value.slice())
  }
  throw bad('a dag-pb link has no CID')
}

function readFile(data: Uint8Array, cids: Cid[]): FileNode {
  let type: number | undefined
  let inline: Uint8Array | undefined
  let size: number | undefined
  const sizes: number[] = []
  for (const [id, value] of fields(data)) {
    if (id === 1 && typeof value === 'number') type = value
    else if (id === 2 && value instanceof Uint8Array) inline = value
    else if (id === 3 && typeof value === 'number') size = value
    else if (id === 4 && typeof value === 'number') sizes.push(value)
    // Permissions and times (7 and 8) are no business of ours.
  }
  if (type !== FILE && type !== RAW) throw bad("it's no file (a directory?): ask for a file's CID")
  if (sizes.length !== cids.length) throw bad("a node's sizes don't match its links")
  if (cids.length > 0 && inline?.length) throw bad('a node has both bytes and links')
  const sum = sizes.reduce((total, one) => total + one, inline?.length ?? 0)
  if (!Number.isSafeInteger(sum) || sum !== (size ?? inline?.length ?? 0)) throw bad("a node's sizes don't add up")
  const children = cids.map((cid, at) => {
    if (sizes[at] === 0) throw bad('a node has a child without bytes')
    if (cid.raw && sizes[at] > BLOCK) throw bad(`a node has a leaf of ${sizes[at]} bytes: at most ${BLOCK} are taken`)
    return { cid, size: sizes[at] }
  })
  return { size: sum, children, inline: cids.length > 0 ? undefined : (inline ?? new Uint8Array()) }
}

/** Protobuf's fields, varints and byte strings only. */
function* fields(bytes: Uint8Array): Generator<[id: number, value: number | Uint8Array]> {
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let scale = 1; scale < 2 ** 56; scale *= 128) {
      if (at >= bytes.length) break
      const byte = bytes[at++]
      value += (byte & 127) * scale
      if (byte < 128 && Number.isSafeInteger(value)) return value
    }
    throw bad('a block is no protobuf')
  }
  while (at < bytes.length) {
    const tag = varint()
    const value = varint()
    if (tag % 8 === 0) yield [Math.floor(tag / 8), value]
    else if (tag % 8 === 2 && value <= bytes.length - at) yield [Math.floor(tag / 8), bytes.subarray(at, (at += value))]
    else throw bad('a block is no protobuf')
  }
}

function varint(value: number): Uint8Array {
  const bytes: number[] = []
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) + 128)
  return Uint8Array.from([...bytes, value])
}

const number = (id: number, value: number): Uint8Array => concat(Uint8Array.of(id * 8), varint(value))

const field = (id: number, value: Uint8Array): Uint8Array =>
  concat(Uint8Array.of(id * 8 + 2), varint(value.length), value)
