/**
 * The seams between the client's folders: what `session`, `room` and `content` need of
 * `signaling` and `presence`, and nothing more. Tests put their own behind these.
 */

/** A verified presence record, as the rest of the client sees it. */
export interface Member {
  /** Base58 text of the PeerId. */
  readonly peerId: string
  /** The room, or `/cid/<cid>` for a provider of a resource. */
  readonly room: string
  /** X25519 public key that envelopes are sealed to: 32 bytes. */
  readonly key: Uint8Array
  /** Nodes the peer is attached to, base58, primary first. */
  readonly via: readonly string[]
  /** What the peer's page passed to `join`; undefined where it passed nothing. */
  readonly metadata: unknown
  readonly seq: number
}

export interface Candidate {
  candidate: string
  mid?: string
  line?: number
}

/** What an envelope says (wire/envelope.rs `Kind`, without `ack`, which signaling keeps to itself). */
export type Kind =
  | { offer: string }
  | { answer: string }
  | { candidates: Candidate[] }
  | { renegotiate: string }
  | { bye: string }
  | { message: Uint8Array }

/** An envelope that was opened, verified and is no duplicate. */
export interface Incoming {
  /** The sender's verified presence, from the envelope's own record or from presence. */
  readonly from: Member
  /** 16 bytes. */
  readonly session: Uint8Array
  readonly seq: number
  readonly kind: Kind
}

export interface Signals {
  /** This peer's PeerId. */
  readonly peerId: string
  /**
   * Sends one envelope and resolves when the receiver's sealed ack has come. Rejects with
   * VeloxError `unreachable` (within 3 s), or `closed`. The own presence record goes along
   * with offers. Envelopes to one peer in one session leave in the order of the calls.
   */
  send(to: Member, session: Uint8Array, kind: Kind): Promise<void>
  /** Returns its undo. */
  onEnvelope(listener: (envelope: Incoming) => void): () => void
  /** ICE servers that the nodes offered, for the first RTCConfiguration. */
  iceServers(): RTCIceServer[]
}

/**
 * A change of a room's presence. `snapshot` says that the member was here before us; `faded` that
 * no node shows it any more, in a room too large for all to be shown: it may be here still.
 */
export type PresenceChange =
  | { type: 'join'; member: Member; snapshot: boolean }
  | { type: 'update'; member: Member }
  | { type: 'leave'; member: Member; faded?: boolean }

export interface Presence {
  join(room: string, metadata: unknown): Promise<void>
  leave(room: string): Promise<void>
  members(room: string): ReadonlyMap<string, Member>
  /** Members known to the network, self included. */
  size(room: string): number
  onChange(room: string, listener: (change: PresenceChange) => void): () => void
}

export interface Locator {
  /** Announces that this peer provides the resource, until `unprovide` or the end. */
  provide(cid: string): Promise<void>
  unprovide(cid: string): Promise<void>
  /** Yields providers as nodes find them; ends when the nodes have no more. */
  locate(cid: string, signal?: AbortSignal): AsyncIterable<Member>
}
