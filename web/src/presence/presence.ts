/** The rooms that this peer is in: its own records in them, and who else is there. */
import type { Link, Links } from '../attach/links.js'
import { Emitter } from '../emitter.js'
import { VeloxError } from '../errors.js'
import type { LocalPeer } from '../local-peer.js'
import type { Member, Presence, PresenceChange } from '../ports.js'
import type { FromNode } from '../wire/attach.js'
import { equal } from '../wire/bytes.js'
import * as limits from '../wire/limits.js'
import { Leave, PresenceRecord } from '../wire/records.js'
import { isName } from '../wire/schema.js'
import type { Signed } from '../wire/signed.js'
import { JOIN_TIMEOUT, REFRESH, REFRESH_JITTER } from './defaults.js'
import { attachList, believe, encodeMetadata, signLeave, signRecord } from './records.js'
import { Union, type Said } from './union.js'

interface Room {
  name: string
  meta: Uint8Array
  union: Union<Link>
  record?: Signed<PresenceRecord>
  /** When the own record is renewed, by `Date.now()`. */
  refreshAt: number
  /** The links that the first join went to and that haven't answered it. */
  asked: Set<Link>
  /** Settles `join`. */
  joined: (error?: VeloxError) => void
  /** Messages of nodes are taken in one after the other. */
  queue: Promise<void>
}

export class Rooms implements Presence {
  readonly #rooms = new Map<string, Room>()
  readonly #changes = new Emitter<Record<string, PresenceChange>>()
  readonly #undo: (() => void)[]
  #attached: string[] = []

