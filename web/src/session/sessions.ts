/**
 * All sessions of this peer: one per other peer, whoever wants it and however often.
 *
 * Rooms and fetches `hold` a session under a name of their own and `release` it; when nobody holds
 * it any more it ends. Envelopes come in by `Signals` and go to the pair's state machine, whose
 * actions are carried out here.
 */
import type { Remains } from '../diagnosis/diagnosis.js'
import { Emitter } from '../emitter.js'
import { VeloxError } from '../errors.js'
import { construct } from '../peer-connections.js'
import type { Incoming, Kind, Member, Signals } from '../ports.js'
import { hex } from '../wire/bytes.js'
import { peerIdToBytes } from '../wire/peer-id.js'
import { Certificate } from './certificate.js'
import * as limits from './limits.js'
import type { ControlMessage, Variants } from './messages.js'
import { Negotiation, type Action } from './negotiation.js'
import { Session, type BulkReceiver, type SessionHost } from './session.js'

export interface SessionsOptions {
  signals: Signals
  /** The constructor of peer connections, for runtimes that have none of their own. */
  rtc?: typeof RTCPeerConnection
  /** `relay`: TURN alone, which hides this page's address. Default `direct`. */
  privacy?: 'direct' | 'relay'
  /** Whether an offer of this peer is welcome. Default: of everybody that signaling verified. */
  admit?: (from: Member) => boolean
  /** Milliseconds that only rise. */
  now?: () => number
}

export interface SessionsEvents {
  /** The control channel is open. */
  connect: Session
  disconnect: { session: Session; reason: string }
  /** An attempt to get a session failed; where somebody holds it, it is tried again. */
  fail: { peerId: string; reason: string }
  /** One that was opened, or was to be, failed: nobody said good-bye. */
  broken: Remains & { peerId: string }
}

/** Ends that nobody wanted. */
const BROKEN = /^(un|no-|sil|clo)/

type Handler<Body> = (session: Session, body: Body) => void

/** One other peer. */
interface Pair {
  member: Member
  /** The other side's key when the present session began: another key is another instance. */
  instance: Uint8Array
  readonly machine: Negotiation
  /** Who holds the session, each with the record by which it knows the peer. */
  readonly holders: Map<string, Member>
  session: Session | undefined
  connected: boolean
  timer: ReturnType<typeof setTimeout> | undefined
}

export class Sessions extends Emitter<SessionsEvents> {
  readonly peerId: string
  readonly #signals: Signals
  readonly #rtc: typeof RTCPeerConnection | undefined
  readonly #certificate: Certificate
  readonly #privacy: 'direct' | 'relay'
  readonly #admit: (from: Member) => boolean
  readonly #now: () => number
  readonly #self: Uint8Array
  readonly #pairs = new Map<string, Pair>()
  readonly #handlers = new Map<string, Handler<never>>()
  readonly #bulk = new Map<string, (session: Session) => BulkReceiver>()
  readonly #off: () => void
  /** The page goes: nothing that takes time will be done any more. */
  #going = false
  #paused = false
  #stopped = false

