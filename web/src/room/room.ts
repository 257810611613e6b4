/**
 * A room, as an application sees it: who is here, who is connected, and messages between them.
 *
 * Presence says who is a member; the room sees to sessions with members and passes on what they
 * say. Small messages to one peer arrive in the order of `send`, and so do large ones (over
 * 16 KiB); a small one may overtake a large one.
 */
import type { Failure } from '../diagnosis/diagnosis.js'
import { Emitter } from '../emitter.js'
import { paused, VeloxError } from '../errors.js'
import type { Member, Presence, PresenceChange } from '../ports.js'
import { TYPE } from '../session/messages.js'
import type { Session } from '../session/session.js'
import type { Sessions } from '../session/sessions.js'
import { isName } from '../wire/schema.js'
import { pack, type Packed } from './body.js'
import * as limits from './limits.js'
import { Post, type Heading } from './post.js'
import { Requests, type Responder } from './requests.js'

/** Another member of the room. It's the same object for as long as the peer is here. */
export interface RoomPeer {
  readonly peerId: string
  /** What the peer's page passed to `join`. */
  readonly metadata: unknown
  /** Whether there is an open session with it. */
  readonly connected: boolean
}

export interface Message {
  readonly type: string
  /** A JSON value, a Blob, or a Uint8Array: what was sent. */
  readonly body: unknown
  readonly peer: RoomPeer
}

export interface RoomEvents {
  join: RoomPeer
  leave: RoomPeer
  /** The peer has changed its metadata. */
  update: RoomPeer
  connect: RoomPeer
  disconnect: RoomPeer
  message: Message
  /** A session with the peer couldn't be opened, or was lost: why. It is tried again. */
  fail: RoomFailure
}

export interface RoomFailure extends Failure {
  readonly peer: RoomPeer
}

export interface RoomOptions {
  name: string
  presence: Presence
  sessions: Sessions
  /** This peer's own PeerId. */
  self: string
}

export interface SendOptions {
  /** The receivers' PeerIds; without it, everybody who is connected. */
  to?: string | readonly string[]
}

export interface RequestOptions {
  to: string
  /** Milliseconds until it rejects with `timeout`. Default 10 s. */
  timeout?: number
}

type Entry = { -readonly [Key in keyof RoomPeer]: RoomPeer[Key] } & {
  member: Member
  /** No node shows it any more, but there is an open session with it: it stays until that ends. */
  faded?: boolean
}

/** A message whose sender isn't known as a member yet. */
interface Early {
  readonly session: Session
  readonly heading: Heading & { size: number }
  readonly body: unknown
  readonly until: number
}

export class Room extends Emitter<RoomEvents> {
  readonly name: string
  readonly #presence: Presence
  readonly #sessions: Sessions
  readonly #self: string
  readonly #post: Post
  readonly #entries = new Map<string, Entry>()
  readonly #requests = new Requests<RoomPeer>()
  /** Members that this room holds a session with. */
  readonly #mesh = new Set<string>()
  readonly #undo: (() => void)[] = []
  #early: Early[] = []
  #state: 'new' | 'joined' | 'left' = 'new'

  constructor(options: RoomOptions) {
    super()
    this.name = options.name
    this.#presence = options.presence
    this.#sessions = options.sessions
    this.#self = options.self
    this.#post = Post.of(options.sessions)
  }

  /** Everybody else who is here. */
  get peers(): ReadonlyMap<string, RoomPeer> {
    return this.#entries
  }

  /** Members known to the network, self included. */
  get size(): number {
    return this.#state === 'joined' ? this.#presence.size(this.name) : 0
  }

  /** Whether this peer has left the room: nothing can be done with it any more. */
  get left(): boolean {
    return this.#state === 'left'
  }

