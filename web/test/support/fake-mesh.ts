/**
 * Nodes in memory, for tests of the client's state machines: the responder's side of Noise, and a
 * mesh so simple that what a test breaks is all that is broken.
 */
import { noisePayload, verifyNoisePayload } from '../../src/crypto/noise-payload.js'
import { Handshake, type Cipher } from '../../src/crypto/noise.js'
import { Identity } from '../../src/crypto/identity.js'
import { loadSuite } from '../../src/crypto/suite.js'
import { PROLOGUE } from '../../src/attach/secure.js'
import type { WebSocketConstructor } from '../../src/attach/websocket.js'
import { FromNode, FromPeer } from '../../src/wire/attach.js'
import { concat } from '../../src/wire/bytes.js'
import { Envelope } from '../../src/wire/envelope.js'
import { frame, FrameDecoder } from '../../src/wire/frame.js'
import { ATTACH_FRAME, FRAGMENT } from '../../src/wire/limits.js'
import { Leave, NodeRecord, PresenceRecord } from '../../src/wire/records.js'

/** The server's end of a WebSocket. */
class Attached {
  peerId = ''
  hidden = false
  readonly received: FromPeer[] = []
  #handshake: Handshake | undefined
  #ciphers: { send: Cipher; receive: Cipher } | undefined
  #frames = new FrameDecoder(ATTACH_FRAME)
  #parts: Uint8Array[] = []
  #fragments = 0
  #queue = Promise.resolve()

  constructor(
    private readonly node: FakeNode,
    private readonly toPeer: (message: Uint8Array) => void,
    readonly close: () => void,
  ) {}

  take(message: Uint8Array): void {
    this.#queue = this.#queue.then(() => this.#read(message))
  }

  send(message: FromNode): void {
    const encoded = FromNode.encode(message)
    if (encoded.length <= FRAGMENT) return this.#write(encoded)
    const id = this.#fragments++
    for (let at = 0; at < encoded.length; at += FRAGMENT) {
      const data = encoded.subarray(at, at + FRAGMENT)
      const last = at + FRAGMENT >= encoded.length
      this.#write(FromNode.encode({ fragment: { id, last, data } }))
    }
  }

  #write(encoded: Uint8Array): void {
    if (this.node.reachable) this.toPeer(this.#ciphers!.send.encrypt(frame(encoded)))
  }

  async #read(message: Uint8Array): Promise<void> {
    const suite = await loadSuite()
    if (!this.#handshake) {
      const [staticKey, ephemeral] = await Promise.all([suite.agreementKey(), suite.agreementKey()])
      const keys = { initiator: false, staticKey, ephemeral, prologue: PROLOGUE }
      this.#handshake = await Handshake.begin(suite, keys)
      await this.#handshake.read(message)
      const payload = await noisePayload(this.node.identity, staticKey.publicKey)
      this.toPeer(await this.#handshake.write(payload))
    } else if (!this.#ciphers) {
      const payload = await this.#handshake.read(message)
      this.peerId = await verifyNoisePayload(suite, payload, this.#handshake.remoteStatic)
      this.#ciphers = await this.#handshake.finish()
    } else {
      for (const encoded of this.#frames.push(this.#ciphers.receive.decrypt(message))) {
        this.#take(FromPeer.decode(encoded))
      }
    }
  }

  #take(message: FromPeer): void {
    if (!('fragment' in message)) {
      this.received.push(message)
      return this.node.take(this, message)
    }
    this.#parts.push(message.fragment.data)
    if (message.fragment.last) this.#take(FromPeer.decode(concat(...this.#parts.splice(0))))
  }
}

export class FakeNode {
  /** Whether it answers dials and writes to its peers. */
  reachable = true
  /** Refuses every hello with this code. */
  refusal: string | undefined
  /** Drops every `carry` without a word; or those of this peer. */
  drops: boolean | string = false
  /** Says that nobody is in any room. */
  denies = false
  /** Clock against this machine's, ms. */
  skew = 0
  lease = 30_000
  readonly attached = new Set<Attached>()

