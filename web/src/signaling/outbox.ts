/** Sealed envelopes on their way, until their acks come: over one attachment, then over all. */
import type { Link, Links } from '../attach/links.js'
import { VeloxError } from '../errors.js'
import type { Member } from '../ports.js'
import { hex } from '../wire/bytes.js'
import { ATTACHMENTS } from '../wire/limits.js'
import { ACK_TIMEOUT, GIVE_UP, MAX_PENDING, MISSES } from './defaults.js'

interface Pending {
  to: Member
  bytes: Uint8Array
  /** Seals it again to another key of the receiver. */
  reseal: (to: Member) => Promise<{ id: Uint8Array; bytes: Uint8Array }>
  resealed: boolean
  /** The attachment that was tried alone. */
  first: Link | undefined
  /** When `first` alone was tried, by `Date.now()`. */
  sent: number
  /** Attachments whose nodes can't deliver it, and what they said. */
  refused: Map<Link, string>
  repeat: ReturnType<typeof setInterval> | undefined
  settle: (error?: VeloxError) => void
}

export class Outbox {
  readonly #pending = new Map<string, Pending>()
  /** Attachments over which acks were missed since the last one that came: what was missed. */
  readonly #missed = new Map<Link, Set<string>>()
  readonly #off: () => void

  constructor(private readonly links: Links) {
    this.#off = links.onChange(() => {
      for (const link of this.#missed.keys()) {
        if (!links.list().includes(link)) this.#missed.delete(link)
      }
      for (const pending of this.#pending.values()) if (!pending.first) this.#sendFirst(pending)
    })
  }

  /**
   * Sends an envelope for `to`. The inner promise resolves when it is acknowledged; it rejects with
   * `unreachable` after 3 s, at once where every node says that it can't be delivered.
   */
  send(
    to: Member,
    sealed: { id: Uint8Array; bytes: Uint8Array },
    reseal: Pending['reseal'],
  ): Promise<void> {
    if (this.#pending.size >= MAX_PENDING) {
      return Promise.reject(
        new VeloxError('quota', `${MAX_PENDING} envelopes wait for their acks: wait for some of them`),
      )
    }
    return new Promise((resolve, reject) => {
      const pending: Pending = {
        to,
        bytes: sealed.bytes,
        reseal,
        resealed: false,
        first: undefined,
        sent: 0,
        refused: new Map(),
        repeat: undefined,
        settle: (error) => {
          clearTimeout(end)
          clearInterval(pending.repeat)
          for (const [id, other] of this.#pending) if (other === pending) this.#pending.delete(id)
          if (error) reject(error)
          else resolve()
        },
      }
      const end = setTimeout(() => {
        this.#miss(pending.first, pending.to.peerId)
        pending.settle(unreachable(pending))
      }, GIVE_UP)
      this.#pending.set(hex(sealed.id), pending)
      this.#sendFirst(pending)
    })
  }

  /** `from` says that it has the envelope. */
  acknowledged(id: Uint8Array, from: string): void {
    const pending = this.#of(id, from)
    if (!pending) return
    if (Date.now() - pending.sent < ACK_TIMEOUT) this.#missed.delete(pending.first!)
    // It arrived, but only by another way.
    else this.#miss(pending.first, hex(id))
    pending.settle()
  }

  /** A node says that it can't deliver the envelope. */
  async undelivered(id: Uint8Array, to: string, code: string, link: Link): Promise<void> {
    const pending = this.#of(id, to)
    if (!pending) return
    pending.refused.set(link, code)
    const links = this.links.list()
    if (links.every((other) => pending.refused.has(other))) return pending.settle(unreachable(pending))
    for (const other of links) if (!pending.refused.has(other)) this.#carry(pending, other)
  }

  /** The receiver has another key by now: what was sealed to the old one is sealed again, once. */
  async staleKey(id: Uint8Array, now: Member): Promise<void> {
    const pending = this.#of(id, now.peerId)
    if (!pending || pending.resealed) return
    pending.resealed = true
    const sealed = await pending.reseal(now)
    if (!this.#of(id, now.peerId)) return
    pending.to = now
    pending.bytes = sealed.bytes
    // The old id stays known too: whatever comes under it is about the same message.
    this.#pending.set(hex(sealed.id), pending)
    for (const link of this.links.list()) this.#carry(pending, link)
  }

  /** The peer and room that an envelope of this id was for. */
  receiver(id: Uint8Array): Member | undefined {
    return this.#pending.get(hex(id))?.to
  }

  /** Nothing is waited for any more. */
  clear(): void {
    for (const pending of [...this.#pending.values()]) {
      pending.settle(new VeloxError('closed', 'this peer was paused or stopped'))
    }
  }

  stop(): void {
    this.#off()
    this.clear()
  }

  #of(id: Uint8Array, receiver: string): Pending | undefined {
    const pending = this.#pending.get(hex(id))
    return pending?.to.peerId === receiver ? pending : undefined
  }

  /** A node that has the receiver itself saves a hop; otherwise the primary. */
  #sendFirst(pending: Pending): void {
    const links = this.links.list()
    const shared = links.find(({ node }) => pending.to.via.includes(node))
    const link = shared ?? links[0]
    if (!link) return
    pending.first = link
    pending.sent = Date.now()
    this.#carry(pending, link)
    pending.repeat ??= setInterval(() => {
      for (const each of this.links.list()) this.#carry(pending, each)
    }, ACK_TIMEOUT)
  }

  #carry({ to, bytes }: Pending, link: Link): void {
    carry(link, to, { envelope: bytes })
  }

  #miss(link: Link | undefined, what: string): void {
    if (!link) return
    const missed = this.#missed.get(link) ?? new Set<string>()
    this.#missed.set(link, missed.add(what))
    if (missed.size < MISSES) return
    this.#missed.delete(link)
    this.links.replace(link)
  }
}

/** Gives a parcel for `to` to a node. */
export function carry(
  link: Link,
  to: Pick<Member, 'peerId' | 'room' | 'via'>,
  parcel: { envelope: Uint8Array } | { 'stale-key': Uint8Array },
): void {
  const via = to.via.slice(0, ATTACHMENTS)
  link.send({ carry: { to: to.peerId, room: to.room, via, parcel } })
}

function unreachable({ to, refused }: Pending): VeloxError {
  const codes = [...refused.values()]
  if (codes.includes('quota')) {
    return new VeloxError('quota', `the nodes' budget for messages to ${to.peerId} is used up`)
  }
  const why = codes.length ? `the nodes say ${codes.join(', ')}` : 'it gave no ack over any path'
  return new VeloxError('unreachable', `${to.peerId} can't be reached: ${why}`)
}
