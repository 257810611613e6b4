/**
 * One RTCPeerConnection with one peer: its descriptions and candidates, its control channel, its
 * bulk channels, and its life signs. When to offer and when to answer is decided elsewhere
 * (negotiation.ts); what messages mean is the business of room/ and content/.
 */
import type { Remains } from '../diagnosis/diagnosis.js'
import { VeloxError } from '../errors.js'
import { dispose } from '../peer-connections.js'
import type { Candidate, Kind, Member } from '../ports.js'
import { utf8 } from '../wire/bytes.js'
import { BulkSender, drained, messageSize } from './bulk.js'
import { CandidateBatch, toInit } from './candidates.js'
import { Heartbeat } from './heartbeat.js'
import * as limits from './limits.js'
import { control, type ControlMessage } from './messages.js'
import { Renegotiation } from './renegotiation.js'

/** What takes the messages of one inbound bulk channel. It throws VeloxError at nonsense. */
export interface BulkReceiver {
  message(bytes: Uint8Array<ArrayBuffer>): void
  /** The channel or the session has ended. */
  end(): void
}

export interface SessionHost {
  readonly now: () => number
  /** With credentials that hold. */
  iceServers(): RTCIceServer[]
  /** Sends by envelope; failures are the host's business. */
  signal(kind: Kind): void
  opened(): void
  message(message: ControlMessage): void
  /** A bulk channel of the other side; undefined where nobody knows its label. */
  bulk(label: string): BulkReceiver | undefined
  /** The session can't go on. `hostile`: the other side broke the protocol. */
  failed(reason: string, hostile: boolean): void
  /** The other side said good-bye on the control channel. */
  bye(reason: string): void
}

export class Session {
  readonly #pc: RTCPeerConnection
  readonly #control: RTCDataChannel
  readonly #host: SessionHost
  readonly #batch: CandidateBatch
  readonly #renegotiation: Renegotiation
  readonly #polite: boolean
  readonly #heartbeat: Heartbeat
  readonly #bulks = new Map<string, BulkSender>()
  readonly #receivers = new Map<RTCDataChannel, BulkReceiver>()
  readonly #closers = new Set<() => void>()
  /** Candidates that came before the other side's description; undefined once that is in. */
  #early: RTCIceCandidateInit[] | undefined = []
  #greeted = false
  #closed = false
  #restart: ReturnType<typeof setTimeout> | undefined
  #giveUp: ReturnType<typeof setTimeout> | undefined
  /** When something other than life signs passed last, in the host's time. */
  active: number