  constructor(
    private readonly self: LocalPeer,
    private readonly links: Links,
  ) {
    this.#undo = [
      links.onChange(() => this.#linksChanged()),
      links.onMessage((message, link) => this.#take(message, link)),
      links.onTick(() => this.#tick()),
    ]
    this.#attached = attachList(links)
  }

  /**
   * Resolves when a node has said who is there. Called again, it changes the metadata. Rejects with
   * `malformed`, `too-large`, `denied`, `quota`, or `unreachable` after 10 s.
   */
  async join(name: string, metadata: unknown): Promise<void> {
    if (!isName(name, limits.ROOM) || name.startsWith('/')) {
      throw new VeloxError(
        'malformed',
        `a room's name has 1 to ${limits.ROOM} bytes, no control characters and doesn't begin with /`,
      )
    }
    const meta = encodeMetadata(metadata)
    const known = this.#rooms.get(name)
    if (known) {
      known.meta = meta
      return this.#announce(known)
    }
    const room: Room = {
      name,
      meta,
      union: new Union(this.self.peerId, (change) => this.#changes.emit(name, change)),
      refreshAt: 0,
      asked: new Set(),
      joined: () => {},
      queue: Promise.resolve(),
    }
    this.#rooms.set(name, room)
    let timer: ReturnType<typeof setTimeout> | undefined
    const answered = new Promise<void>((resolve, reject) => {
      room.joined = (error) => (error ? reject(error) : resolve())
      timer = setTimeout(() => {
        reject(new VeloxError('unreachable', `no node has answered the join of '${name}' in 10 s`))
      }, JOIN_TIMEOUT)
    })
    try {
      await Promise.all([answered, this.#announce(room)])
    } catch (error) {
      if (this.#rooms.get(name) === room) await this.leave(name)
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  async leave(name: string): Promise<void> {
    const room = this.#rooms.get(name)
    if (!room) return
    this.#rooms.delete(name)
    room.joined(new VeloxError('closed', `left '${name}'`))
    const leave = await signLeave(this.self, name)
    for (const link of this.links.list()) link.send({ leave: { record: leave.bytes } })
  }

  members(name: string): ReadonlyMap<string, Member> {
    return this.#rooms.get(name)?.union.members ?? new Map<string, Member>()
  }

  size(name: string): number {
    return this.#rooms.get(name)?.union.size ?? 0
  }

  onChange(name: string, listener: (change: PresenceChange) => void): () => void {
    return this.#changes.on(name, listener)
  }

  /**
   * This peer's record for an envelope in a room: the published one, or, where this peer asks a
   * resource's providers and is none, one of its own.
   */
  async ownRecord(name: string): Promise<Uint8Array> {
    const room = this.#rooms.get(name)
    const last = room?.record
    // While the next one is being signed, the last one may name nodes that this peer has left.
    if (last?.body.attach.join() === attachList(this.links).join()) return last.bytes
    return (await signRecord(this.self, this.links, name, room?.meta ?? new Uint8Array())).bytes
  }

  /** Another peer's record that came by envelope: verified, and taken in where it tells more. */
  async learn(name: string, bytes: Uint8Array): Promise<PresenceRecord | undefined> {
    const record = await believe(this.self, name, bytes, this.links.now())
    if (record) this.#rooms.get(name)?.union.introduce(record)
    return record?.body
  }

  stop(): void {
    for (const undo of this.#undo) undo()
    for (const room of this.#rooms.values()) room.joined(new VeloxError('closed', 'stopped'))
    this.#rooms.clear()
  }

  /** Signs a new record, and says it to every node. */
  async #announce(room: Room): Promise<void> {
    room.refreshAt = Date.now() + REFRESH * (1 + REFRESH_JITTER * (2 * Math.random() - 1))
    const record = await signRecord(this.self, this.links, room.name, room.meta)
    if (this.#rooms.get(room.name) !== room) return
    if (room.record && room.record.body.seq > record.body.seq) return
    const first = !room.record?.body.attach.length
    room.record = record
    for (const link of this.links.list()) {
      if (!record.body.attach.includes(link.node)) continue
      if (first) room.asked.add(link)
      link.send({ join: { record: record.bytes } })
    }
  }

  #linksChanged(): void {
    const links = this.links.list()
    const now = Date.now()
    for (const { union } of this.#rooms.values()) union.keep(links, now)
    const attached = attachList(this.links)
    if (attached.join() === this.#attached.join()) return
    this.#attached = attached
    if (attached.length) for (const room of this.#rooms.values()) void this.#announce(room)
  }

  #tick(): void {
    const now = Date.now()
    const attached = this.links.list().length > 0
    for (const room of this.#rooms.values()) {
      // With every node gone, the room goes on among those who are connected.
      if (attached) room.union.expire(this.links.now())
      if (attached && room.refreshAt <= now) void this.#announce(room)
    }
  }

  #take(message: FromNode, link: Link): void {
    if ('snapshot' in message) {
      const { room, records, size } = message.snapshot
      this.#hear(room, link, { records, leaves: [], gone: [], size, snapshot: true })
    } else if ('presence' in message) {
      const { room, ...said } = message.presence
      this.#hear(room, link, { ...said, snapshot: false })
    } else if ('refused' in message && message.refused.id === undefined) {
      const { code, text, room: name } = message.refused
      for (const room of this.#rooms.values()) {
        if (name !== undefined && name !== room.name) continue
        // Refused by all that were asked: no node will have this peer in the room.
        if (room.asked.delete(link) && !room.asked.size) {
          room.joined(new VeloxError(code === 'quota' ? 'quota' : 'denied', text))
        }
      }
    }
  }

  /** Verifies what a node said of a room, in the order in which it was said. */
  #hear(
    name: string,
    link: Link,
    raw: Omit<Said, 'records' | 'leaves'> & { records: Uint8Array[]; leaves: Uint8Array[] },
  ): void {
    const room = this.#rooms.get(name)
    if (!room) return
    const verified = this.#verify(room, raw.records, raw.leaves)
    room.queue = room.queue.then(async () => {
      const said = { ...raw, ...(await verified) }
      if (this.#rooms.get(name) !== room || !this.links.list().includes(link)) return
      const before = raw.snapshot && room.asked.delete(link)
      room.union.hear(link, said, before, room.record?.body.seq)
      room.joined()
    })
  }

  async #verify(
    room: Room,
    records: Uint8Array[],
    leaves: Uint8Array[],
  ): Promise<Pick<Said, 'records' | 'leaves'>> {
    const now = this.links.now()
    // Both nodes send the same records: the second need not be verified again.
    const believed = records.map(
      async (bytes) => this.#known(room, bytes) ?? believe(this.self, room.name, bytes, now),
    )
    const left = leaves.map((bytes) =>
      Leave.verify(this.self.verify, bytes).then(
        (leave) =>
          leave.body.room === room.name && leave.body.network === this.self.network
            ? leave
            : undefined,
        () => undefined,
      ),
    )
    return {
      records: (await Promise.all(believed)).filter((record) => record !== undefined),
      leaves: (await Promise.all(left)).filter((leave) => leave !== undefined),
    }
  }

  #known(room: Room, bytes: Uint8Array): Signed<PresenceRecord> | undefined {
    try {
      const known = room.union.record(PresenceRecord.peek(bytes).peer)
      return known && equal(known.bytes, bytes) ? known : undefined
    } catch {
      return undefined
    }
  }
}
