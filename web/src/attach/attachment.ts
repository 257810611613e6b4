/** One attachment: hello and welcome, messages as frames, fragments, pings. */
import { VeloxError } from '../errors.js'
import { FromNode, FromPeer, type Fragment, type Welcome } from '../wire/attach.js'
import { concat } from '../wire/bytes.js'
import { malformed } from '../wire/cbor.js'
import { frame, FrameDecoder } from '../wire/frame.js'
import * as limits from '../wire/limits.js'
import type { Carrier } from './carrier.js'
import type { Link } from './links.js'

/** Larger messages that a node may have begun and not ended. */
const MAX_OPEN_FRAGMENTS = 16

export interface Hello {
  network: string
  agent: string
  token?: string
}

export class Attachment implements Link {
  readonly node: string
  welcome!: Welcome
  /** Milliseconds: the shortest round trip seen. */
  rtt: number
  /** When the last byte came, by `Date.now()`. */
  heard = Date.now()
  /** The node's clock less this one's, ms. */
  clockOffset = 0
  /** Set by the owner. */
  onMessage: (message: FromNode) => void = () => {}
  /** Set by the owner: called once, when the other side or the carrier ended it. */
  onEnd: (reason: string) => void = () => {}
  #frames = new FrameDecoder(limits.ATTACH_FRAME)
  #partial = new Map<number | bigint, Uint8Array[]>()
  #fragments = 0
  #ended = false

  private constructor(
    readonly carrier: Carrier,
    /** Where it was dialed. */
    readonly address: string,
  ) {
    this.node = carrier.node
    this.rtt = carrier.rtt
  }

  /**
   * Says hello and waits for the welcome. Rejects with `denied` and the node's own words where it
   * refuses, and with `unreachable` where it hangs up or `signal` aborts.
   */
  static open(
    carrier: Carrier,
    address: string,
    hello: Hello,
    signal: AbortSignal,
  ): Promise<Attachment> {
    return new Promise((resolve, reject) => {
      const attachment = new Attachment(carrier, address)
      const sent = performance.now()
      let refusal: VeloxError | undefined
      attachment.onMessage = (message) => {
        if ('welcome' in message) {
          attachment.rtt = Math.min(attachment.rtt, performance.now() - sent)
          attachment.clockOffset = message.welcome.time + attachment.rtt / 2 - Date.now()
          resolve(attachment)
        } else if ('refused' in message) {
          const { code, text } = message.refused
          refusal = new VeloxError(code === 'quota' ? 'quota' : 'denied', text)
        }
      }
      attachment.onEnd = (reason) => reject(refusal ?? new VeloxError('unreachable', reason))
      signal.addEventListener('abort', () => {
        if (attachment.welcome) return
        attachment.close()
        reject(signal.reason as Error)
      })
      carrier.onBytes = (bytes) => attachment.#read(bytes)
      carrier.onClose = (reason) => attachment.#end(reason)
      attachment.send({ hello: { versions: [1], ...hello } })
    })
  }

  send(message: FromPeer): void {
    if (this.#ended) return
    const encoded = FromPeer.encode(message)
    if (encoded.length <= limits.FRAGMENT) return this.carrier.send(frame(encoded))
    const id = this.#fragments++
    for (let at = 0; at < encoded.length; at += limits.FRAGMENT) {
      const end = at + limits.FRAGMENT
      const data = encoded.subarray(at, end)
      const fragment = { id, last: end >= encoded.length, data }
      this.carrier.send(frame(FromPeer.encode({ fragment })))
    }
  }

  /** Says good-bye and hangs up; `onEnd` isn't called. */
  close(): void {
    if (this.#ended) return
    this.send({ bye: {} })
    this.#ended = true
    this.carrier.close()
  }

  #read(bytes: Uint8Array): void {
    this.heard = Date.now()
    try {
      for (const encoded of this.#frames.push(bytes)) {
        if (this.#ended) return
        this.#take(FromNode.decode(encoded))
      }
    } catch (error) {
      // A node that can't be understood, or that is hostile: the next one, please.
      this.carrier.close()
      this.#end((error as Error).message)
    }
  }

  #take(message: FromNode): void {
    if ('ping' in message) this.send({ pong: message.ping })
    // It comes again, with credentials for ICE servers that hold.
    if ('welcome' in message) this.welcome = message.welcome
    if (!('fragment' in message)) return this.onMessage(message)
    const whole = this.#join(message.fragment)
    if (!whole) return
    const joined = FromNode.decode(whole)
    if ('fragment' in joined) throw malformed('fragment', 'lies inside fragments')
    this.#take(joined)
  }

  /** The message that a fragment completes. */
  #join({ id, last, data }: Fragment): Uint8Array | undefined {
    const parts = this.#partial.get(id) ?? []
    parts.push(data)
    this.#partial.set(id, parts)
    const length = parts.reduce((sum, part) => sum + part.length, 0)
    if (length > limits.MESSAGE || this.#partial.size > MAX_OPEN_FRAGMENTS) {
      throw malformed('fragment', 'is of a message that is too large, or of too many')
    }
    if (!last) return undefined
    this.#partial.delete(id)
    return concat(...parts)
  }

  #end(reason: string): void {
    if (this.#ended) return
    this.#ended = true
    this.onEnd(reason)
  }
}