  constructor(
    readonly id: string,
    /** The other side. Its record may be renewed while the session stands. */
    public member: Member,
    pc: RTCPeerConnection,
    polite: boolean,
    host: SessionHost,
  ) {
    this.#pc = pc
    this.#host = host
    this.#polite = polite
    this.active = host.now()
    this.#heartbeat = new Heartbeat(host.now())
    this.#batch = new CandidateBatch((candidates) => this.#tell({ candidates }))
    this.#renegotiation = new Renegotiation(
      pc,
      polite,
      (kind) => this.#tell(kind),
      (reason) => this.#fail(reason),
    )
    // Until the first exchange is over, who offers is the negotiation's business.
    const needed = pc.onnegotiationneeded
    pc.onnegotiationneeded = null
    this.#control = pc.createDataChannel('velox', { negotiated: true, id: 0, ordered: true })
    this.#control.binaryType = 'arraybuffer'
    this.#control.onopen = () => {
      pc.onnegotiationneeded = needed
      this.#opened()
    }
    this.#control.onmessage = (event) => this.#received(event.data)
    this.#control.onclose = () => this.#fail('closed')
    pc.onicecandidate = ({ candidate }) => candidate && this.#batch.add(candidate)
    pc.onconnectionstatechange = () => this.#stateChanged()
    pc.ondatachannel = ({ channel }) => this.#accept(channel)
  }

  get peerId(): string {
    return this.member.peerId
  }

  get open(): boolean {
    return !this.#closed && this.#control.readyState === 'open'
  }

  /** Bytes of the largest message on a bulk channel. */
  get messageSize(): number {
    return messageSize(this.#pc)
  }

  /** Makes the first offer. */
  async offer(): Promise<string> {
    await this.#pc.setLocalDescription()
    return this.#description()
  }

  /** Takes the first offer and makes its answer. */
  async accept(sdp: string): Promise<string> {
    await this.#pc.setRemoteDescription({ type: 'offer', sdp })
    this.#remoteReady()
    await this.#pc.setLocalDescription()
    return this.#description()
  }

  /** The description has been handed to signaling: candidates may follow it. */
  described(): void {
    this.#batch.release()
  }

  answer(sdp: string): void {
    this.#renegotiation.answered(sdp)
    this.#remoteReady()
  }

  renegotiate(sdp: string): void {
    this.#renegotiation.offered(sdp)
  }

  candidates(candidates: Candidate[]): void {
    const inits = candidates.map(toInit)
    if (this.#early) this.#early.push(...inits.slice(0, limits.EARLY_CANDIDATES - this.#early.length))
    else this.#renegotiation.candidates(inits)
  }

  /** To be called every few seconds: whether the other side still lives. */
  beat(): void {
    if (!this.open) return
    const due = this.#heartbeat.tick(this.#host.now())
    if (due === 'ping') this.#write({ ping: 0 })
    else if (due === 'dead') this.#fail('silent')
  }

  /** Sends a control message; throws `closed` where the channel isn't open. */
  send(message: ControlMessage): void {
    if (!this.open) throw new VeloxError('closed', `the session with ${this.peerId} isn't open`)
    this.active = this.#host.now()
    this.#write(message)
  }

  /** Resolves when the control channel takes more; rejects `closed`. */
  async ready(): Promise<void> {
    await drained(this.#control, limits.CONTROL_BUFFERED)
  }

  /** Our bulk channel with this label, made where there is none yet. */
  bulk(label: string): BulkSender {
    let sender = this.#bulks.get(label)
    if (!sender || sender.channel.readyState === 'closed' || sender.channel.readyState === 'closing') {
      if (!this.open) throw new VeloxError('closed', `the session with ${this.peerId} isn't open`)
      const channel = this.#pc.createDataChannel(label, { ordered: true })
      channel.binaryType = 'arraybuffer'
      // One direction only: a channel on which the other side answers is not what we made.
      channel.onmessage = () => this.#fail('bulk-reversed', true)
      sender = new BulkSender(channel, this.messageSize)
      this.#bulks.set(label, sender)
    }
    this.active = this.#host.now()
    return sender
  }

  /** What can be told of it when it has failed. */
  remains(): Pick<Remains, 'connection'> {
    return { connection: this.#pc }
  }

  /** Calls `closer` when the session ends, at once where it has; returns its undo. */
  onClose(closer: () => void): () => void {
    if (this.#closed) closer()
    else this.#closers.add(closer)
    return () => void this.#closers.delete(closer)
  }

  /** Ends the session because the other side broke the protocol; `reason` names how. */
  violated(reason: string): void {
    this.#fail(reason, true)
  }

  /**
   * Closes the connection, `atOnce` where the page has no time left; otherwise, with `bye`, the other
   * side is told on the control channel.
   */
  close(bye: string | undefined, atOnce: boolean): void {
    if (this.#closed) return
    if (bye !== undefined && !atOnce) this.#write({ bye })
    this.#closed = true
    clearTimeout(this.#restart)
    clearTimeout(this.#giveUp)
    this.#batch.stop()
    this.#pc.onnegotiationneeded = this.#pc.ondatachannel = this.#pc.onconnectionstatechange = null
    this.#control.onclose = this.#control.onmessage = null
    for (const [channel, receiver] of this.#receivers) {
      channel.onmessage = channel.onclose = null
      receiver.end()
    }
    for (const closer of this.#closers) closer()
    if (atOnce) this.#pc.close()
    else dispose(this.#pc)
  }

  #remoteReady(): void {
    const early = this.#early
    this.#early = undefined
    if (early?.length) this.#renegotiation.candidates(early)
  }

  #description(): string {
    this.#batch.hold()
    return this.#pc.localDescription!.sdp
  }

  #opened(): void {
    if (this.#closed) return
    this.#write({ hello: { v: 1 } })
    this.#heartbeat.heard(this.#host.now())
    this.#host.opened()
  }

  #write(message: ControlMessage): void {
    if (this.#control.readyState === 'open') this.#control.send(control.encode(message) as Uint8Array<ArrayBuffer>)
  }

  /** By the control channel, which is faster, where it gets through; else by envelope. */
  #tell(kind: { renegotiate: string } | { answer: string } | { candidates: Candidate[] }): void {
    if (this.open && this.#pc.connectionState === 'connected') {
      this.#write('renegotiate' in kind ? { offer: kind.renegotiate } : kind)
    } else {
      this.#host.signal(kind)
    }
  }

  #received(data: unknown): void {
    this.#heartbeat.heard(this.#host.now())
    if (!(data instanceof ArrayBuffer)) return this.#fail('not-binary', true)
    if (data.byteLength > limits.CONTROL_MESSAGE) return this.#fail('message-too-large', true)
    let message: ControlMessage
    try {
      message = control.decode(new Uint8Array(data))
    } catch {
      return this.#fail('unknown-message', true)
    }
    if (!this.#greeted) {
      if (!('hello' in message)) return this.#fail('no-hello', true)
      this.#greeted = true
      return
    }
    if ('hello' in message) return this.#fail('second-hello', true)
    else if ('ping' in message) this.#write({ pong: message.ping })
    else if ('pong' in message) return
    else if ('bye' in message) this.#host.bye(message.bye.slice(0, 64))
    else if ('offer' in message) this.renegotiate(message.offer)
    else if ('answer' in message) this.answer(message.answer)
    else if ('candidates' in message) this.candidates(message.candidates)
    else {
      this.active = this.#host.now()
      this.#guard(() => this.#host.message(message))
    }
  }

  #accept(channel: RTCDataChannel): void {
    if (this.#closed) return
    if (this.#receivers.size >= limits.BULK_CHANNELS) return this.#fail('too-many-channels', true)
    const label = utf8(channel.label).length <= limits.BULK_LABEL ? channel.label : ''
    const receiver = this.#host.bulk(label)
    if (!receiver) return this.#fail('unknown-channel', true)
    this.#receivers.set(channel, receiver)
    channel.binaryType = 'arraybuffer'
    channel.onmessage = ({ data }) => {
      const now = this.#host.now()
      this.#heartbeat.heard(now)
      this.active = now
      if (!(data instanceof ArrayBuffer)) return this.#fail('not-binary', true)
      if (data.byteLength > limits.BULK_MESSAGE_MAX) return this.#fail('message-too-large', true)
      this.#guard(() => receiver.message(new Uint8Array(data)))
    }
    channel.onclose = () => {
      if (this.#receivers.delete(channel)) receiver.end()
    }
  }

  /** What a handler throws is the other side's doing. */
  #guard(handle: () => void): void {
    try {
      handle()
    } catch (error) {
      if (error instanceof VeloxError) this.#fail(error.message, true)
      else throw error
    }
  }

  #stateChanged(): void {
    const state = this.#pc.connectionState
    if (state === 'connected') {
      clearTimeout(this.#restart)
      clearTimeout(this.#giveUp)
      this.#restart = this.#giveUp = undefined
    } else if (state === 'disconnected' || state === 'failed') {
      if (this.#control.readyState !== 'open') {
        if (state === 'failed') this.#fail('no-connection')
        return
      }
      // The polite peer waits longer, so that restarts seldom cross.
      const wait = (state === 'failed' ? 0 : limits.RESTART_AFTER) * (this.#polite ? 2 : 1)
      this.#restart ??= setTimeout(() => {
        this.#pc.setConfiguration({ ...this.#pc.getConfiguration(), iceServers: this.#host.iceServers() })
        this.#pc.restartIce()
      }, wait)
      this.#giveUp ??= setTimeout(() => this.#fail('no-connection'), wait + limits.RESTART_WITHIN)
    } else if (state === 'closed') {
      this.#fail('closed')
    }
  }

  #fail(reason: string, hostile = false): void {
    if (!this.#closed) this.#host.failed(reason, hostile)
  }
}
