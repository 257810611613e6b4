/**
 * The asking side of one session's content: `have` and `want` questions, and the blocks that come
 * back, each verified against its CID. The answering side is serve.ts.
 */
import { VeloxError } from '../errors.js'
import { CIDS } from '../session/messages.js'
import type { Session } from '../session/session.js'
import type { BlockSink } from './block-stream.js'
import { matches, type Cid } from './cid.js'
import { BLOCK_WITHIN, HAVE_WITHIN, HAVES_OUT, LOOK, STALL, WANTS_OUT } from './limits.js'

/**
 * How a want ended without its block. `lack`: the peer hasn't got it; `wrong`: what came wasn't
 * it; `stalled`: nothing came in time; `closed`: the session ended; `cancelled`: we didn't wait.
 */
export type Loss = 'lack' | 'wrong' | 'stalled' | 'closed' | 'cancelled'

export type Got = { block: Uint8Array } | { loss: Loss }

interface Want {
  readonly cid: Cid
  readonly done: (got: Got) => void
}

export class Exchange implements BlockSink {
  /** Wants that aren't sent yet, in order. */
  readonly #queue: Want[] = []
  /** Wants that are sent, in order, by number. */
  readonly #sent = new Map<number, Want>()
  /** Numbers of wants that nobody waits for any more, but whose block may come. */
  readonly #given = new Set<number>()
  readonly #haves = new Map<number, { count: number; done: (held: boolean[]) => void }>()
  #next = 0
  #flushing = false
  #closed = false
  /** When bytes came last, and when the oldest want became the next to be served. */
  #progress = 0
  #turn = 0
  #look: ReturnType<typeof setInterval> | undefined

  constructor(
    readonly session: Session,
    private readonly onBytes: (bytes: number) => void,
    private readonly now: () => number = () => performance.now(),
  ) {
    session.onClose(() => this.#end())
  }

  /** Which of these blocks (64 at most) the peer says it has; none where it doesn't answer. */
  async have(cids: Cid[]): Promise<boolean[]> {
    if (this.#closed || this.#haves.size >= HAVES_OUT) return cids.map(() => false)
    const id = this.#next++
    return new Promise((resolve) => {
      const done = (held: boolean[]): void => {
        clearTimeout(timer)
        this.#haves.delete(id)
        resolve(cids.map((_, at) => held[at] ?? false))
      }
      const timer = setTimeout(() => done([]), HAVE_WITHIN)
      this.#haves.set(id, { count: cids.length, done })
      this.session.send({ have: { id, cids: cids.map((cid) => cid.bytes) } })
    })
  }

  /**
   * Asks for a block. `done` is called once, never before this returns; the undo gives the want
   * up, and then `done` hears `cancelled`.
   */
  want(cid: Cid, done: (got: Got) => void): () => void {
    const want: Want = { cid, done }
    if (this.#closed) {
      queueMicrotask(() => done({ loss: 'closed' }))
      return () => undefined
    }
    this.#queue.push(want)
    this.#flushSoon()
    return () => this.#cancel(want)
  }

  /** The other side's answer to `have`. */
  has({ id, held }: { id: number; held: Uint8Array }): void {
    const have = this.#haves.get(id)
    // An answer that comes after its time is nobody's fault.
    if (!have) return
    if (held.length !== have.count) throw new VeloxError('malformed', 'has-count')
    have.done(Array.from(held, (byte) => byte === 1))
  }

  /** The other side hasn't got these. */
  lack(ids: number[]): void {
    for (const id of ids) if (!this.#given.delete(id)) this.#finish(id, { loss: 'lack' })
  }

  begin(id: number): boolean {
    if (this.#sent.has(id)) return true
    if (!this.#given.delete(id)) throw new VeloxError('malformed', 'unasked-block')
    return false
  }

  progress(bytes: number): void {
    this.#progress = this.now()
    this.onBytes(bytes)
  }

  block(id: number, block: Uint8Array): void {
    const want = this.#take(id)
    if (!want) return
    matches(want.cid, block).then(
      (right) => want.done(right ? { block } : { loss: 'wrong' }),
      () => want.done({ loss: 'wrong' }),
    )
  }

  #finish(id: number, got: Got): void {
    this.#take(id)?.done(got)
  }

  #take(id: number): Want | undefined {
    const want = this.#sent.get(id)
    if (!want) return undefined
    this.#sent.delete(id)
    this.#turn = this.#progress = this.now()
    this.#flushSoon()
    if (this.#sent.size === 0) this.#rest()
    return want
  }

  #flushSoon(): void {
    if (this.#flushing || this.#queue.length === 0) return
    this.#flushing = true
    queueMicrotask(() => {
      this.#flushing = false
      this.#flush()
    })
  }

  #flush(): void {
    const room = Math.min(WANTS_OUT - this.#sent.size, CIDS)
    if (this.#closed || room <= 0 || this.#queue.length === 0) return
    const wants = this.#queue.splice(0, room)
    if (this.#sent.size === 0) this.#watch()
    const id = this.#next
    this.#next += wants.length
    wants.forEach((want, at) => this.#sent.set(id + at, want))
    try {
      this.session.send({ want: { id, cids: wants.map(({ cid }) => cid.bytes) } })
    } catch {
      this.#end()
    }
  }

  #cancel(want: Want): void {
    const at = this.#queue.indexOf(want)
    if (at >= 0) this.#queue.splice(at, 1)
    else {
      const sent = [...this.#sent].find(([, other]) => other === want)
      if (!sent) return
      this.#giveUp([sent[0]])
    }
    want.done({ loss: 'cancelled' })
  }

  /** Tells the other side not to send these; what is on its way is dropped on arrival. */
  #giveUp(ids: number[]): void {
    for (const id of ids) {
      this.#sent.delete(id)
      this.#given.add(id)
    }
    // A peer that never sends what was given up can't make this grow.
    for (const oldest of this.#given) {
      if (this.#given.size <= 4 * WANTS_OUT) break
      this.#given.delete(oldest)
    }
    if (this.session.open) this.session.send({ cancel: ids })
    if (this.#sent.size === 0) this.#rest()
    this.#flushSoon()
  }

  #watch(): void {
    this.#turn = this.#progress = this.now()
    this.#look ??= setInterval(() => {
      const now = this.now()
      if (now - this.#progress < STALL && now - this.#turn < BLOCK_WITHIN) return
      const stalled = [...this.#sent]
      this.#giveUp(stalled.map(([id]) => id))
      for (const [, want] of stalled) want.done({ loss: 'stalled' })
    }, LOOK)
  }

  #rest(): void {
    clearInterval(this.#look)
    this.#look = undefined
  }

  #end(): void {
    this.#closed = true
    this.#rest()
    const lost = [...this.#sent.values(), ...this.#queue.splice(0)]
    this.#sent.clear()
    for (const { done } of [...this.#haves.values()]) done([])
    for (const want of lost) queueMicrotask(() => want.done({ loss: 'closed' }))
  }
}
