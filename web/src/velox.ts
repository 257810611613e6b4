/** One peer in one network: what an application holds. */
import { Attachments, type AttachState } from './attach/attachments.js'
import type { Carrier } from './attach/carrier.js'
import type { WebSocketConstructor } from './attach/websocket.js'
import { Content, type GetOptions, type PutOptions } from './content/content.js'
import type { ContentStats } from './content/traffic.js'
import type { Circumstances, Diagnosis } from './diagnosis/diagnosis.js'
import { Emitter } from './emitter.js'
import { paused, VeloxError } from './errors.js'
import { NodeLocator } from './presence/locator.js'
import { Rooms } from './presence/presence.js'
import { Room } from './room/room.js'
import { Sessions } from './session/sessions.js'
import { NodeSignals } from './signaling/signals.js'
import { begin, type Beginning, type StartOptions } from './start.js'

declare const VELOX_VERSION: string | undefined
/** What this client calls itself to nodes. */
const AGENT = `velox-mesh/${typeof VELOX_VERSION === 'string' ? VELOX_VERSION : 'source'}`
/** Milliseconds that `start` waits for the first node. */
const START_TIMEOUT = 15_000

export type VeloxState = AttachState

/** A tie to a node. */
export interface AttachmentStatus {
  /** The node's PeerId. */
  peerId: string
  /** The multiaddr that was dialed. */
  address: string
  carrier: Carrier['kind']
  /** Milliseconds of a round trip, as the handshake saw it. */
  rtt: number
  /** Whether it is the first in rank. */
  primary: boolean
}

export interface JoinOptions {
  /** What other members see of this peer: at most 256 bytes as JSON. */
  metadata?: unknown
}

export interface VeloxStats {
  attachments: AttachmentStatus[]
  /** Rooms that this peer is in. */
  rooms: number
  /** Open sessions. */
  sessions: number
  content: ContentStats
}

export interface VeloxEvents {
  state: VeloxState
  /** An attachment has come or gone, or the rank has changed. */
  attachments: AttachmentStatus[]
  /** Something failed that nobody was waiting for. */
  error: VeloxError
}

export class Velox {
  readonly peerId: string
  readonly network: string
  readonly #events = new Emitter<VeloxEvents>()
  readonly #attachments: Attachments
  readonly #presence: Rooms
  readonly #locator: NodeLocator
  readonly #signals: NodeSignals
  readonly #sessions: Sessions
  readonly #content: Content
  readonly #rooms = new Map<string, Room>()
  readonly #release: () => void
  readonly #circumstances: () => Circumstances
  #stopped = false

