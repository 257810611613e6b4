/**
 * The attachments that a peer keeps: dials, ranks, replaces and remembers nodes, so that rooms
 * and sessions never depend on one of them.
 */
import { loadSuite, type AgreementKey } from '../crypto/suite.js'
import { Emitter } from '../emitter.js'
import { VeloxError } from '../errors.js'
import type { LocalPeer } from '../local-peer.js'
import type { FromNode } from '../wire/attach.js'
import { AddressBook, type Entry } from './address-book.js'
import { nameOf, type Address } from './address.js'
import { Attachment } from './attachment.js'
import type { Carrier } from './carrier.js'
import * as defaults from './defaults.js'
import { isHidden, watchLifecycle } from './lifecycle.js'
import type { Link, Links } from './links.js'
import { NodeSources, type SourceOptions } from './node-sources.js'
import { median, rank } from './ranking.js'
import { secure } from './secure.js'
import type { PeerConnectionConstructor } from './webrtc-direct/connection.js'
import { dialDirect } from './webrtc-direct/dial.js'
import { openWebSocket, type WebSocketConstructor } from './websocket.js'

/**
 * `connecting` until the first node is attached to, after `resume` too; `detached` after the last
 * one is lost; `paused` from `pause` to `resume`.
 */
export type AttachState = 'connecting' | 'attached' | 'detached' | 'paused'

export interface AttachOptions extends SourceOptions {
  /** Sent in `hello`. */
  agent: string
  token?: string
  webSocket: WebSocketConstructor
  /** Undefined where the runtime has none. */
  peerConnection?: PeerConnectionConstructor
}

interface Dial {
  abort: AbortController
  /** It races another dial, to the same node. */
  beside: boolean
  node?: string
}

interface AttachEvents {
  change: undefined
  message: { message: FromNode; link: Link }
  state: AttachState
  tick: undefined
  /** A dial failed. */
  failure: undefined
}

export class Attachments implements Links {
  state: AttachState = 'connecting'
  readonly #events = new Emitter<AttachEvents>()
  readonly #book = new AddressBook()
  readonly #sources: NodeSources
  /** In rank order; those that are to be replaced included. */
  #ranked: Attachment[] = []
  /**
   * Attachments to be replaced: when they end if another is there, and, of those that are replaced
   * for their silence alone, since when they are silent.
   */
  readonly #leaving = new Map<Attachment, { until: number; silentSince?: number }>()
  readonly #dialed = new Map<Attachment, Entry>()
  /** Dials under way, and the nodes that they have turned out to lead to. */
  readonly #dials = new Map<Entry, Dial>()
  #staticKey: AgreementKey | undefined
  /** No nodes for now: the page is gone, or the application wants it so. */
  #asleep = false
  #paused = false
  #stopped = false
  #timer: ReturnType<typeof setTimeout> | undefined
  #lastDial = 0
  #lastTick = 0
  #unwatch = (): void => {}

  constructor(
    private readonly self: LocalPeer,
    private readonly options: AttachOptions,
  ) {
    this.#sources = new NodeSources(self, this.#book, options, () => this.now())
  }

  /** Begins, and goes on until `stop`. */
  async start(): Promise<void> {
    this.#staticKey = await (await loadSuite()).agreementKey()
    this.#unwatch = watchLifecycle({
      onSleep: () => this.#sleep(),
      onWake: () => {
        if (!this.#paused) this.resume()
      },
      onVisibility: (hidden) => {
        for (const attachment of this.#ranked) attachment.send({ visibility: { hidden } })
        this.#look()
      },
    })
    const remembered = this.#sources.start(() => this.#look())
    this.#look()
    await remembered
    this.#look()
  }