  constructor(
    readonly mesh: FakeMesh,
    readonly identity: Identity,
    readonly host: string,
  ) {}

  get peerId(): string {
    return this.identity.peerId
  }

  get address(): string {
    return `/dns/${this.host}/tcp/80/ws/p2p/${this.peerId}`
  }

  async record(): Promise<Uint8Array> {
    const now = Date.now()
    const { bytes } = await NodeRecord.sign(this.identity, {
      v: 1,
      network: this.mesh.network,
      node: this.peerId,
      seq: now,
      expires: now + 3_600_000,
      addrs: [`/dns/${this.host}/tcp/80/ws`],
    })
    return bytes
  }

  /** As a crash, or a cut cable where the sockets are told nothing. */
  die(silently = false): void {
    this.reachable = false
    if (silently) return
    for (const attached of [...this.attached]) {
      this.ended(attached)
      attached.close()
    }
  }

  /** What its peers have sent it of one kind. */
  received<Name extends string>(name: Name): Extract<FromPeer, Record<Name, unknown>>[] {
    return [...this.attached].flatMap(({ received }) => received).filter((m) => name in m) as never
  }

  ended(attached: Attached): void {
    if (this.attached.delete(attached)) this.mesh.detached(this, attached.peerId)
  }

  take(from: Attached, message: FromPeer): void {
    const { mesh } = this
    if ('hello' in message) {
      if (this.refusal) {
        from.send({ refused: { code: this.refusal, text: 'not you', fatal: true } })
        return from.close()
      }
      this.attached.add(from)
      const time = Date.now() + this.skew
      const { lease } = this
      void Promise.all(mesh.advertised.map((node) => node.record())).then((nodes) =>
        from.send({ welcome: { version: 1, lease, time, observed: '/ip4/1.2.3.4', ice: [], nodes } }),
      )
    } else if ('join' in message) {
      const { room } = PresenceRecord.peek(message.join.record)
      const first = mesh.join(message.join.record)
      if (first || !this.#serves(from, room)) this.snapshot(from, room)
    } else if ('resync' in message) {
      this.snapshot(from, message.resync.room)
    } else if ('leave' in message) {
      mesh.leave(message.leave.record)
    } else if ('bye' in message) {
      this.ended(from)
      from.close()
    } else if ('carry' in message) {
      if (this.drops === true || this.drops === from.peerId) return
      const { to, parcel } = message.carry
      if (mesh.deliver(to, { carry: { ...message.carry, via: [] } })) return
      const id = 'envelope' in parcel ? mesh.envelopeId(parcel.envelope) : new Uint8Array(16)
      from.send({ undelivered: { id, to, code: 'not-attached' } })
    } else if ('provide' in message) {
      mesh.join(message.provide.record)
      from.send({ done: { id: message.provide.id } })
    } else if ('locate' in message) {
      const records = mesh.records(`/cid/${message.locate.cid}`, from.peerId)
      from.send({ providers: { id: message.locate.id, records, last: true } })
    }
  }

  readonly #served = new WeakMap<Attached, Set<string>>()

  #serves(to: Attached, room: string): boolean {
    return this.#served.get(to)?.has(room) ?? false
  }

  snapshot(to: Attached, room: string): void {
    this.#served.set(to, (this.#served.get(to) ?? new Set()).add(room))
    const records = this.denies ? [] : this.mesh.records(room, to.peerId)
    to.send({ snapshot: { room, records, size: records.length + 1 } })
  }

  /** Tells all peers here of a change in a room. */
  tell(room: string, change: Partial<{ records: Uint8Array[]; gone: string[]; leaves: Uint8Array[] }>): void {
    const empty = { records: [], gone: [], leaves: [] }
    const size = this.mesh.records(room, '').length
    for (const attached of this.attached) {
      if (this.#serves(attached, room)) attached.send({ presence: { room, ...empty, ...change, size } })
    }
  }
}

/** All nodes know at once what one of them knows. */
export class FakeMesh {
  readonly nodes: FakeNode[] = []
  /** Nodes that `welcome` names. */
  advertised: FakeNode[] = []
  /** Envelopes' outsides that were delivered, for tests that count. */
  delivered = 0
  /** Every dial, by host. */
  readonly dials: string[] = []
  readonly #records = new Map<string, Map<string, Uint8Array>>()

