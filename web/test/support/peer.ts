/** A peer without sessions: attachments, presence, locator and signaling as `Velox` wires them. */
import { WebSocket } from 'ws'
import { Attachments } from '../../src/attach/attachments.js'
import type { WebSocketConstructor } from '../../src/attach/websocket.js'
import { loadSuite } from '../../src/crypto/suite.js'
import { LocalPeer } from '../../src/local-peer.js'
import type { Incoming, PresenceChange } from '../../src/ports.js'
import { NodeLocator } from '../../src/presence/locator.js'
import { Rooms } from '../../src/presence/presence.js'
import { NodeSignals } from '../../src/signaling/signals.js'

export class TestPeer {
  readonly attachments: Attachments
  readonly rooms: Rooms
  readonly locator: NodeLocator
  readonly signals: NodeSignals
  readonly envelopes: Incoming[] = []
  readonly changes: PresenceChange[] = []

  constructor(
    readonly self: LocalPeer,
    nodes: string[],
    webSocket: WebSocketConstructor = WebSocket as unknown as WebSocketConstructor,
  ) {
    this.attachments = new Attachments(self, { nodes, agent: 'test', webSocket })
    this.rooms = new Rooms(self, this.attachments)
    this.locator = new NodeLocator(self, this.attachments)
    this.signals = new NodeSignals(self, this.attachments, this.rooms, () => [])
    this.signals.onEnvelope((envelope) => this.envelopes.push(envelope))
  }

  static async start(network: string, nodes: string[], socket?: WebSocketConstructor): Promise<TestPeer> {
    const suite = await loadSuite()
    const self = await LocalPeer.start(network, suite, await suite.signingKey())
    const peer = new TestPeer(self, nodes, socket)
    await Promise.all([peer.attachments.first(10_000), peer.attachments.start()])
    return peer
  }

  get peerId(): string {
    return this.self.peerId
  }

  async join(room: string, metadata?: unknown): Promise<void> {
    this.rooms.onChange(room, (change) => this.changes.push(change))
    await this.rooms.join(room, metadata)
  }

  stop(): void {
    this.signals.stop()
    this.locator.stop()
    this.rooms.stop()
    this.attachments.stop()
  }
}
