/** CIDs: version 1, SHA-256, of raw bytes or a dag-pb node, as text in base32. */
import { VeloxError } from '../errors.js'
import { loadSuite } from '../crypto/suite.js'

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567'
const RAW = 0x55
const DAG_PB = 0x70

export interface Cid {
  /** Base32, with its leading `b`: 59 characters. */
  readonly text: string
  /** 36 bytes. */
  readonly bytes: Uint8Array
  /** Whether the block is a part of the file itself rather than a node of its tree. */
  readonly raw: boolean
}

/** The SHA-256 of bytes, by WebCrypto where there is one. */
export async function sha256(bytes: Uint8Array): Promise<Uint8Array> {
  const subtle = globalThis.crypto.subtle as SubtleCrypto | undefined
  if (subtle) return new Uint8Array(await subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>))
  return (await loadSuite()).sha256(bytes)
}

/** The CID of a block. */
export async function cidOf(block: Uint8Array, raw: boolean): Promise<Cid> {
  const bytes = new Uint8Array(36)
  bytes.set([1, raw ? RAW : DAG_PB, 0x12, 32])
  bytes.set(await sha256(block), 4)
  return { text: base32(bytes), bytes, raw }
}

/** Whether a block is what its CID says. */
export async function matches(cid: Cid, block: Uint8Array): Promise<boolean> {
  const digest = await sha256(block)
  return digest.every((byte, at) => byte === cid.bytes[at + 4])
}

/** Reads a CID's text; throws `bad-cid`. */
export function parseCid(text: string): Cid {
  if (typeof text !== 'string' || !/^b[a-z2-7]{58}$/.test(text)) {
    throw bad(`${String(text).slice(0, 80)} isn't a CIDv1 in base32 (59 characters, the first a b)`)
  }
  const bytes = new Uint8Array(36)
  let bits = 0
  let held = 0
  let at = 0
  for (const char of text.slice(1)) {
    held = (held << 5) | ALPHABET.indexOf(char)
    bits += 5
    if (bits >= 8) {
      bits -= 8
      bytes[at++] = held >> bits
      held &= (1 << bits) - 1
    }
  }
  const cid = cidFromBytes(bytes)
  if (cid.text !== text) throw bad(`${text} isn't canonical base32`)
  return cid
}

/** Reads a CID's binary form; throws `bad-cid`. */
export function cidFromBytes(bytes: Uint8Array): Cid {
  const [version, codec, hash, length] = bytes
  if (bytes.length !== 36 || version !== 1 || hash !== 0x12 || length !== 32 || (codec !== RAW && codec !== DAG_PB)) {
    throw bad('only CIDs of version 1 with SHA-256, of raw or dag-pb blocks, are read')
  }
  return { text: base32(bytes), bytes, raw: codec === RAW }
}

export const bad = (message: string): VeloxError => new VeloxError('bad-cid', message)

function base32(bytes: Uint8Array): string {
  let text = 'b'
  let bits = 0
  let held = 0
  for (const byte of bytes) {
    held = (held << 8) | byte
    for (bits += 8; bits >= 5; ) {
      bits -= 5
      text += ALPHABET[(held >> bits) & 31]
    }
    held &= (1 << bits) - 1
  }
  return bits ? text + ALPHABET[(held << (5 - bits)) & 31] : text
}
