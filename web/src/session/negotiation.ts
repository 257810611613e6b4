/**
 * Who offers, who answers, and which session stands: the rules of one pair of peers, as a state
 * machine. Events and the present time go in, actions come out; there is no RTCPeerConnection,
 * no timer and no clock in here. docs/spec/session.md has the rules in words.
 *
 * The promise: whatever the order in which envelopes arrive, both peers end up in the same one
 * session, as long as both want it and envelopes get through at all.
 */
import type { Candidate } from '../ports.js'
import * as limits from './limits.js'

/** A session's id: hex text of its 16 bytes. */
export type SessionId = string

/** What the driver is to do, in this order. */
export type Action =
  /** Make a connection and send an offer. */
  | { do: 'offer'; session: SessionId }
  /** Make a connection, take this offer, send an answer. */
  | { do: 'accept'; session: SessionId; sdp: string }
  /** Give this answer to the connection. */
  | { do: 'answer'; session: SessionId; sdp: string }
  | { do: 'renegotiate'; session: SessionId; sdp: string }
  | { do: 'candidates'; session: SessionId; candidates: Candidate[] }
  /** Close the connection, where there is one; with `bye`, tell the other side. */
  | { do: 'close'; session: SessionId; bye?: string; reason: string }

type Phase =
  /** No session. `due`: when to offer, if nothing comes before. */
  | { at: 'idle'; due: number }
  /** Our offer is being made, or is out (`sent`). */
  | { at: 'offering'; session: SessionId; sent: boolean; until: number }
  /** Both descriptions are exchanged, ICE and DTLS are at work. */
  | { at: 'connecting'; session: SessionId; until: number }
  | { at: 'open'; session: SessionId; since: number }

export interface NegotiationOptions {
  /** Whether our PeerId is the smaller one: the polite peer gives way. */
  polite: boolean
  /** Makes a session id: 16 random bytes in hex. */
  newSession: () => SessionId
  /** Uniform in [0, 1), for jitter. */
  random?: () => number
}

export class Negotiation {
  /** Whether our PeerId is the smaller one. */
  readonly polite: boolean
  readonly #newSession: () => SessionId
  readonly #random: () => number
  #phase: Phase = { at: 'idle', due: Infinity }
  #wanted = false
  #failures = 0
  #refuseUntil = -Infinity
  /** An offer that came while another session stood or was in the making. */
  #spare: { session: SessionId; sdp: string; at: number } | undefined
  /** Candidates that overtook their offer. */
  readonly #early = new Map<SessionId, Candidate[]>()
  readonly #ended = new Set<SessionId>()
  #actions: Action[] = []

  constructor(options: NegotiationOptions) {
    this.polite = options.polite
    this.#newSession = options.newSession
    this.#random = options.random ?? Math.random
  }

  /** The session that stands or is in the making. */
  get session(): SessionId | undefined {
    return this.#phase.at === 'idle' ? undefined : this.#phase.session
  }

  get state(): Phase['at'] {
    return this.#phase.at
  }

  get wanted(): boolean {
    return this.#wanted
  }

  /** When `tick` wants to be called next; Infinity for never. */
  get deadline(): number {
    const phase = this.#phase
    switch (phase.at) {
      case 'idle':
        return phase.due
      case 'open':
        return Infinity
      case 'offering':
      case 'connecting':
        return phase.until
    }
  }

  /** Takes the actions that are due. */
  drain(): Action[] {
    const actions = this.#actions
    this.#actions = []
    return actions
  }