  /** Enters the room; called again, it changes the metadata. Rejects as `Presence.join` does. */
  async join(metadata?: unknown): Promise<void> {
    this.#check()
    if (this.#state === 'new') {
      this.#state = 'joined'
      this.#undo.push(
        this.#post.open(this.name, (...letter) => this.#receive(...letter)),
        this.#presence.onChange(this.name, (change) => this.#changed(change)),
        this.#sessions.on('connect', (session) => this.#connected(session, true)),
        this.#sessions.on('disconnect', ({ session }) => this.#connected(session, false)),
      )
    }
    try {
      await this.#presence.join(this.name, metadata)
    } catch (error) {
      this.#close()
      throw error
    }
    for (const member of this.#presence.members(this.name).values()) this.#add(member, true)
  }

  /** Leaves: other members hear it, sessions that no other room needs end. */
  async leave(): Promise<void> {
    if (this.#state !== 'joined') return
    this.#close()
    await this.#presence.leave(this.name)
  }

  /**
   * Sends a message: `body` is a JSON value, a Blob or bytes, up to 64 MiB. Resolves when it is
   * handed to the transport. With `to`, rejects `not-found` where one isn't a member, and
   * `unreachable`, `timeout` or `closed` where it couldn't be handed over to one; without, who
   * goes meanwhile is left out. Rejects `too-large` and `malformed`.
   */
  async send(type: string, body?: unknown, { to }: SendOptions = {}): Promise<void> {
    this.#check()
    const packed = pack(body)
    const heading = { room: this.name, type: checkType(type) }
    if (to === undefined) {
      const connected = [...this.#entries.values()].filter((entry) => entry.connected)
      await Promise.allSettled(connected.map(({ peerId }) => this.#send(peerId, heading, packed)))
    } else {
      const receivers = new Set(typeof to === 'string' ? [to] : to)
      await Promise.all([...receivers].map((peerId) => this.#send(peerId, heading, packed)))
    }
  }

  /**
   * Asks one peer and resolves with its reply. Rejects `timeout`, `denied` (it refused, or nothing
   * there responds to the type), `unreachable`, `not-found`, `too-large`, `malformed`.
   */
  async request(type: string, body: unknown, { to, timeout = limits.REPLY_WITHIN }: RequestOptions): Promise<unknown> {
    this.#check()
    const packed = pack(body)
    checkType(type)
    return this.#requests.ask(to, timeout, (ask) => this.#send(to, { room: this.name, type, ask }, packed))
  }

  /**
   * Answers requests of a type with what `responder` returns; what it throws is a refusal, whose
   * message the peer gets to read. One responder a type. Returns its undo.
   */
  respond(type: string, responder: Responder<RoomPeer>): () => void {
    return this.#requests.respond(checkType(type), responder)
  }

  async #send(peerId: string, heading: Heading, body: Packed): Promise<void> {
    await this.#post.send(await this.#session(peerId), heading, body)
  }

  /** The session with a member, which is waited for where it isn't open. */
  async #session(peerId: string): Promise<Session> {
    const open = this.#entries.get(peerId)?.connected && this.#sessions.get(peerId)
    if (open) return open
    const member = this.#entries.get(peerId)?.member
    if (!member) throw new VeloxError('not-found', `${peerId} isn't in ${this.name}`)
    // In a room larger than the mesh the session is made now, and stays until somebody leaves.
    this.#mesh.add(peerId)
    return this.#sessions.connect(member, this.#holder, limits.CONNECT_WITHIN)
  }

  get #holder(): string {
    return `room ${this.name}`
  }

  #changed(change: PresenceChange): void {
    const { member } = change
    if (change.type === 'join') this.#add(member, change.snapshot)
    else if (change.type === 'update') this.#update(member)
    else this.#remove(member.peerId, change.faded)
  }

  #add(member: Member, first: boolean): void {
    const { peerId } = member
    if (this.#state !== 'joined' || peerId === this.#self) return
    if (this.#entries.has(peerId)) return this.#update(member)
    const entry: Entry = { peerId, metadata: member.metadata, connected: false, member }
    this.#entries.set(peerId, entry)
    this.emit('join', entry)
    this.#hold(entry, first)
    const session = this.#sessions.get(peerId)
    if (session) this.#connected(session, true)
    const early = this.#early.filter((one) => one.session.peerId === peerId)
    this.#early = this.#early.filter((one) => one.session.peerId !== peerId)
    for (const { session: from, heading, body } of early) this.#receive(from, heading, body)
  }

  #update(member: Member): void {
    const entry = this.#entries.get(member.peerId)
    if (!entry) return this.#add(member, false)
    entry.member = member
    entry.faded = false
    if (JSON.stringify(entry.metadata) === JSON.stringify(member.metadata)) return
    entry.metadata = member.metadata
    this.emit('update', entry)
  }

  #remove(peerId: string, faded = false): void {
    const entry = this.#entries.get(peerId)
    if (!entry) return
    if (faded && entry.connected) {
      entry.faded = true
      return
    }
    this.#entries.delete(peerId)
    this.#requests.lost(peerId, new VeloxError('unreachable', `${peerId} has left ${this.name}`))
    if (entry.connected) {
      entry.connected = false
      this.emit('disconnect', entry)
    }
    this.emit('leave', entry)
    if (this.#mesh.delete(peerId)) this.#sessions.release(peerId, this.#holder)
    for (const other of this.#entries.values()) if (!this.#mesh.has(other.peerId)) this.#hold(other, true)
  }

  /** Holds a session with a member while the mesh has room. */
  #hold(entry: Entry, first: boolean): void {
    if (this.#mesh.size >= limits.MESH) return
    this.#mesh.add(entry.peerId)
    this.#sessions.hold(entry.member, this.#holder, first)
  }

  #connected(session: Session, connected: boolean): void {
    const entry = this.#entries.get(session.peerId)
    if (!entry || entry.connected === connected) return
    entry.connected = connected
    if (!connected) {
      this.#requests.lost(entry.peerId, new VeloxError('unreachable', `the session with ${entry.peerId} ended`))
    }
    this.emit(connected ? 'connect' : 'disconnect', entry)
    if (!connected && entry.faded) this.#remove(entry.peerId)
  }

  /** A message for this room. Only members are heard. */
  #receive(session: Session, heading: Heading & { size: number }, body: unknown): void {
    const peer = this.#entries.get(session.peerId)
    if (!peer) return this.#keepEarly({ session, heading, body, until: performance.now() + limits.EARLY_WITHIN })
    const { type, ask, reply, error } = heading
    if (reply !== undefined) this.#requests.replied(reply, session.peerId, error, body)
    else if (ask !== undefined) void this.#answer(session, type, ask, body, peer)
    else this.emit('message', { type, body, peer })
  }

  /** The sender's session may be quicker than the news that it's a member. */
  #keepEarly(early: Early): void {
    if (early.heading.size > limits.INLINE) return
    const now = performance.now()
    this.#early = [...this.#early.filter(({ until }) => until > now), early].slice(-limits.EARLY_MESSAGES)
  }