  constructor(options: SessionsOptions) {
    super()
    this.#signals = options.signals
    this.peerId = options.signals.peerId
    this.#self = peerIdToBytes(this.peerId)
    this.#rtc = options.rtc ?? globalThis.RTCPeerConnection
    this.#certificate = new Certificate(this.#rtc)
    this.#privacy = options.privacy ?? 'direct'
    this.#admit = options.admit ?? (() => true)
    this.#now = options.now ?? (() => performance.now())
    this.#off = this.#signals.onEnvelope((envelope) => this.#envelope(envelope))
    // A closed tab sends nothing by itself: the other sides would wait 20 s for a sign of life.
    globalThis.addEventListener?.('pagehide', this.#pageHides)
  }

  /** The open session with a peer. */
  get(peerId: string): Session | undefined {
    const pair = this.#pairs.get(peerId)
    return pair?.connected ? pair.session : undefined
  }

  /** All open sessions. */
  *open(): Iterable<Session> {
    for (const pair of this.#pairs.values()) if (pair.connected && pair.session) yield pair.session
  }

  /**
   * Wants a session with a member, under the holder's name, until `release`. `first`: the member
   * was here before us, so it's on us to offer. Sessions that fail are tried again for as long.
   */
  hold(member: Member, holder: string, first = false): void {
    if (this.#stopped || member.peerId === this.peerId) return
    const pair = this.#pair(member)
    if (!pair) return
    if (member.seq >= pair.member.seq) pair.member = member
    pair.holders.set(holder, member)
    if (this.#paused) return
    pair.machine.want(this.#now(), first)
    this.#drive(pair)
  }

  /** The holder doesn't need the session any more. `atOnce`: nor will anybody soon. */
  release(peerId: string, holder: string, atOnce = true): void {
    const pair = this.#pairs.get(peerId)
    if (!pair?.holders.delete(holder)) return
    const [other] = pair.holders.values()
    if (other) {
      // Envelopes go by a room that both are still in.
      pair.member = other
      return
    }
    if (atOnce || !pair.connected) pair.machine.unwant(this.#now(), 'left')
    else pair.machine.release()
    this.#drive(pair)
  }

  /**
   * Holds a session and resolves when it's open. Rejects `timeout` after `within` milliseconds,
   * `unreachable` where no session can be had now, and `aborted`; the hold stays until `release`.
   */
  async connect(member: Member, holder: string, within = 10_000, signal?: AbortSignal): Promise<Session> {
    this.hold(member, holder, true)
    const { peerId } = member
    const there = this.get(peerId)
    if (there) return there
    if (!this.#pairs.has(peerId)) {
      throw new VeloxError('unreachable', `no session with ${peerId}: there are ${this.#pairs.size} already, or this is the end`)
    }
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void): void => {
        clearTimeout(timer)
        offConnect()
        offFail()
        signal?.removeEventListener('abort', aborted)
        settle()
      }
      const aborted = (): void => finish(() => reject(new VeloxError('aborted', 'the caller aborted')))
      const timer = setTimeout(
        () => finish(() => reject(new VeloxError('timeout', `${peerId} wasn't connected within ${within} ms: try again`))),
        within,
      )
      const offConnect = this.on('connect', (session) => {
        if (session.peerId === peerId) finish(() => resolve(session))
      })
      const offFail = this.on('fail', ({ peerId: failed, reason }) => {
        if (failed !== peerId || reason !== 'unreachable') return
        finish(() => reject(new VeloxError('unreachable', `no way to ${peerId} was found: it may have gone`)))
      })
      signal?.addEventListener('abort', aborted)
      if (signal?.aborted) aborted()
    })
  }

  /** Takes control messages of one kind. What the handler throws as VeloxError ends the session. */
  handle<Name extends keyof Variants>(name: Name, handler: Handler<Variants[Name]>): void {
    this.#handlers.set(name, handler)
  }

  /** Takes the other sides' bulk channels with this label. */
  handleBulk(label: string, receiver: (session: Session) => BulkReceiver): void {
    this.#bulk.set(label, receiver)
  }

  /**
   * To be called every few seconds: asks silent sessions for a sign of life, and ends those that
   * nobody here holds and nothing has passed through for a while.
   */
  tick(): void {
    const now = this.#now()
    for (const pair of this.#pairs.values()) {
      const { session } = pair
      session?.beat()
      if (pair.holders.size > 0 || !session || now - session.active < limits.LINGER) continue
      pair.machine.unwant(now, 'idle')
      this.#drive(pair)
    }
  }

  get paused(): boolean {
    return this.#paused
  }

  /** Ends every session with a good-bye, and lets none begin until `resume`. */
  pause(): void {
    this.#paused = true
    for (const pair of this.#pairs.values()) {
      pair.machine.unwant(this.#now(), 'left')
      this.#drive(pair)
    }
  }

  resume(): void {
    this.#paused = false
  }

  /** Nodes can be reached (again): sessions that are held and aren't there are made. */
  renew(): void {
    for (const pair of this.#pairs.values()) {
      if (pair.holders.size) pair.machine.want(this.#now(), true)
      this.#drive(pair)
    }
  }

  /** Ends every session with a good-bye. Nothing can be begun after it. */
  stop(): void {
    if (this.#stopped) return
    this.#stopped = true
    globalThis.removeEventListener?.('pagehide', this.#pageHides)
    this.#off()
    for (const pair of this.#pairs.values()) {
      pair.holders.clear()
      pair.machine.unwant(this.#now(), 'stopped')
      this.#drive(pair)
      clearTimeout(pair.timer)
    }
    this.#pairs.clear()
  }

  /** Ends every session at once. A page that comes back from the cache makes them anew. */
  readonly #pageHides = (): void => {
    this.#going = true
    for (const pair of this.#pairs.values()) {
      if (!pair.machine.session) continue
      pair.machine.ended(this.#now(), pair.machine.session, 'left')
      this.#drive(pair)
    }
    this.#going = false
  }

  /** The pair of a member; undefined where there are too many. */
  #pair(member: Member): Pair | undefined {
    let pair = this.#pairs.get(member.peerId)
    if (!pair) {
      if (this.#pairs.size >= limits.SESSIONS && !this.#makeRoom()) return undefined
      const machine = new Negotiation({
        polite: smaller(this.#self, peerIdToBytes(member.peerId)),
        newSession: () => hex(crypto.getRandomValues(new Uint8Array(16))),
      })
      pair = {
        member,
        instance: member.key,
        machine,
        holders: new Map(),
        session: undefined,
        connected: false,
        timer: undefined,
      }
      this.#pairs.set(member.peerId, pair)
    }
    return pair
  }

  /** Forgets the oldest pair without session and holder. */
  #makeRoom(): boolean {
    for (const [peerId, pair] of this.#pairs) {
      if (pair.holders.size > 0 || pair.machine.state !== 'idle') continue
      clearTimeout(pair.timer)
      return this.#pairs.delete(peerId)
    }
    return false
  }

  #envelope({ from, session: bytes, kind }: Incoming): void {
    const known = this.#pairs.get(from.peerId)
    if (this.#paused || 'message' in kind || (!known && !this.#admit(from))) return
    const pair = known ?? this.#pair(from)
    if (!pair) return
    const { machine } = pair
    const session = hex(bytes)
    const now = this.#now()
    if ('offer' in kind) {
      if (from.seq < pair.member.seq && !sameKey(from, pair.instance)) return
      if (pair.holders.size === 0 && !this.#admit(from)) return
      if (from.seq >= pair.member.seq) pair.member = from
      if (machine.session && pair.session && !sameKey(from, pair.instance)) {
        // The same identity, started anew: its former instance has no more use for its session.
        machine.ended(now, machine.session, 'replaced')
        this.#drive(pair)
      }
      pair.instance = from.key
      machine.offer(now, session, kind.offer)
    } else if ('answer' in kind) machine.answer(now, session, kind.answer)
    else if ('candidates' in kind) machine.candidates(session, kind.candidates)
    else if ('renegotiate' in kind) machine.renegotiate(session, kind.renegotiate)
    else machine.bye(now, session, kind.bye)
    this.#drive(pair)
  }

  /** Carries out what the pair's machine wants, and sets its timer. */
  #drive(pair: Pair): void {
    for (const action of pair.machine.drain()) this.#act(pair, action)
    clearTimeout(pair.timer)
    if (this.#stopped || pair.machine.deadline === Infinity) return
    pair.timer = setTimeout(
      () => {
        pair.machine.tick(this.#now())
        this.#drive(pair)
      },
      Math.max(0, pair.machine.deadline - this.#now()) + 1,
    )
  }

  #act(pair: Pair, action: Action): void {
    const { session } = pair
    switch (action.do) {
      case 'offer':
      case 'accept':
        return void this.#begin(pair, action)
      case 'answer':
        return session?.answer(action.sdp)
      case 'renegotiate':
        return session?.renegotiate(action.sdp)
      case 'candidates':
        return session?.candidates(action.candidates)
      case 'close': {
        const ours = session?.id === action.session ? session : undefined
        // An open channel carries the good-bye itself, unless it is the channel that died.
        const byChannel = ours?.open && action.reason !== 'silent'
        if (action.bye !== undefined && !byChannel && !this.#going && !this.#paused) this.#send(pair, action.session, { bye: action.bye })
        if (ours) {
          const { connected } = pair
          const { reason } = action
          pair.session = undefined
          pair.connected = false
          if (BROKEN.test(reason)) {
            this.emit('broken', { peerId: ours.peerId, code: reason, opened: connected, ...ours.remains() })
          }
          ours.close(action.bye, this.#going)
          if (connected) this.emit('disconnect', { session: ours, reason })
          else if (reason !== 'crossed') this.emit('fail', { peerId: ours.peerId, reason })
        }
      }
    }
  }

  /** Makes the connection and sends its first description. */
  async #begin(pair: Pair, action: Extract<Action, { do: 'offer' | 'accept' }>): Promise<void> {
    const { machine } = pair
    const id = action.session
    const current = (): boolean => machine.session === id
    try {
      pair.instance = pair.member.key
      const session = new Session(id, pair.member, this.#connection(), machine.polite, this.#host(pair, id))
      pair.session = session
      const sdp = await (action.do === 'offer' ? session.offer() : session.accept(action.sdp))
      if (!current()) return
      machine.sent(id)
      const sent = this.#signals.send(pair.member, bytesOf(id), action.do === 'offer' ? { offer: sdp } : { answer: sdp })
      session.described()
      await sent
    } catch (error) {
// An answer whose ack is lost may have arrived all the same: the deadline decides.
      if (!current() || (action.do === 'accept' && error instanceof VeloxError)) return
      if (action.do === 'offer' && machine.state !== 'offering') return
      machine.ended(this.#now(), id, error instanceof VeloxError ? error.code : 'no-connection')
      this.#drive(pair)
    }
  }

  #connection(): RTCPeerConnection {
    if (!this.#rtc) {
      throw new VeloxError('unsupported', 'this runtime has no RTCPeerConnection: pass one as `rtc`')
    }
    return construct(this.#rtc, {
      ...this.#certificate.configuration(),
      iceServers: this.#signals.iceServers(),
      iceTransportPolicy: this.#privacy === 'relay' ? 'relay' : 'all',
      bundlePolicy: 'max-bundle',
    })
  }

  #host(pair: Pair, id: string): SessionHost {
    const { machine } = pair
    const ended = (reason: string, penalty: number): void => {
      machine.ended(this.#now(), id, reason, penalty)
      this.#drive(pair)
    }
    return {
      now: this.#now,
      iceServers: () => this.#signals.iceServers(),
      signal: (kind) => this.#send(pair, id, kind),
      opened: () => {
        if (machine.session !== id || !pair.session) return
        machine.opened(this.#now(), id)
        pair.connected = true
        this.#drive(pair)
        this.emit('connect', pair.session)
      },
      message: (message: ControlMessage) => {
        const [name, body] = Object.entries(message)[0]
        const handler = this.#handlers.get(name)
        if (pair.session?.id === id && handler) handler(pair.session, body as never)
      },
      bulk: (label) => (pair.session?.id === id ? this.#bulk.get(label)?.(pair.session) : undefined),
      failed: (reason, hostile) => ended(reason, hostile ? limits.PENALTY : 0),
      bye: (reason) => {
        machine.bye(this.#now(), id, reason)
        this.#drive(pair)
      },
    }
  }

  /** Sends what may be lost: candidates, good-byes, restarts that are tried again. */
  #send(pair: Pair, session: string, kind: Kind): void {
    this.#signals.send(pair.member, bytesOf(session), kind).catch(() => undefined)
  }
}

const sameKey = (member: Member, key: Uint8Array): boolean =>
  member.key.length === key.length && member.key.every((byte, at) => byte === key[at])

/** Compares PeerIds by their bytes. */
function smaller(one: Uint8Array, two: Uint8Array): boolean {
  for (let at = 0; at < one.length && at < two.length; at++) {
    if (one[at] !== two[at]) return one[at] < two[at]
  }
  return one.length < two.length
}

const bytesOf = (session: string): Uint8Array =>
  Uint8Array.from(session.match(/../g) ?? [], (pair) => parseInt(pair, 16))
