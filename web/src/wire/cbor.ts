/**
 * Strict DAG-CBOR of what the wire's types hold: unsigned integers, byte and text strings, lists,
 * maps with text keys, booleans and null. One value has one encoding; nothing else is accepted.
 */
import { VeloxError } from '../errors.js'
import { concat, equal, fromUtf8, utf8 } from './bytes.js'

/** Nesting beyond which bytes are refused: the wire's deepest message has 7 levels. */
const MAX_DEPTH = 16

/** The canonical DAG-CBOR of `value`. Map entries that are undefined are left out. */
export function encode(value: unknown): Uint8Array {
  const parts: Uint8Array[] = []
  write(parts, value)
  return concat(...parts)
}

/**
 * Decodes the canonical encoding of at most `max` bytes of the message named `what`. Integers
 * above 2^53 come as bigint.
 */
export function decode(what: string, bytes: Uint8Array, max: number): unknown {
  if (bytes.length > max) {
    throw malformed(what, `has ${bytes.length} bytes: at most ${max} are allowed`)
  }
  let value: unknown
  try {
    const cursor = { bytes, at: 0 }
    value = read(cursor, 0)
    if (cursor.at < bytes.length) throw new Error('bytes follow its end')
  } catch (error) {
    throw malformed(what, `isn't DAG-CBOR: ${(error as Error).message}`)
  }
  // Catches whatever canonical DAG-CBOR writes differently: long integers, keys out of order or twice.
  if (!equal(encode(value), bytes)) throw malformed(what, "isn't canonical DAG-CBOR")
  return value
}

export const malformed = (what: string, reason: string): VeloxError =>
  new VeloxError('malformed', `${what} ${reason}`)

function write(parts: Uint8Array[], value: unknown): void {
  if (typeof value === 'number' || typeof value === 'bigint') {
    parts.push(head(0, value))
  } else if (value instanceof Uint8Array) {
    parts.push(head(2, value.length), value)
  } else if (typeof value === 'string') {
    const text = utf8(value)
    parts.push(head(3, text.length), text)
  } else if (Array.isArray(value)) {
    parts.push(head(4, value.length))
    for (const item of value) write(parts, item)
  } else if (typeof value === 'boolean') {
    parts.push(Uint8Array.of(value ? 0xf5 : 0xf4))
  } else if (value === null) {
    parts.push(Uint8Array.of(0xf6))
  } else {
    const entries = Object.entries(value as object).filter((entry) => entry[1] !== undefined)
    entries.sort(([a], [b]) => a.length - b.length || (a < b ? -1 : 1))
    parts.push(head(5, entries.length))
    for (const [key, item] of entries) {
      write(parts, key)
      write(parts, item)
    }
  }
}

function head(major: number, count: number | bigint): Uint8Array {
  const size = count < 24 ? 0 : count < 0x100 ? 1 : count < 0x10000 ? 2 : count < 0x100000000 ? 4 : 8
  const out = new Uint8Array(1 + size)
  out[0] = (major << 5) | (size ? 24 + Math.log2(size) : Number(count))
  let rest = BigInt(count)
  for (let i = size; i > 0; i--, rest >>= 8n) out[i] = Number(rest & 0xffn)
  return out
}

function read(cursor: { bytes: Uint8Array; at: number }, depth: number): unknown {
  if (depth > MAX_DEPTH) throw new Error('it is nested too deeply')
  const first = cursor.bytes[cursor.at++]
  const major = first >> 5
  const low = first & 31
  if (major === 7) {
    if (low === 20 || low === 21) return low === 21
    if (low === 22) return null
  }
  if (!(major <= 5) || major === 1 || low > 27) throw new Error('a type that the wire has no use for')
  let count: number | bigint = low
  if (low >= 24) {
    let wide = 0n
    for (const byte of take(cursor, 1 << (low - 24))) wide = (wide << 8n) | BigInt(byte)
    count = wide > BigInt(Number.MAX_SAFE_INTEGER) ? wide : Number(wide)
  }
  if (major === 0) return count
  if (typeof count === 'bigint') throw new Error('it ends early')
  if (major === 2) return take(cursor, count).slice()
  if (major === 3) return fromUtf8(take(cursor, count))
  // Every item has a byte at least: no list is made that the bytes can't fill.
  if (count > cursor.bytes.length - cursor.at) throw new Error('it ends early')
  if (major === 4) return Array.from({ length: count }, () => read(cursor, depth + 1))
  return Object.fromEntries(
    Array.from({ length: count }, () => {
      const key = read(cursor, depth + 1)
      if (typeof key !== 'string') throw new Error('a map key that is no text')
      return [key, read(cursor, depth + 1)]
    }),
  )
}

function take(cursor: { bytes: Uint8Array; at: number }, count: number): Uint8Array {
  const end = cursor.at + count
  if (end > cursor.bytes.length) throw new Error('it ends early')
  const taken = cursor.bytes.subarray(cursor.at, end)
  cursor.at = end
  return taken
}
