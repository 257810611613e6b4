/** How messages lie in a byte stream: an unsigned varint with the length, then the bytes. */
import { concat } from './bytes.js'
import { malformed } from './cbor.js'

/** The longest length prefix: 4 bytes hold 28 bits. */
const MAX_PREFIX = 4

export function frame(message: Uint8Array): Uint8Array {
  const prefix: number[] = []
  let length = message.length
  for (; length >= 0x80; length >>>= 7) prefix.push((length & 0x7f) | 0x80)
  prefix.push(length)
  return concat(Uint8Array.from(prefix), message)
}

/** Cuts a byte stream into frames of at most `max` bytes. */
export class FrameDecoder {
  #pending: Uint8Array = new Uint8Array()

  constructor(private readonly max: number) {}

  /** The frames that `bytes` complete. After it threw, the stream can't be read on. */
  push(bytes: Uint8Array): Uint8Array[] {
    let pending = this.#pending.length ? concat(this.#pending, bytes) : bytes
    const frames: Uint8Array[] = []
    for (;;) {
      const prefix = this.#prefix(pending)
      if (!prefix || pending.length < prefix.size + prefix.length) break
      const end = prefix.size + prefix.length
      frames.push(pending.slice(prefix.size, end))
      pending = pending.subarray(end)
    }
    this.#pending = pending.slice()
    return frames
  }

  #prefix(pending: Uint8Array): { size: number; length: number } | undefined {
    let length = 0
    for (let i = 0; i < MAX_PREFIX; i++) {
      if (i === pending.length) return undefined
      const byte = pending[i]
      length |= (byte & 0x7f) << (7 * i)
      if (byte & 0x80) continue
      if (i > 0 && byte === 0) throw malformed('frame', 'has a length with a needless byte')
      if (length > this.max) {
        throw malformed('frame', `has ${length} bytes: at most ${this.max} are allowed`)
      }
      return { size: i + 1, length }
    }
    throw malformed('frame', `has a length of more than ${MAX_PREFIX} bytes`)
  }
}