  /**
   * Resolves with the first attachment. Rejects with `unreachable` after `timeout` ms, and with
   * `denied` as soon as every known node has refused.
   */
  first(timeout: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error?: VeloxError): void => {
        offState()
        offFailure()
        clearTimeout(timer)
        if (error) reject(error)
        else resolve()
      }
      const offState = this.onState((state) =>
        settle(state === 'attached' ? undefined : new VeloxError('closed', 'stopped')),
      )
      const offFailure = this.#events.on('failure', () => {
        if (this.#book.entries().every(({ refused }) => refused)) settle(this.#failure())
      })
      const timer = setTimeout(() => settle(this.#failure()), timeout)
      if (this.state === 'attached') settle()
      else if (!this.options.nodes.length && !this.options.origin && !this.#book.entries().length) {
        settle(this.#failure())
      }
    })
  }

  onState(listener: (state: AttachState) => void): () => void {
    return this.#events.on('state', listener)
  }

  onChange(listener: () => void): () => void {
    return this.#events.on('change', listener)
  }

  onMessage(listener: (message: FromNode, link: Link) => void): () => void {
    return this.#events.on('message', ({ message, link }) => listener(message, link))
  }

  onTick(listener: () => void): () => void {
    return this.#events.on('tick', listener)
  }

  list(): readonly Attachment[] {
    // What is to be replaced serves to the end, but last.
    const leaves = (attachment: Attachment): number => (this.#leaving.has(attachment) ? 1 : 0)
    return [...this.#ranked].sort((a, b) => leaves(a) - leaves(b))
  }

  now(): number {
    return Date.now() + median(this.#ranked.map(({ clockOffset }) => clockOffset))
  }

  /** ICE servers of all nodes, the primary's first. */
  iceServers(): RTCIceServer[] {
    return this.list().flatMap(({ welcome }) => welcome.ice)
  }

  replace(link: Link): void {
    const attachment = this.#ranked.find((own) => own === link)
    if (!attachment) return
    this.#book.avoid(link.node, defaults.PENALTY, Date.now())
    this.#leave(attachment)
    this.#look()
  }

  /** Lets go of every node until `resume`, without forgetting any. */
  pause(): void {
    if (this.#paused || this.#stopped) return
    this.#paused = true
    this.#sleep()
    this.#setState('paused')
  }

  #sleep(): void {
    this.#asleep = true
    clearTimeout(this.#timer)
    for (const { abort } of this.#dials.values()) abort.abort()
    const closing = this.#ranked
    this.#ranked = []
    this.#leaving.clear()
    this.#dialed.clear()
    for (const attachment of closing) attachment.close()
    if (closing.length) this.#changed()
  }

  /** Attaches again at once, or finds out whether the attachments still live. */
  resume(): void {
    if (this.#stopped) return
    if (this.#paused) this.#setState('connecting')
    this.#paused = this.#asleep = false
    this.#book.forgive()
    this.#look()
  }

  stop(): void {
    this.#stopped = true
    this.#unwatch()
    this.#sources.stop()
    this.#sleep()
    this.#setState('detached')
  }

  /** Everything that is due: ends what is dead, dials what is missing. */
  #look(): void {
    if (this.#stopped || this.#asleep) return
    clearTimeout(this.#timer)
    const now = Date.now()
    for (const attachment of [...this.#ranked]) this.#check(attachment, now)
    if (this.#missing() > 0) {
      this.#dialMissing(now)
      this.#sources.refresh(!this.#ranked.length)
    }
    this.#timer = setTimeout(() => this.#look(), this.#patience())
    if (now - this.#lastTick < defaults.TICK) return
    this.#lastTick = now
    this.#events.emit('tick', undefined)
  }

  /** When to look again if nothing calls for it before: a hidden page is called by its nodes' pings. */
  #patience(): number {
    if (!this.#ranked.length) return defaults.LOOK_DETACHED
    if (!isHidden()) return defaults.LOOK_ATTACHED
    return Math.min(...this.#ranked.map(({ welcome }) => welcome.lease)) * defaults.DEAD_PART
  }

  /** Whether an attachment still lives. */
  #check(attachment: Attachment, now: number): void {
    const { heard, welcome } = attachment
    const silence = now - heard
    const leaving = this.#leaving.get(attachment)
    if (silence > welcome.lease * defaults.DEAD_PART) {
      this.#drop(attachment)
    } else if (leaving?.silentSince !== undefined && heard > leaving.silentSince) {
      this.#leaving.delete(attachment)
      this.#changed()
    } else if (leaving && leaving.until <= now && this.#usable() > 0) {
      this.#drop(attachment)
    } else if (!leaving && silence > welcome.lease * defaults.SUSPECT_PART) {
      this.#leave(attachment, heard)
    } else if (!leaving && !isHidden() && silence > defaults.SILENCE) {
      // A node that crashed, or a machine that slept: what is answered at once tells.
      attachment.send({ visibility: { hidden: false } })
      setTimeout(() => {
        if (attachment.heard > heard) return
        this.#leave(attachment, heard)
        this.#look()
      }, defaults.PROBE_TIMEOUT)
    }
  }

  /** Attachments that nobody is about to replace. */
  #usable(): number {
    return this.#ranked.length - this.#leaving.size
  }

  #missing(): number {
    return defaults.WANTED - this.#usable()
  }

  #dialMissing(now: number): void {
    for (const [entry, { node }] of [...this.#dials]) if (!node) this.#dialBeside(entry, now)
    const dials = [...this.#dials.values()].filter(({ beside }) => !beside).length
    if (dials >= (this.#usable() ? defaults.FOLLOWERS : defaults.RACERS)) return
    if (dials && now - this.#lastDial < defaults.STAGGER) return
    const taken = new Set<string>()
    for (const attachment of this.#ranked) {
      // One whose carrier is silent may be replaced by another to the same node.
      const silent = this.#leaving.has(attachment) && now - attachment.heard > defaults.SILENCE
      if (!silent) taken.add(attachment.node)
    }
    for (const { node } of this.#dials.values()) if (node) taken.add(node)
    const entry = this.#book.next(taken, this.#dialed.get(this.#ranked[0])?.source, now)
    if (!entry) return
    this.#lastDial = now
    void this.#dial(entry)
    this.#dialBeside(entry, now)
  }

  /** The node's other carrier has no head start to make up for: who is first wins. */
  #dialBeside(entry: Entry, now: number): void {
    const other = this.#book.beside(entry, now)
    if (other) void this.#dial(other, true)
  }

  async #dial(entry: Entry, beside = false): Promise<void> {
    const abort = new AbortController()
    const dial = { abort, beside }
    this.#dials.set(entry, dial)
    entry.busy = true
    const timer = setTimeout(
      () => abort.abort(new VeloxError('timeout', `no answer within ${defaults.DIAL_TIMEOUT / 1000} s`)),
      defaults.DIAL_TIMEOUT,
    )
    const stagger = setTimeout(() => this.#look(), defaults.STAGGER)
    try {
      const attachment = await this.#attach(entry, dial)
      this.#book.succeeded(entry, attachment.node)
      this.#dials.delete(entry)
      this.#take(attachment, entry)
    } catch (error) {
      if (!abort.signal.aborted || (abort.signal.reason as VeloxError).code === 'timeout') {
        this.#book.failed(entry, error as Error, Date.now())
        this.#events.emit('failure', undefined)
      }
    } finally {
      clearTimeout(timer)
      clearTimeout(stagger)
      entry.busy = false
      this.#dials.delete(entry)
      this.#look()
    }
  }

  async #attach(entry: Entry, dial: Dial): Promise<Attachment> {
    const { signal } = dial.abort
    const carrier = await this.#open(entry.address, signal)
    // Before hello, since a second hello to the same node would end the first attachment.
    const twice =
      [...this.#dials.values()].some((other) => other !== dial && other.node === carrier.node) ||
      this.#ranked.some((other) => other.node === carrier.node && !this.#leaving.has(other))
    entry.node = dial.node = carrier.node
    if (twice || signal.aborted) {
      carrier.close()
      dial.abort.abort()
      throw new VeloxError('closed', 'attached to this node already')
    }
    // Whoever races this one has lost.
    for (const [other, { abort }] of this.#dials) {
      if (other !== entry && other.node === carrier.node) abort.abort()
    }
    const { agent, token } = this.options
    return Attachment.open(carrier, entry.address.text, { network: this.self.network, agent, token }, signal)
  }

  #open(address: Address, signal: AbortSignal): Promise<Carrier> {
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error))
    })
    return Promise.race([aborted, this.#carrier(address, signal)])
  }

  async #carrier(address: Address, signal: AbortSignal): Promise<Carrier> {
    const { webSocket, peerConnection } = this.options
    if (address.kind === 'webrtc-direct') {
      if (peerConnection) return dialDirect(address, peerConnection, this.self, this.#staticKey!, signal)
      throw new VeloxError('unsupported', 'this runtime has no WebRTC: pass `rtc: { RTCPeerConnection }`')
    }
    const socket = await openWebSocket(address.url, webSocket, signal)
    try {
      return await secure(socket, this.self, this.#staticKey!, address.node)
    } catch (error) {
      socket.close()
      throw error
    }
  }

  #take(attachment: Attachment, entry: Entry): void {
    if (this.#asleep || this.#stopped) return attachment.close()
    for (const older of this.#ranked.filter(({ node }) => node === attachment.node)) this.#drop(older)
    attachment.onMessage = (message) => this.#message(attachment, message)
    const since = Date.now()
    attachment.onEnd = (reason) => {
      this.#drop(attachment)
      this.#book.ended(entry, reason, Date.now() - since, Date.now())
      this.#look()
    }
    this.#dialed.set(attachment, entry)
    this.#ranked = rank(this.#ranked, attachment)
    if (isHidden()) attachment.send({ visibility: { hidden: true } })
    void this.#sources.learn(attachment.welcome.nodes, entry.address.host)
    this.#sources.remember()
    if (this.#usable() >= defaults.WANTED) {
      for (const { abort } of this.#dials.values()) abort.abort()
      for (const older of this.#leaving.keys()) this.#drop(older)
      for (const extra of this.#ranked.slice(defaults.WANTED)) this.#drop(extra)
    }
    this.#changed()
  }

  #message(attachment: Attachment, message: FromNode): void {
    if ('ping' in message) return isHidden() ? this.#look() : undefined
    if ('go-away' in message) {
      const { host } = this.#dialed.get(attachment)!.address
      void this.#sources.learn(message['go-away'].nodes, host)
      return this.replace(attachment)
    }
    if ('refused' in message && message.refused.fatal) {
      this.#book.avoid(attachment.node, defaults.PENALTY, Date.now())
    }
    this.#events.emit('message', { message, link: attachment })
  }

  /** Replaces an attachment: another first, then good-bye. */
  #leave(attachment: Attachment, silentSince?: number): void {
    if (this.#leaving.has(attachment) || !this.#ranked.includes(attachment)) return
    this.#leaving.set(attachment, { until: Date.now() + defaults.LINGER, silentSince })
    this.#changed()
  }

  #drop(attachment: Attachment): void {
    this.#leaving.delete(attachment)
    this.#dialed.delete(attachment)
    const rest = this.#ranked.filter((other) => other !== attachment)
    if (rest.length === this.#ranked.length) return
    this.#ranked = rest
    attachment.close()
    // Nobody is left: whoever was to be left alone is asked again, too.
    if (!rest.length) this.#book.forgive()
    this.#changed()
  }

  #changed(): void {
    this.#events.emit('change', undefined)
    if (this.#ranked.length) this.#setState('attached')
    else if (this.state === 'attached') this.#setState(this.#paused ? 'paused' : 'detached')
  }

  #setState(state: AttachState): void {
    if (state === this.state) return
    this.state = state
    this.#events.emit('state', state)
  }

  #failure(): VeloxError {
    const tried = [
      ...this.#sources.failures(),
      ...this.#book
        .entries()
        .map(({ address, reason }) => `${nameOf(address)}: ${reason ?? 'no answer yet'}`),
    ]
    const refused = this.#book.entries().some(({ refused }) => refused)
    return tried.length
      ? new VeloxError(
          refused ? 'denied' : 'unreachable',
          `no node of network '${this.self.network}' could be attached to. Tried:\n${tried.join('\n')}`,
        )
      : new VeloxError('unreachable', 'no node is known: pass `nodes`, base URLs or multiaddrs')
  }
}
