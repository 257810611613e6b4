/**
 * Who is in one room, united from what several nodes say. A plain state machine: verified
 * messages and the time in, changes out.
 *
 * A member is gone when no node's view holds it any more, when its own leave is seen, or when its
 * record has expired: so no single node can hide a member or make one leave. In a room too large
 * for a node to show all of it, a member that isn't shown makes itself known by an envelope, and
 * one that is no longer shown may still be there.
 */
import type { Member, PresenceChange } from '../ports.js'
import { hex } from '../wire/bytes.js'
import { BATCH, CLOCK_SKEW_MS } from '../wire/limits.js'
import type { Leave, PresenceRecord } from '../wire/records.js'
import type { Signed } from '../wire/signed.js'
import { LEAVES, MEMBERS, RETIRE } from './defaults.js'
import { memberOf } from './records.js'

/** What one node said of the room. `Source` is its link. */
interface View {
  peers: Set<string>
  /** Members that the node knows, this peer included. */
  size: number
  /** The link has ended: counts until then. */
  retires?: number
}

export interface Said {
  records: Signed<PresenceRecord>[]
  leaves: Signed<Leave>[]
  gone: string[]
  size: number
  /** Whether it is all that the node knows, rather than what changed. */
  snapshot: boolean
}

export class Union<Source> {
  readonly members = new Map<string, Member>()
  readonly #records = new Map<string, Signed<PresenceRecord>>()
  readonly #views = new Map<Source, View>()
  /** Members that no node has shown: they have sent an envelope. */
  readonly #introduced = new Set<string>()
  /** The sequence of each leave that was seen. */
  readonly #left = new Map<string, number>()

  constructor(
    private readonly self: string,
    private readonly emit: (change: PresenceChange) => void,
  ) {}

  /** The record behind a member, to tell a repetition by its bytes. */
  record(peerId: string): Signed<PresenceRecord> | undefined {
    return this.#records.get(peerId)
  }

  get size(): number {
    const sizes = [...this.#views.values()].map(({ size, retires }) => (retires ? 0 : size))
    return Math.max(this.members.size + 1, ...sizes)
  }

  /**
   * A node said something. New members were there before this peer if `before`, or if their
   * records are older than the one of sequence `own`: sequences follow the clock, and both sides
   * compare the same two, so that of two peers that join at once, too, one knows to begin.
   */
  hear(source: Source, said: Said, before: boolean, own = 0): void {
    let view = this.#views.get(source)
    if (!view) this.#views.set(source, (view = { peers: new Set(), size: 0 }))
    view.size = said.size
    const former = view.peers
    // Of those whom a node no longer shows, it won't say when they go.
    if (said.snapshot) view.peers = new Set()
    for (const record of said.records) {
      const { peer, seq } = record.body
      const older = seq < own || (seq === own && peer < this.self)
      if (this.learn(record, before || older)) view.peers.add(peer)
    }
    for (const { body } of said.leaves) this.#leave(body)
    for (const peer of said.gone) view.peers.delete(peer)
    for (const peer of [...former, ...said.gone]) this.#dropUnheld(peer)
  }

  /** Whether there are more members than a node shows. */
  get #sampled(): boolean {
    return this.size > BATCH + 1
  }

  /** A member's record came by envelope: in a small room, of one whom the nodes show or will. */
  introduce(record: Signed<PresenceRecord>): void {
    const { peer } = record.body
    const known = this.members.has(peer)
    if (!known && !this.#sampled) return
    if (this.learn(record, false) && !known) this.#introduced.add(peer)
  }

  /** Takes in a record; false where it is older than the member's leave, or there is no room. */
  learn(record: Signed<PresenceRecord>, before: boolean): boolean {
    const { body } = record
    if (body.peer === this.self || (this.#left.get(body.peer) ?? -1) > body.seq) return false
    const known = this.#records.get(body.peer)
    if (known && !isNewer(record, known)) return true
    if (!known && this.#records.size >= MEMBERS) return false
    this.#records.set(body.peer, record)
    const member = memberOf(body)
    this.members.set(body.peer, member)
    this.emit(known ? { type: 'update', member } : { type: 'join', member, snapshot: before })
    return true
  }

  /** Only these links are left. What an ended one said goes on counting for a while. */
  keep(sources: readonly Source[], now: number): void {
    for (const [source, view] of this.#views) {
      if (sources.includes(source)) view.retires = undefined
      // Where there is no link at all, nobody knows better.
      else if (sources.length) view.retires ??= now + RETIRE
    }
  }

  /** Forgets what has expired, and views that have had their time. */
  expire(now: number): void {
    for (const [source, { retires, peers }] of [...this.#views]) {
      if (retires === undefined || retires > now) continue
      this.#views.delete(source)
      for (const peer of peers) this.#dropUnheld(peer)
    }
    for (const [peer, { body }] of [...this.#records]) {
      if (body.expires + CLOCK_SKEW_MS < now) this.#drop(peer)
    }
  }

  #leave({ peer, seq }: Leave): void {
    if ((this.#records.get(peer)?.body.seq ?? 0) >= seq) return
    this.#left.delete(peer)
    this.#left.set(peer, seq)
    if (this.#left.size > LEAVES) this.#left.delete(this.#left.keys().next().value!)
    this.#drop(peer, false)
  }

  #dropUnheld(peer: string): void {
    if (this.#introduced.has(peer)) return
    for (const { peers } of this.#views.values()) if (peers.has(peer)) return
    this.#drop(peer)
  }

  #drop(peer: string, faded = this.#sampled): void {
    const member = this.members.get(peer)
    if (!member) return
    this.members.delete(peer)
    this.#records.delete(peer)
    this.#introduced.delete(peer)
    for (const { peers } of this.#views.values()) peers.delete(peer)
    this.emit(faded ? { type: 'leave', member, faded } : { type: 'leave', member })
  }
}

/** Of two records with the same sequence the one with the greater bytes counts, everywhere. */
const isNewer = (a: Signed<PresenceRecord>, b: Signed<PresenceRecord>): boolean =>
  a.body.seq > b.body.seq || (a.body.seq === b.body.seq && hex(a.bytes) > hex(b.bytes))
