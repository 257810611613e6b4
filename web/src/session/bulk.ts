/**
 * Bulk channels: one-way, ordered, made by the sender when it needs one. What they carry is their
 * label's business; here are the cutting into messages and the back-pressure.
 */
import { VeloxError } from '../errors.js'
import { BULK_BUFFERED, BULK_MESSAGE, BULK_MESSAGE_MAX, BULK_MESSAGE_MIN } from './limits.js'

/** The message size for a connection: what both sides take, within our own bounds. */
export function messageSize(pc: RTCPeerConnection): number {
  const theirs = pc.sctp?.maxMessageSize
  const both = Math.min(theirs || BULK_MESSAGE_MIN, BULK_MESSAGE_MAX)
  return Math.max(BULK_MESSAGE_MIN, Math.min(both, BULK_MESSAGE))
}

/** Resolves when at most `bound` bytes are queued; rejects `closed`. */
export async function drained(channel: RTCDataChannel, bound: number): Promise<void> {
  while (channel.readyState === 'connecting' || channel.bufferedAmount > bound) {
    if (channel.readyState === 'closing' || channel.readyState === 'closed') break
    channel.bufferedAmountLowThreshold = Math.floor(bound / 2)
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        for (const event of ['open', 'bufferedamountlow', 'close']) channel.removeEventListener(event, wake)
        resolve()
      }
      for (const event of ['open', 'bufferedamountlow', 'close']) channel.addEventListener(event, wake)
    })
  }
  if (channel.readyState !== 'open') throw new VeloxError('closed', 'the session ended while sending: try again')
}

export class BulkSender {
  constructor(
    readonly channel: RTCDataChannel,
    /** Bytes of one message. */
    readonly size: number,
  ) {}

  /** Sends one message of its own, which must fit. Resolves when it's handed over. */
  async message(bytes: Uint8Array): Promise<void> {
    if (!this.#ready) await drained(this.channel, BULK_BUFFERED)
    this.channel.send(bytes as Uint8Array<ArrayBuffer>)
  }

  /** Sends bytes, cut into messages. Resolves when all are handed to the transport. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += this.size) {
      await this.message(bytes.subarray(at, at + this.size))
    }
  }

  close(): void {
    this.channel.close()
  }

  get #ready(): boolean {
    return this.channel.readyState === 'open' && this.channel.bufferedAmount <= BULK_BUFFERED
  }
}