  async #answer(session: Session, type: string, ask: number, body: unknown, peer: RoomPeer): Promise<void> {
    const answer = await this.#requests.answer(type, body, peer)
    const heading = { room: this.name, type, reply: ask }
    try {
      if ('error' in answer) await this.#post.send(session, { ...heading, error: answer.error }, pack(null))
      else await this.#post.send(session, heading, pack(answer.body))
    } catch (error) {
      if (!(error instanceof VeloxError) || !session.open) return
      await this.#post.send(session, { ...heading, error: error.message }, pack(null)).catch(() => undefined)
    }
  }

  #close(): void {
    this.#state = 'left'
    for (const undo of this.#undo.splice(0)) undo()
    for (const peerId of this.#mesh) this.#sessions.release(peerId, this.#holder)
    this.#mesh.clear()
    this.#early = []
    for (const entry of this.#entries.values()) entry.connected = false
    this.#entries.clear()
    this.#requests.lost(undefined, left(this.name))
  }

  #check(): void {
    if (this.#state === 'left') throw left(this.name)
    if (this.#sessions.paused) throw paused()
  }
}

const left = (name: string): VeloxError => new VeloxError('closed', `${name} was left: join it again`)

function checkType(type: string): string {
  if (typeof type === 'string' && isName(type, TYPE)) return type
  throw new VeloxError('malformed', `a message's type is a text of 1 to ${TYPE} bytes`)
}
