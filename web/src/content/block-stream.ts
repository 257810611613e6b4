/**
 * Blocks on a bulk channel labelled `velox/blocks`: for each a head of 8 bytes (the want's number,
 * the block's size; big-endian) in a message of its own, then the block, cut into messages.
 */
import { VeloxError } from '../errors.js'
import type { BulkReceiver } from '../session/session.js'
import { BLOCK } from './limits.js'

export const BLOCKS = 'velox/blocks'

export function blockHead(id: number, size: number): Uint8Array {
  const head = new Uint8Array(8)
  const view = new DataView(head.buffer)
  view.setUint32(0, id)
  view.setUint32(4, size)
  return head
}

export interface BlockSink {
  /** Whether the block is still of use; throws VeloxError where it was never asked for. */
  begin(id: number): boolean
  /** Bytes of some block have come. */
  progress(bytes: number): void
  /** A block is complete. Nothing but its size has been looked at. */
  block(id: number, block: Uint8Array): void
}

/** Puts blocks together. It holds one block's bytes at a time, of the size that really comes. */
export class BlockReceiver implements BulkReceiver {
  #id = 0
  #missing = 0
  #used = false
  #block: Uint8Array | undefined
  #filled = 0

  constructor(private readonly sink: BlockSink) {}

  message(bytes: Uint8Array): void {
    if (this.#missing === 0) return this.#head(bytes)
    if (bytes.length === 0 || bytes.length > this.#missing) throw new VeloxError('malformed', 'block-size')
    this.sink.progress(bytes.length)
    this.#missing -= bytes.length
    if (!this.#used) return
    if (!this.#block && this.#missing === 0) return this.sink.block(this.#id, bytes)
    this.#block ??= new Uint8Array(this.#missing + bytes.length)
    this.#block.set(bytes, this.#filled)
    this.#filled += bytes.length
    if (this.#missing === 0) this.sink.block(this.#id, this.#block)
  }

  end(): void {
    this.#block = undefined
  }

  #head(bytes: Uint8Array): void {
    if (bytes.length !== 8) throw new VeloxError('malformed', 'block-head')
    const view = new DataView(bytes.buffer, bytes.byteOffset, 8)
    this.#id = view.getUint32(0)
    this.#missing = view.getUint32(4)
    if (this.#missing > BLOCK) throw new VeloxError('malformed', 'block-too-large')
    this.#block = undefined
    this.#filled = 0
    this.#used = this.sink.begin(this.#id)
    if (this.#missing === 0 && this.#used) this.sink.block(this.#id, new Uint8Array())
  }
}
