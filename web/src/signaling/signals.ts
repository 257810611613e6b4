/** Signaling as sessions see it: envelopes out with acks, envelopes in without duplicates. */
import type { Link, Links } from '../attach/links.js'
import { Emitter } from '../emitter.js'
import { VeloxError } from '../errors.js'
import type { LocalPeer } from '../local-peer.js'
import type { Incoming, Kind, Member, Signals } from '../ports.js'
import { memberOf } from '../presence/records.js'
import type { Carried } from '../wire/attach.js'
import { equal, hex } from '../wire/bytes.js'
import { blind, StaleKey, type Contents, type Envelope } from '../wire/envelope.js'
import { ENVELOPE_LIFE_MS } from '../wire/limits.js'
import type { PresenceRecord } from '../wire/records.js'
import { MAX_SEEN, MAX_SESSIONS } from './defaults.js'
import { Ordering } from './ordering.js'
import { carry, Outbox } from './outbox.js'
import { Recent } from './recent.js'
import { isTimely, openEnvelope, sealEnvelope, verifyEnvelope } from './sealing.js'

/** What signaling needs of presence. */
export interface Acquaintances {
  members(room: string): ReadonlyMap<string, Member>
  ownRecord(room: string): Promise<Uint8Array>
  learn(room: string, record: Uint8Array): Promise<PresenceRecord | undefined>
}

export class NodeSignals implements Signals {
  readonly peerId: string
  readonly #events = new Emitter<{ envelope: Incoming }>()
  readonly #outbox: Outbox
  /** The last sequence in each session that this peer sends in, and the sending before. */
  readonly #sending = new Recent<{ seq: number; last: Promise<unknown> }>(MAX_SESSIONS)
  readonly #ordering = new Recent<Ordering<Incoming>>(MAX_SESSIONS)
  /**
   * Peers that were written to, or whose records came in envelopes, by PeerId. What a record says
   * of key and nodes holds in every room, and two peers may meet in one (as provider and seeker)
   * and go on in another.
   */
  readonly #known = new Recent<Member>(MAX_SESSIONS)
  /** Envelopes that were taken in, and how they are answered if they come again. */
  readonly #seen = new Recent<{ ack?: (link: Link) => void }>(MAX_SEEN)
  readonly #off: () => void

