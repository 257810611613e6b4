/** Blocks in memory: bounded; what was put stays, what was fetched goes when others need room. */
import { VeloxError } from '../errors.js'
import { PINNED, STORE } from './limits.js'

export class BlockStore {
  /** Least recently used first. */
  readonly #loose = new Map<string, Uint8Array>()
  readonly #pinned = new Map<string, { block: Uint8Array; by: Set<string> }>()
  #looseBytes = 0
  #pinnedBytes = 0

  constructor(
    private readonly bound = STORE,
    private readonly pinnedBound = PINNED,
  ) {}

  /** Bytes held. */
  get size(): number {
    return this.#looseBytes + this.#pinnedBytes
  }

  has(cid: string): boolean {
    return this.#pinned.has(cid) || this.#loose.has(cid)
  }

  get(cid: string): Uint8Array | undefined {
    const pinned = this.#pinned.get(cid)
    if (pinned) return pinned.block
    const block = this.#loose.get(cid)
    if (block) {
      this.#loose.delete(cid)
      this.#loose.set(cid, block)
    }
    return block
  }

  /** Keeps a block for as long as there's room. */
  add(cid: string, block: Uint8Array): void {
    if (this.has(cid)) return
    this.#loose.set(cid, block)
    this.#looseBytes += block.length
    this.#shrink()
  }

  /** Keeps a block for `owner` until it unpins; throws `too-large` where pins have no room. */
  pin(cid: string, block: Uint8Array, owner: string): void {
    const pinned = this.#pinned.get(cid)
    if (pinned) {
      pinned.by.add(owner)
      return
    }
    if (this.#pinnedBytes + block.length > this.pinnedBound) {
      throw new VeloxError(
        'too-large',
        `what this page has put would take more than ${this.pinnedBound} bytes of memory: forget something first`,
      )
    }
    this.#drop(cid)
    this.#pinned.set(cid, { block, by: new Set([owner]) })
    this.#pinnedBytes += block.length
    this.#shrink()
  }

  /** Everything that only `owner` pinned may go now. */
  unpin(owner: string): void {
    for (const [cid, { block, by }] of this.#pinned) {
      if (!by.delete(owner) || by.size > 0) continue
      this.#pinned.delete(cid)
      this.#pinnedBytes -= block.length
      this.add(cid, block)
    }
  }

  /** What `owner` pinned is `to`'s from now on. */
  rename(owner: string, to: string): void {
    for (const { by } of this.#pinned.values()) if (by.delete(owner)) by.add(to)
  }

  #drop(cid: string): void {
    this.#looseBytes -= this.#loose.get(cid)?.length ?? 0
    this.#loose.delete(cid)
  }

  #shrink(): void {
    for (const cid of this.#loose.keys()) {
      if (this.size <= this.bound) break
      this.#drop(cid)
    }
  }
}
