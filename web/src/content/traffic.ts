/** Counts the bytes of blocks, in all and per peer. */

/** Peers that are counted by name; the longest unheard goes first. */
const PEERS = 256

export interface PeerTraffic {
  /** Bytes of blocks that came from the peer. */
  received: number
  /** Bytes of blocks that were handed to the transport for the peer. */
  sent: number
}

export interface ContentStats extends PeerTraffic {
  peers: Record<string, PeerTraffic>
  /** Bytes of blocks in memory. */
  stored: number
}

export class Traffic {
  #received = 0
  #sent = 0
  readonly #peers = new Map<string, PeerTraffic>()

  received(peerId: string, bytes: number): void {
    this.#received += bytes
    this.#peer(peerId).received += bytes
  }

  sent(peerId: string, bytes: number): void {
    this.#sent += bytes
    this.#peer(peerId).sent += bytes
  }

  stats(stored: number): ContentStats {
    const peers = Object.fromEntries([...this.#peers].map(([peerId, traffic]) => [peerId, { ...traffic }]))
    return { received: this.#received, sent: this.#sent, peers, stored }
  }

  #peer(peerId: string): PeerTraffic {
    const peer = this.#peers.get(peerId) ?? { received: 0, sent: 0 }
    this.#peers.delete(peerId)
    this.#peers.set(peerId, peer)
    for (const oldest of this.#peers.keys()) {
      if (this.#peers.size <= PEERS) break
      this.#peers.delete(oldest)
    }
    return peer
  }
}
