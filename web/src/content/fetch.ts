/**
 * One `get`: which block to ask of which peer. Blocks are asked for in the order in which the
 * reader needs them, of all peers that may have them, each with a window of its own. A peer that
 * sends a wrong block is out for good; one that stalls, or whose session ends, is out until nobody
 * else has what is missing. Its blocks are asked for elsewhere.
 */
import { VeloxError } from '../errors.js'
import type { Cid } from './cid.js'
import type { Exchange, Got } from './exchange.js'
import { STRIKES, WINDOW_FIRST, WINDOW_MOST, WINDOW_TIME } from './limits.js'

interface Source {
  readonly exchange: Exchange
  readonly lacks: Set<string>
  readonly wants: Map<string, () => void>
  window: number
}

interface Need {
  readonly cid: Cid
  readonly promise: Promise<Uint8Array>
  readonly resolve: (block: Uint8Array) => void
  readonly reject: (error: VeloxError) => void
}

export interface FetchHost {
  /** A block that is here already. */
  held(cid: string): Uint8Array | undefined
  keep(cid: string, block: Uint8Array): void
  /** No source that is left has what is needed. Called whenever that becomes so. */
  starved(): void
  /** A block came. */
  fed(): void
  now(): number
}

export class Fetch {
  readonly #sources = new Map<string, Source>()
  /** What is needed and not asked of anybody, in order. */
  readonly #pending = new Map<string, Need>()
  readonly #asked = new Map<string, Need>()
  readonly #strikes = new Map<string, number>()
  #failure: VeloxError | undefined

  constructor(private readonly host: FetchHost) {}

  /** Peers that serve this fetch. */
  get sources(): number {
    return this.#sources.size
  }

  /** Whether something is needed that no source is asked for. */
  get starving(): boolean {
    return this.#pending.size > 0 && this.#asked.size === 0
  }

  /** Whether a peer serves this fetch, or is out for good: it lied, or stalled too often. */
  knows(peerId: string): boolean {
    return this.#sources.has(peerId) || (this.#strikes.get(peerId) ?? 0) >= STRIKES
  }

  /** A peer that says that it has at least some of it. */
  add(exchange: Exchange): void {
    const { peerId } = exchange.session
    if (this.#failure || this.knows(peerId)) return
    this.#sources.set(peerId, { exchange, lacks: new Set(), wants: new Map(), window: WINDOW_FIRST })
    this.#assign()
  }

  /** Resolves with the block, verified. What is needed twice is asked for once. */
  block(cid: Cid): Promise<Uint8Array> {
    if (this.#failure) return Promise.reject(this.#failure)
    const held = this.host.held(cid.text)
    if (held) return Promise.resolve(held)
    const known = this.#pending.get(cid.text) ?? this.#asked.get(cid.text)
    if (known) return known.promise
    let resolve!: Need['resolve']
    let reject!: Need['reject']
    const promise = new Promise<Uint8Array>((yes, no) => ([resolve, reject] = [yes, no]))
    // Blocks asked for ahead may fail before anybody waits for them.
    promise.catch(() => undefined)
    this.#pending.set(cid.text, { cid, promise, resolve, reject })
    this.#assign()
    return promise
  }

  /** Ends the fetch: all that is needed rejects, all that was asked is cancelled. */
  fail(error: VeloxError): void {
    if (this.#failure) return
    this.#failure = error
    for (const { reject } of [...this.#pending.values(), ...this.#asked.values()]) reject(error)
    this.#pending.clear()
    this.#asked.clear()
    for (const { wants } of this.#sources.values()) for (const cancel of wants.values()) cancel()
    this.#sources.clear()
  }

  #assign(): void {
    for (const [key, need] of this.#pending) {
      const source = this.#idlest(key)
      if (source) this.#ask(source, key, need)
    }
    if (this.starving) this.host.starved()
  }

  /** The source with most room in its window that may have the block. */
  #idlest(key: string): Source | undefined {
    let best: Source | undefined
    for (const source of this.#sources.values()) {
      const room = source.window - source.wants.size
      if (room <= 0 || source.lacks.has(key)) continue
      if (!best || room / source.window > (best.window - best.wants.size) / best.window) best = source
    }
    return best
  }

  #ask(source: Source, key: string, need: Need): void {
    this.#pending.delete(key)
    this.#asked.set(key, need)
    const asked = this.host.now()
    source.wants.set(
      key,
      source.exchange.want(need.cid, (got) => {
        source.wants.delete(key)
        if (this.#asked.get(key) === need) this.#answered(source, key, need, got, asked)
      }),
    )
  }

  #answered(source: Source, key: string, need: Need, got: Got, asked: number): void {
    this.#asked.delete(key)
    if ('block' in got) {
      const took = this.host.now() - asked
      if (took < WINDOW_TIME) source.window = Math.min(source.window + 1, WINDOW_MOST)
      else if (took > 4 * WINDOW_TIME) source.window = Math.max(source.window - 1, 1)
      this.host.keep(key, got.block)
      this.host.fed()
      need.resolve(got.block)
    } else {
      // It's the earliest of what is needed, or close to it.
      const later = [...this.#pending]
      this.#pending.clear()
      this.#pending.set(key, need)
      for (const [other, its] of later) this.#pending.set(other, its)
      if (got.loss === 'lack') source.lacks.add(key)
      else this.#drop(source, got.loss === 'wrong' ? STRIKES : got.loss === 'stalled' ? 1 : 0)
    }
    this.#assign()
  }

  #drop(source: Source, strikes: number): void {
    const { peerId } = source.exchange.session
    if (this.#sources.get(peerId) !== source) return
    this.#sources.delete(peerId)
    this.#strikes.set(peerId, (this.#strikes.get(peerId) ?? 0) + strikes)
    // The last first: each goes to the front of what is needed.
    for (const cancel of [...source.wants.values()].reverse()) cancel()
  }
}
