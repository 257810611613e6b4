/**
 * Signaling without nodes, for tests in a page: peers of one hub hand envelopes to each other in
 * the order of a delay drawn for each.
 */
import { VeloxError } from '../../src/errors.js'
import type { Incoming, Kind, Member, Signals } from '../../src/ports.js'
import { peerIdOf } from '../../src/wire/peer-id.js'

export class Hub {
  readonly #listeners = new Map<string, Set<(envelope: Incoming) => void>>()
  readonly members = new Map<string, Member>()
  /** Envelopes handed over, by kind. */
  readonly counts: Record<string, number> = {}
  /** Milliseconds that an envelope takes. */
  delay = (): number => 0

  /** A new peer: its port and its record. */
  peer(room = 'room'): Signals & { member: Member } {
    const peerId = peerIdOf(crypto.getRandomValues(new Uint8Array(32)))
    const member: Member = {
      peerId,
      room,
      key: crypto.getRandomValues(new Uint8Array(32)),
      via: [],
      metadata: undefined,
      seq: 1,
    }
    const listeners = new Set<(envelope: Incoming) => void>()
    this.#listeners.set(peerId, listeners)
    this.members.set(peerId, member)
    let seq = 0
    return {
      peerId,
      member,
      iceServers: () => [],
      onEnvelope: (listener) => {
        listeners.add(listener)
        return () => void listeners.delete(listener)
      },
      send: (to, session, kind) => this.#carry(to, { from: member, session, seq: ++seq, kind }),
    }
  }

  /** Nothing reaches this peer from now on. */
  remove(peerId: string): void {
    this.#listeners.delete(peerId)
    this.members.delete(peerId)
  }

  async #carry(to: Member, envelope: Incoming & { kind: Kind }): Promise<void> {
    const [kind] = Object.keys(envelope.kind)
    this.counts[kind] = (this.counts[kind] ?? 0) + 1
    await new Promise((resolve) => setTimeout(resolve, this.delay()))
    const listeners = this.#listeners.get(to.peerId)
    if (!listeners) throw new VeloxError('unreachable', `${to.peerId} isn't on this hub`)
    for (const listener of listeners) listener(envelope)
  }
}
