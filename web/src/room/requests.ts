/** Requests of one room that wait for their replies, and responders that make them. */
import { VeloxError } from '../errors.js'
import { ANSWERING, REFUSAL } from './limits.js'

interface Waiting {
  readonly peerId: string
  readonly resolve: (body: unknown) => void
  readonly reject: (error: VeloxError) => void
  readonly timer: ReturnType<typeof setTimeout>
}

export type Responder<Peer> = (body: unknown, peer: Peer) => unknown

export class Requests<Peer extends { readonly peerId: string }> {
  readonly #waiting = new Map<number, Waiting>()
  readonly #responders = new Map<string, Responder<Peer>>()
  readonly #answering = new Map<string, number>()
  #next = 0

  /**
   * Waits for a peer's reply. `send` gets the request's number; where it rejects, so does this.
   * Rejects `timeout`, `denied` (the peer refused), `unreachable` (it went).
   */
  async ask(peerId: string, within: number, send: (id: number) => Promise<void>): Promise<unknown> {
    const id = this.#next++
    const reply = new Promise<unknown>((resolve, reject) => {
      const timer = setTimeout(
        () => this.#settle(id, new VeloxError('timeout', `${peerId} didn't reply within ${within} ms`)),
        within,
      )
      this.#waiting.set(id, { peerId, resolve, reject, timer })
    })
    send(id).catch((error: unknown) => this.#settle(id, error as VeloxError))
    return reply
  }

  /** A reply came. One that nobody waits for, or of another peer than was asked, is nothing. */
  replied(id: number, peerId: string, error: string | undefined, body: unknown): void {
    const waiting = this.#waiting.get(id)
    if (waiting?.peerId !== peerId) return
    if (error === undefined) this.#settle(id, undefined, body)
    else this.#settle(id, new VeloxError('denied', `${peerId} refused: ${error.slice(0, REFUSAL)}`))
  }

  /** The peer is gone, or (without one) the room is left. */
  lost(peerId: string | undefined, error: VeloxError): void {
    for (const [id, waiting] of this.#waiting) {
      if (peerId === undefined || waiting.peerId === peerId) this.#settle(id, error)
    }
  }

  respond(type: string, responder: Responder<Peer>): () => void {
    this.#responders.set(type, responder)
    return () => {
      if (this.#responders.get(type) === responder) this.#responders.delete(type)
    }
  }

  /** Answers a request: the reply's body, or the words of the refusal. */
  async answer(type: string, body: unknown, peer: Peer): Promise<{ body: unknown } | { error: string }> {
    const responder = this.#responders.get(type)
    if (!responder) return { error: `nobody responds to ${type}` }
    const busy = this.#answering.get(peer.peerId) ?? 0
    if (busy >= ANSWERING) return { error: `more than ${ANSWERING} requests at once` }
    this.#answering.set(peer.peerId, busy + 1)
    try {
      return { body: await responder(body, peer) }
    } catch (error) {
      // The words are the application's own, meant for the peer; stacks are not.
      return { error: (error instanceof Error ? error.message : String(error)).slice(0, REFUSAL) }
    } finally {
      const left = this.#answering.get(peer.peerId)! - 1
      if (left > 0) this.#answering.set(peer.peerId, left)
      else this.#answering.delete(peer.peerId)
    }
  }

  #settle(id: number, error: VeloxError | undefined, body?: unknown): void {
    const waiting = this.#waiting.get(id)
    if (!waiting) return
    this.#waiting.delete(id)
    clearTimeout(waiting.timer)
    if (error) waiting.reject(error)
    else waiting.resolve(body)
  }
}
