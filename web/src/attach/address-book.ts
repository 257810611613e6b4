/** The addresses that a peer knows, and which one to dial next. */
import type { Address } from './address.js'
import type { VeloxError } from '../errors.js'
import { BACKOFF_FIRST, BACKOFF_LAST, BOOK_SIZE, STEADY, UNPROVEN_PER_MINUTE } from './defaults.js'

/**
 * Who named an address: the caller (`nodes`), the page's own origin, a node or document that was
 * asked, or this client's memory of earlier visits.
 */
export type Source = 'nodes' | 'origin' | 'network' | 'memory'

export interface Entry {
  address: Address
  /** The node's PeerId, once it is known. */
  node?: string
  source: Source
  /** It has worked before: dialing it costs nobody anything unexpected. */
  proven: boolean
  /** Failures since it last worked. */
  failures: number
  /** Not to be dialed before this, by `Date.now()`. */
  notBefore: number
  busy: boolean
  /** Why it failed last. */
  reason?: string
  /** The node was reached, and doesn't want this peer. */
  refused?: boolean
}

export class AddressBook {
  readonly #entries = new Map<string, Entry>()
  /** When nodes were dialed in the last minute that haven't been reached yet. */
  #unproven: number[] = []

  /** Adds what isn't known yet. A full book forgets what failed most. */
  add(address: Address, source: Source, proven = source === 'nodes' || source === 'origin'): void {
    const known = this.#entries.get(address.text)
    if (known) {
      known.node ??= address.node
      known.proven ||= proven
      return
    }
    if (this.#entries.size >= BOOK_SIZE) {
      const worst = [...this.#entries.values()]
        .filter((entry) => !entry.busy && !entry.proven)
        .sort((a, b) => b.failures - a.failures)[0]
      if (!worst) return
      this.#entries.delete(worst.address.text)
    }
    this.#entries.set(address.text, {
      address,
      node: address.node,
      source,
      proven,
      failures: 0,
      notBefore: 0,
      busy: false,
    })
  }

  /**
   * The best address to dial now, of a node that isn't among `attached`; counted against the
   * minute's dials where it is unproven. Preferred: few failures, a source other than `besides`,
   * a node that isn't being dialed, proven; chance decides the rest.
   */
  next(attached: ReadonlySet<string>, besides: Source | undefined, now: number): Entry | undefined {
    const dialed = new Set(this.entries().flatMap(({ busy, node }) => (busy && node) || []))
    this.#unproven = this.#unproven.filter((at) => at > now - 60_000)
    const mayProbe = this.#unproven.length < UNPROVEN_PER_MINUTE
    const cost = (entry: Entry): number =>
      entry.failures * 8 +
      (entry.source === besides ? 4 : 0) +
      (entry.node && dialed.has(entry.node) ? 4 : 0) +
      (entry.proven ? 0 : 2) +
      Math.random()
    let best: Entry | undefined
    let least = Infinity
    for (const entry of this.#entries.values()) {
      if (entry.busy || entry.notBefore > now || !(entry.proven || mayProbe)) continue
      if (entry.node && attached.has(entry.node)) continue
      const own = cost(entry)
      if (own < least) [best, least] = [entry, own]
    }
    if (best && !best.proven) this.#unproven.push(now)
    return best
  }

  /**
   * Another way to the node of `entry` by the other carrier, to be dialed at once besides: the
   * minute's count is of nodes. Undefined where there is none, or where one is being dialed.
   */
  beside({ address, node }: Entry, now: number): Entry | undefined {
    const others = this.entries().filter(
      (other) => node && other.node === node && other.address.kind !== address.kind,
    )
    const best = others
      .filter(({ notBefore }) => notBefore <= now)
      .sort((a, b) => a.failures - b.failures)[0]
    return others.some(({ busy }) => busy) ? undefined : best
  }

  /** It led to a node. */
  succeeded(entry: Entry, node: string): void {
    // The count is of those whom the dial may have been a surprise to.
    if (!entry.proven) this.#unproven.pop()
    Object.assign(entry, { node, proven: true, notBefore: 0 })
    entry.reason = undefined
    entry.refused = false
  }

  /** Its attachment was ended by the other side, or the carrier, after `lived` ms. */
  ended(entry: Entry, reason: string, lived: number, now: number): void {
    if (lived > STEADY) entry.failures = 0
    this.failed(entry, new Error(reason), now)
  }

  /** It didn't: dialed again after a wait that doubles, with jitter. */
  failed(entry: Entry, error: Error, now: number): void {
    entry.reason = error.message
    entry.refused = (error as VeloxError).code === 'denied'
    const wait = Math.min(BACKOFF_LAST, BACKOFF_FIRST * 2 ** entry.failures++)
    entry.notBefore = now + wait * (0.75 + Math.random() / 2)
  }

  /** Leaves a node alone for `ms`, unless everything else fails (`forgive`). */
  avoid(node: string, ms: number, now: number): void {
    for (const entry of this.#entries.values()) {
      if (entry.node === node) Object.assign(entry, { notBefore: now + ms, failures: entry.failures + 1 })
    }
  }

  /** Everything may be dialed again at once: the network has come back, or nobody else is left. */
  forgive(): void {
    for (const entry of this.#entries.values()) entry.notBefore = 0
  }

  entries(): Entry[] {
    return [...this.#entries.values()]
  }
}