  private constructor({ self, sources, webSocket, release }: Beginning, options: StartOptions) {
    this.peerId = self.peerId
    this.network = self.network
    this.#release = release
    const { privacy } = options
    const rtc = options.rtc?.RTCPeerConnection ?? globalThis.RTCPeerConnection
    const attachments = new Attachments(self, {
      ...sources,
      webSocket,
      peerConnection: rtc,
      agent: AGENT,
      token: options.token,
    })
    this.#attachments = attachments
    this.#presence = new Rooms(self, attachments)
    this.#locator = new NodeLocator(self, attachments)
    this.#signals = new NodeSignals(self, attachments, this.#presence, () => attachments.iceServers())
    this.#sessions = new Sessions({
      signals: this.#signals,
      rtc,
      privacy,
    })
    this.#content = new Content({ sessions: this.#sessions, locator: this.#locator, rooms: () => this.#joined() })
    this.#circumstances = () => ({
      rtc,
      privacy,
      ice: attachments.iceServers(),
      nodes: this.attachments,
      offset: attachments.now() - Date.now(),
    })
    this.#sessions.on('broken', async (remains) => {
      const { explain } = await import('./diagnosis/diagnosis.js')
      const failure = await explain(remains, this.#circumstances())
      for (const room of this.#joined()) {
        const peer = room.peers.get(remains.peerId)
        if (peer) room.emit('fail', { ...failure, peer })
      }
    })
    attachments.onTick(() => this.#sessions.tick())
    attachments.onState((state) => {
      if (state === 'attached') this.#sessions.renew()
      this.#events.emit('state', state)
    })
    attachments.onChange(() => this.#events.emit('attachments', this.attachments))
    attachments.onMessage((message) => {
      if (!('refused' in message) || message.refused.id !== undefined || message.refused.room) return
      const { code, text } = message.refused
      this.#events.emit('error', new VeloxError(code === 'quota' ? 'quota' : 'denied', text))
    })
  }

  /**
   * Resolves when this peer is attached to its first node. Rejects with `unreachable` after 15 s,
   * naming what was tried and why it failed; with `denied` where every node refuses; with
   * `malformed`, `unsupported`, `needs-https` or `in-use` for what the options ask.
   */
  static async start(options: StartOptions = {}): Promise<Velox> {
    const beginning = await begin(options)
    let velox: Velox | undefined
    try {
      velox = new Velox(beginning, options)
      const first = velox.#attachments.first(START_TIMEOUT)
      await Promise.all([first, velox.#attachments.start()])
      return velox
    } catch (error) {
      if (velox) await velox.stop()
      else beginning.release()
      throw error
    }
  }

  /**
   * `connecting` until `start` resolves, then `attached`, or `detached` while no node is there;
   * `paused` from `pause` to `resume`, and `connecting` again until the first node.
   */
  get state(): VeloxState {
    return this.#attachments.state
  }

  /** In rank order: the primary first. */
  get attachments(): AttachmentStatus[] {
    return this.#attachments.list().map(({ node, address, carrier, rtt }, index) => ({
      peerId: node,
      address,
      carrier: carrier.kind,
      rtt,
      primary: index === 0,
    }))
  }

  /** Returns its undo. */
  on<Name extends keyof VeloxEvents>(
    name: Name,
    listener: (event: VeloxEvents[Name]) => void,
  ): () => void {
    return this.#events.on(name, listener)
  }

  /**
   * Enters a room; resolves when a node has said who is there. Joined twice, it is the same room,
   * with the newer metadata. Rejects with `malformed`, `too-large`, `denied`, `quota`,
   * `unreachable`, `paused` or `closed`.
   */
  async join(name: string, { metadata }: JoinOptions = {}): Promise<Room> {
    this.#check()
    let room = this.#rooms.get(name)
    if (!room || room.left) {
      room = new Room({ name, presence: this.#presence, sessions: this.#sessions, self: this.peerId })
      this.#rooms.set(name, room)
    }
    try {
      await room.join(metadata)
      return room
    } catch (error) {
      if (room.left && this.#rooms.get(name) === room) this.#rooms.delete(name)
      throw error
    }
  }

  /** Keeps content in this page and announces it; resolves with its CID. */
  async put(content: Blob | Uint8Array, options?: PutOptions): Promise<string> {
    this.#check()
    return this.#content.put(content, options)
  }

  /** Content by its CID, every block verified. */
  async get(cid: string, options?: GetOptions): Promise<Response> {
    this.#check()
    return this.#content.get(cid, options)
  }

  /**
   * Says good-bye to nodes and peers, and is quiet until `resume`: nothing is sent, no timer runs.
   * Rooms stay joined in name: others see this peer leave, and its own `Room` objects keep the
   * members last seen. What needs the network meanwhile rejects with `paused`.
   */
  pause(): void {
    if (this.#stopped) return
    this.#sessions.pause()
    this.#signals.pause()
    this.#attachments.pause()
  }

  /** After `pause`: attaches again, and is back in all rooms, with fresh sessions. */
  resume(): void {
    this.#sessions.resume()
    this.#attachments.resume()
  }

  /**
   * What works here and what doesn't, and what to do about it: asks nodes, for up to 5 s. Rejects
   * `paused` or `closed`.
   */
  async diagnose(): Promise<Diagnosis> {
    this.#check()
    const { diagnose } = await import('./diagnosis/diagnosis.js')
    return diagnose(this.#circumstances())
  }

  stats(): VeloxStats {
    return {
      attachments: this.attachments,
      rooms: this.#joined().length,
      sessions: [...this.#sessions.open()].length,
      content: this.#content.stats(),
    }
  }

  /** Leaves everything and ends. */
  async stop(): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    await Promise.all(this.#joined().map((room) => room.leave()))
    this.#content.stop()
    this.#sessions.stop()
    this.#signals.stop()
    this.#locator.stop()
    this.#presence.stop()
    this.#attachments.stop()
    this.#release()
  }

  #check(): void {
    if (this.#stopped) throw new VeloxError('closed', 'this peer was stopped: start another')
    if (this.#sessions.paused) throw paused()
  }

  #joined(): Room[] {
    for (const [name, { left }] of this.#rooms) if (left) this.#rooms.delete(name)
    return [...this.#rooms.values()]
  }
}

export type { StartOptions, WebSocketConstructor }
