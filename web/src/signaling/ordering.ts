/** Puts the envelopes of one sender in one session in the order in which they were sent. */
import { MAX_HELD, REORDER } from './defaults.js'

export class Ordering<T extends { seq: number }> {
  #next = 1
  readonly #held = new Map<number, T>()
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(private readonly deliver: (item: T) => void) {}

  /**
   * Delivers `item` and what waited for it; or holds it until those before it have come, for
   * `REORDER` ms at most, since an envelope may be lost. What comes later still is delivered late.
   */
  push(item: T): void {
    if (item.seq > this.#next && this.#held.size < MAX_HELD) {
      this.#held.set(item.seq, item)
      this.#timer ??= setTimeout(() => this.#skip(), REORDER)
      return
    }
    this.#next = Math.max(this.#next, item.seq + 1)
    this.deliver(item)
    this.#flush()
  }

  #flush(): void {
    for (let item; (item = this.#held.get(this.#next)); this.#next++) {
      this.#held.delete(this.#next)
      this.deliver(item)
    }
    if (this.#held.size) return
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** What is missing won't come. */
  #skip(): void {
    this.#timer = undefined
    this.#next = Math.min(...this.#held.keys())
    this.#flush()
    if (this.#held.size) this.#timer = setTimeout(() => this.#skip(), REORDER)
  }
}