  /**
   * A session with the peer is wanted. `first`: it was there before us, so it is on us to offer;
   * else its offer is expected for a while. Where clocks make both expect the other's, the
   * impolite peer, whose offer would win anyway, doesn't wait for long.
   */
  want(now: number, first: boolean): void {
    const fresh = !this.#wanted
    this.#wanted = true
    if (this.#phase.at !== 'idle') return
    const due = now + (first ? 0 : this.polite ? limits.SILENCE : limits.HESITATION)
    // While a back-off runs, wanting once more doesn't shorten it.
    this.#phase.due = fresh && this.#failures === 0 ? due : Math.min(this.#phase.due, Math.max(due, this.#backOff(now)))
    if (this.#phase.due <= now) this.#offer(now)
  }

  /** No session is wanted any more: what there is ends. */
  unwant(now: number, reason: string): void {
    this.#wanted = false
    this.#spare = undefined
    if (this.#phase.at === 'idle') this.#phase.due = Infinity
    else this.#end(now, reason, reason)
    this.#failures = 0
  }

  /** Nobody here wants the session, but it may go on while the other side does. */
  release(): void {
    this.#wanted = false
    if (this.#phase.at === 'idle') this.#phase.due = Infinity
  }

  /** Our offer has left. */
  sent(session: SessionId): void {
    if (this.#phase.at === 'offering' && this.#phase.session === session) this.#phase.sent = true
  }

  /** The control channel is open. */
  opened(now: number, session: SessionId): void {
    const phase = this.#phase
    if (phase.at === 'idle' || phase.at === 'open' || phase.session !== session) return
    this.#phase = { at: 'open', session, since: now }
  }

  /**
   * The session failed on our side. `penalty`: the other side broke the protocol, and gets no
   * other session for that many milliseconds.
   */
  ended(now: number, session: SessionId, reason: string, penalty = 0): void {
    if (this.session !== session) return
    if (penalty > 0) {
      this.#refuseUntil = now + penalty
      this.#spare = undefined
    }
    this.#end(now, reason, reason)
  }

  offer(now: number, session: SessionId, sdp: string): void {
    if (this.#ended.has(session) || this.session === session) return
    if (now < this.#refuseUntil) {
      this.#bury(session)
      this.#actions.push({ do: 'close', session, bye: 'refused', reason: 'refused' })
      return
    }
    const phase = this.#phase
    if (phase.at === 'idle') return this.#accept(now, session, sdp)
    if (phase.at === 'offering' && (this.polite || !phase.sent)) {
      // Crossed offers: the smaller PeerId drops its own. An offer that hasn't left yet can be
      // dropped by either.
      this.#bury(phase.session)
      this.#actions.push({ do: 'close', session: phase.session, reason: 'crossed' })
      return this.#accept(now, session, sdp)
    }
    // The other side will drop it; or it has ended what we still hold, and its `bye` is late.
    this.#spare = { session, sdp, at: now }
  }

  answer(now: number, session: SessionId, sdp: string): void {
    const phase = this.#phase
    if (this.session !== session) {
      // It answers what we dropped: without a word it would wait for its deadline.
      this.#bury(session)
      this.#actions.push({ do: 'close', session, bye: 'dropped', reason: 'dropped' })
      return
    }
    if (phase.at === 'offering') {
      this.#phase = { at: 'connecting', session, until: now + limits.OPEN_WITHIN }
    }
    this.#actions.push({ do: 'answer', session, sdp })
  }

  renegotiate(session: SessionId, sdp: string): void {
    if (this.session === session && this.#phase.at !== 'offering') {
      this.#actions.push({ do: 'renegotiate', session, sdp })
    }
  }

  candidates(session: SessionId, candidates: Candidate[]): void {
    if (this.#ended.has(session)) return
    if (this.session === session) {
      this.#actions.push({ do: 'candidates', session, candidates })
      return
    }
    const early = this.#early.get(session) ?? []
    if (early.length + candidates.length > limits.EARLY_CANDIDATES) return
    this.#early.set(session, [...early, ...candidates])
    for (const oldest of this.#early.keys()) {
      if (this.#early.size <= limits.EARLY_SESSIONS) break
      this.#early.delete(oldest)
    }
  }

  /** The other side has ended the session. */
  bye(now: number, session: SessionId, reason: string): void {
    if (this.#spare?.session === session) this.#spare = undefined
    if (this.session === session) this.#end(now, reason, undefined)
    else this.#bury(session)
  }

  /** To be called when `deadline` has come; earlier does no harm. */
  tick(now: number): void {
    const phase = this.#phase
    if (phase.at === 'idle') {
      if (this.#wanted && phase.due <= now) this.#offer(now)
    } else if (phase.at !== 'open' && phase.until <= now) {
      const reason = phase.at === 'offering' ? 'no-answer' : 'no-connection'
      this.#end(now, reason, reason)
    }
  }

  #offer(now: number): void {
    const session = this.#newSession()
    this.#phase = { at: 'offering', session, sent: false, until: now + limits.ANSWER_WITHIN }
    this.#actions.push({ do: 'offer', session })
  }

  #accept(now: number, session: SessionId, sdp: string): void {
    this.#phase = { at: 'connecting', session, until: now + limits.OPEN_WITHIN }
    this.#actions.push({ do: 'accept', session, sdp })
    const candidates = this.#early.get(session)
    this.#early.delete(session)
    if (candidates) this.#actions.push({ do: 'candidates', session, candidates })
  }

  #end(now: number, reason: string, bye: string | undefined): void {
    const phase = this.#phase
    if (phase.at === 'idle') return
    const { session } = phase
    const stood = phase.at === 'open' && now - phase.since >= limits.STOOD
    this.#failures = stood ? 0 : this.#failures + 1
    this.#bury(session)
    this.#actions.push({ do: 'close', session, reason, ...(bye === undefined ? {} : { bye }) })
    this.#phase = { at: 'idle', due: Infinity }
    const spare = this.#spare
    this.#spare = undefined
    if (spare && now - spare.at < limits.OFFER_FRESH && !this.#ended.has(spare.session)) {
      this.#accept(now, spare.session, spare.sdp)
    } else if (this.#wanted) {
      const after = bye === undefined && reason !== 'dropped' ? now + limits.RETRY_AFTER_BYE : now
      this.#phase.due = Math.max(this.#backOff(now), after, this.#refuseUntil)
    }
  }

  /** Equal jitter: half of the back-off is certain, so that retries don't pile up. */
  #backOff(now: number): number {
    const most = Math.min(limits.RETRY_FIRST * 2 ** Math.max(0, this.#failures - 1), limits.RETRY_MOST)
    return now + most / 2 + (this.#random() * most) / 2
  }

  #bury(session: SessionId): void {
    this.#early.delete(session)
    this.#ended.add(session)
    for (const oldest of this.#ended) {
      if (this.#ended.size <= limits.ENDED_SESSIONS) break
      this.#ended.delete(oldest)
    }
  }
}
