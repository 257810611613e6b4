/** What presence, signaling and the locator see of attachments. */
import type { FromNode, FromPeer } from '../wire/attach.js'

/** A tie to one node. */
export interface Link {
  readonly node: string
  send(message: FromPeer): void
}

export interface Links {
  /** In rank order: the first is the primary. */
  list(): readonly Link[]
  /** The network's time, in ms since the epoch. */
  now(): number
  /** Called when a link has come or gone, or the rank has changed. Returns its undo. */
  onChange(listener: () => void): () => void
  /** Called with all that nodes say, attachment matters excepted. Returns its undo. */
  onMessage(listener: (message: FromNode, link: Link) => void): () => void
  /**
   * Called now and then while this peer isn't paused: every 2 s, and in a hidden page when a node
   * pings. Periodic work is done then, and needs no timer of its own. Returns its undo.
   */
  onTick(listener: () => void): () => void
  /** This link loses envelopes: put another in its place, where there is one. */
  replace(link: Link): void
}
