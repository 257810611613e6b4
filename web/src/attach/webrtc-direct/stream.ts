/**
 * One data channel as one libp2p stream: each half closes by itself, and either end may reset it.
 * https://github.com/libp2p/specs/blob/master/webrtc/README.md
 */
import { FrameDecoder } from '../../wire/frame.js'
import * as message from './message.js'

export class DirectStream {
  onBytes: (bytes: Uint8Array) => void = () => {}
  /** The other end has written its last; it may read on. */
  onFinish: () => void = () => {}
  /** Called once: it was reset or cut off, or both halves are closed. Not after `reset`. */
  onEnd: (reason: string) => void = () => {}
  readonly #frames = new FrameDecoder(message.MAX_MESSAGE)
  /** Whether this end still writes, and whether the other one does. */
  #writing = true
  #reading = true
  #acknowledged = false
  #ended = false

  constructor(readonly channel: RTCDataChannel) {
    channel.binaryType = 'arraybuffer'
    channel.onmessage = ({ data }) => this.#receive(data)
    channel.onclose = () => this.#end('the connection was closed')
  }

  /** Writes, unless this half is closed. The channel must be open. */
  send(bytes: Uint8Array): void {
    for (let at = 0; this.#writing && at < bytes.length; at += message.MAX_PAYLOAD) {
      this.#put(message.dataMessage(bytes.subarray(at, at + message.MAX_PAYLOAD)))
    }
  }

  /** Closes this end's half: what was written arrives. */
  finish(): void {
    if (!this.#writing) return
    this.#writing = false
    this.#put(message.flagMessage(message.FIN))
  }

  /** Gives up both halves. */
  reset(): void {
    this.#ended = true
    this.#writing = false
    this.#put(message.flagMessage(message.RESET))
    this.#put(message.flagMessage(message.STOP_SENDING))
    this.channel.close()
  }

  #put(bytes: Uint8Array): void {
    try {
      this.channel.send(bytes as Uint8Array<ArrayBuffer>)
    } catch {
      // Closed, or nobody has read for 16 MiB.
      this.#end('nothing can be written any more')
    }
  }

  #receive(data: unknown): void {
    if (this.#ended || !(data instanceof ArrayBuffer)) return
    try {
      for (const each of this.#frames.push(new Uint8Array(data))) this.#take(message.readMessage(each))
    } catch (error) {
      const { onEnd } = this
      this.reset()
      onEnd((error as Error).message)
    }
  }

  #take({ flag, data }: message.StreamMessage): void {
    if (this.#ended) return
    if (data?.length && this.#reading) this.onBytes(data)
    if (flag === message.FIN) {
      this.#put(message.flagMessage(message.FIN_ACK))
      if (this.#reading) {
        this.#reading = false
        this.onFinish()
      }
    } else if (flag === message.RESET) this.#end('reset by the other end')
    else if (flag === message.STOP_SENDING) this.#writing = false
    else if (flag === message.FIN_ACK) this.#acknowledged = !this.#writing
    if (this.#acknowledged && !this.#reading) this.#end('closed')
  }

  #end(reason: string): void {
    if (this.#ended) return
    this.#ended = true
    this.#writing = false
    this.channel.close()
    this.onEnd(reason)
  }
}