  constructor(readonly network = 'test') {}

  async add(host: string): Promise<FakeNode> {
    const node = new FakeNode(this, new Identity(await (await loadSuite()).signingKey()), host)
    this.nodes.push(node)
    return node
  }

  records(room: string, besides: string): Uint8Array[] {
    return [...(this.#records.get(room) ?? [])].filter(([peer]) => peer !== besides).map(([, bytes]) => bytes)
  }

  /** Whether the peer is new in the room. */
  join(bytes: Uint8Array): boolean {
    const { room, peer } = PresenceRecord.peek(bytes)
    const members = this.#records.get(room) ?? new Map<string, Uint8Array>()
    this.#records.set(room, members)
    if (members.get(peer)?.join() === bytes.join()) return false
    const first = !members.has(peer)
    members.set(peer, bytes)
    for (const node of this.nodes) node.tell(room, { records: [bytes] })
    return first
  }

  leave(bytes: Uint8Array): void {
    const { room, peer } = Leave.peek(bytes)
    if (!this.#records.get(room)?.delete(peer)) return
    for (const node of this.nodes) node.tell(room, { leaves: [bytes] })
  }

  /** A peer whose last attachment ended is gone from all rooms. */
  detached(_node: FakeNode, peer: string): void {
    const attached = this.nodes.some((node) => [...node.attached].some(({ peerId }) => peerId === peer))
    if (attached) return
    for (const [room, members] of this.#records) {
      if (!members.delete(peer)) continue
      for (const node of this.nodes) node.tell(room, { gone: [peer] })
    }
  }

  deliver(to: string, message: FromNode): boolean {
    for (const node of this.nodes) {
      const receiver = [...node.attached].find(({ peerId }) => peerId === to)
      if (!receiver || !node.reachable) continue
      this.delivered++
      receiver.send(message)
      return true
    }
    return false
  }

  envelopeId(bytes: Uint8Array): Uint8Array {
    return Envelope.peek(bytes).id
  }

  /** A WebSocket constructor whose hosts are this mesh's nodes. */
  webSocket(): WebSocketConstructor {
    // eslint-disable-next-line @typescript-eslint/no-this-alias -- the class below has a `this` of its own
    const mesh = this
    return class {
      binaryType: BinaryType = 'arraybuffer'
      protocol = 'velox.attach.1'
      onopen: (() => void) | null = null
      onmessage: ((event: { data: ArrayBuffer }) => void) | null = null
      onclose: ((event: { code: number; reason: string }) => void) | null = null
      onerror = null
      #node: FakeNode | undefined
      #attached: Attached | undefined
      #open = true

      constructor(url: string) {
        const { hostname } = new URL(url)
        mesh.dials.push(hostname)
        this.#node = mesh.nodes.find(({ host }) => host === hostname)
        setImmediate(() => {
          if (!this.#node?.reachable) return this.#ended(1006)
          this.#attached = new Attached(
            this.#node,
            (message) => setImmediate(() => this.#open && this.onmessage?.({ data: message.slice().buffer })),
            () => setImmediate(() => this.#ended(1000)),
          )
          this.onopen?.()
        })
      }

      send(message: Uint8Array): void {
        const copy = message.slice()
        setImmediate(() => this.#node?.reachable && this.#attached?.take(copy))
      }

      close(): void {
        setImmediate(() => {
          if (this.#attached) this.#node?.ended(this.#attached)
          this.#ended(1000)
        })
      }

      #ended(code: number): void {
        if (!this.#open) return
        this.#open = false
        this.onclose?.({ code, reason: '' })
      }
    } as unknown as WebSocketConstructor
  }
}