  constructor(
    private readonly self: LocalPeer,
    private readonly links: Links,
    private readonly acquaintances: Acquaintances,
    private readonly ice: () => RTCIceServer[],
  ) {
    this.peerId = self.peerId
    this.#outbox = new Outbox(links)
    this.#off = links.onMessage((message, link) => {
      if ('carry' in message) void this.#receive(message.carry, link)
      else if ('undelivered' in message) {
        const { id, to, code } = message.undelivered
        void this.#outbox.undelivered(id, to, code, link)
      }
    })
  }

  async send(to: Member, session: Uint8Array, kind: Kind): Promise<void> {
    const sending = this.#sending.ensure(to.peerId + hex(session), () => ({
      seq: 0,
      last: Promise.resolve(),
    }))
    const seq = ++sending.seq
    const before = sending.last
    const leave = (async () => {
      const record =
        'offer' in kind || 'message' in kind
          ? await this.acquaintances.ownRecord(to.room)
          : undefined
      const contents = { v: 1 as const, session, seq, kind, record }
      const seal = (member: Member): ReturnType<typeof sealEnvelope> =>
        sealEnvelope(this.self, member, contents, this.links.now())
      const member = this.#newest(to)
      this.#remember(member)
      const sealed = await seal(member)
      // Sealing may overtake; leaving must not.
      await before
      return { acknowledged: this.#outbox.send(member, sealed, seal) }
    })()
    sending.last = leave.catch(() => {})
    await (await leave).acknowledged
  }

  onEnvelope(listener: (envelope: Incoming) => void): () => void {
    return this.#events.on('envelope', listener)
  }

  iceServers(): RTCIceServer[] {
    return this.ice()
  }

  /** Gives up what is on its way. */
  pause(): void {
    this.#outbox.clear()
  }

  stop(): void {
    this.#off()
    this.#outbox.stop()
  }

  #remember(member: Member): void {
    const known = this.#known.get(member.peerId)
    this.#known.set(member.peerId, known && known.seq > member.seq ? known : member)
  }

  /** The member with the newest key and nodes: presence may know them better than the caller. */
  #newest(member: Member): Member {
    const known = [
      this.acquaintances.members(member.room).get(member.peerId),
      this.#known.get(member.peerId),
    ]
    const { key, via, seq } = known.reduce<Member>((a, b) => (b && b.seq > a.seq ? b : a), member)
    return { ...member, key, via, seq }
  }

  async #receive({ to, room, parcel }: Carried, link: Link): Promise<void> {
    if (to !== this.peerId) return
    if ('stale-key' in parcel) return this.#staleKey(parcel['stale-key'])
    const envelope = await verifyEnvelope(this.self, parcel.envelope, this.links.now())
    if (!envelope || envelope.from === this.peerId) return
    const key = envelope.from + hex(envelope.id)
    const seen = this.#seen.get(key)
    if (seen) {
      // The ack was lost, or is slower than the sender's patience: it is sent again, by every way.
      for (const each of this.links.list()) seen.ack?.(each)
      return
    }
    const entry: { ack?: (link: Link) => void } = {}
    this.#seen.set(key, entry)

    if (!equal(envelope.kid, this.self.kid)) {
      entry.ack = answerBy(this.#staleKeyAnswer(envelope, room), (bytes, by) => {
        const via = this.acquaintances.members(room).get(envelope.from)?.via ?? []
        carry(by, { peerId: envelope.from, room, via }, { 'stale-key': bytes })
      })
      return entry.ack(link)
    }
    const contents = await openEnvelope(this.self, room, envelope)
    if (!contents) return
    const { kind, session, seq } = contents
    if ('ack' in kind) return this.#outbox.acknowledged(kind.ack, envelope.from)
    const from = await this.#sender(envelope.from, room, contents)
    if (!from) return
    const contentsOfAck = { v: 1 as const, session, seq: 0, kind: { ack: envelope.id } }
    const ack = sealEnvelope(this.self, from, contentsOfAck, this.links.now())
    entry.ack = answerBy(ack, (sealed, by) => carry(by, from, { envelope: sealed.bytes }))
    entry.ack(link)
    const incoming = { from, session, seq, kind }
    // Messages outside of sessions have no order to keep.
    if ('message' in kind) return this.#events.emit('envelope', incoming)
    this.#ordering
      .ensure(
        from.peerId + hex(session),
        () => new Ordering((item) => this.#events.emit('envelope', item)),
      )
      .push(incoming)
  }

  /** Who sent it, from the envelope's own record, from presence, or from an earlier envelope. */
  async #sender(peerId: string, room: string, { record }: Contents): Promise<Member | undefined> {
    const given = record && (await this.acquaintances.learn(room, record))
    if (given?.peer === peerId) this.#remember(memberOf(given))
    const member = this.acquaintances.members(room).get(peerId) ?? this.#known.get(peerId)
    return member && this.#newest({ ...member, room })
  }

  /** The envelope was sealed to a key of an earlier start of this peer: says which it has now. */
  async #staleKeyAnswer({ from, id }: Envelope, room: string): Promise<Uint8Array> {
    const [record, tag] = await Promise.all([
      this.acquaintances.ownRecord(room),
      blind(this.self.suite.sha256, id, from),
    ])
    const expires = Math.floor(this.links.now()) + ENVELOPE_LIFE_MS
    const body = { v: 1 as const, from: this.peerId, tag, id, expires, record }
    return (await StaleKey.sign(this.self.identity, body)).bytes
  }

  /** The receiver of an envelope has another key by now. */
  async #staleKey(bytes: Uint8Array): Promise<void> {
    try {
      const { body } = await StaleKey.verify(this.self.verify, bytes)
      const to = this.#outbox.receiver(body.id)
      if (to?.peerId !== body.from || !isTimely(body.expires, this.links.now())) return
      const record = await this.acquaintances.learn(to.room, body.record)
      if (record?.peer !== body.from || record.seq < to.seq) return
      const member = memberOf(record)
      this.#remember(member)
      await this.#outbox.staleKey(body.id, member)
    } catch (error) {
      // A forgery, or a receiver whose key can't be sealed to: the envelope's own time runs on.
      if (!(error instanceof VeloxError)) throw error
    }
  }
}

/** Gives an answer that is being made to whichever link asks for it. */
const answerBy =
  <T>(answer: Promise<T>, give: (answer: T, by: Link) => void) =>
  (by: Link): void =>
    // It can't be made where the sender's key is no point of the curve: no answer, then.
    void answer.then(
      (made) => give(made, by),
      () => {},
    )
