/**
 * multistream-select 1.0, lazily: what a stream is for is said together with its first bytes.
 * https://github.com/multiformats/multistream-select
 */
import { VeloxError } from '../../errors.js'
import { concat, equal, utf8 } from '../../wire/bytes.js'
import { frame, FrameDecoder } from '../../wire/frame.js'
import { DirectStream } from './stream.js'

/** Bytes of a protocol's name that are read, and names that one stream may propose. */
const MAX_NAME = 1_024
const MAX_PROPOSALS = 32
/** Streams that a node may have open here at once: more are closed unheard. */
const MAX_INCOMING = 16

const line = (text: string): Uint8Array => frame(utf8(`${text}\n`))
const HEADER = line('/multistream/1.0.0')
const NOT_AVAILABLE = line('na')

/** What proposes `protocol`, and is said again by who speaks it. */
export const proposal = (protocol: string): Uint8Array => concat(HEADER, line(protocol))

/** Takes the answer to a proposal from the beginning of a byte stream. */
export class AnswerReader {
  #left: Uint8Array

  constructor(private readonly protocol: string) {
    this.#left = proposal(protocol)
  }

  /** What lies behind the answer. Throws `unsupported` where the other end says anything else. */
  read(bytes: Uint8Array): Uint8Array {
    const count = Math.min(this.#left.length, bytes.length)
    if (!equal(bytes.subarray(0, count), this.#left.subarray(0, count))) {
      throw new VeloxError('unsupported', `the node doesn't speak ${this.protocol}`)
    }
    this.#left = this.#left.subarray(count)
    return bytes.subarray(count)
  }
}

/** A peer at the edge serves no protocol: nodes that open a stream are told so. */
export function refuseIncoming(peerConnection: RTCPeerConnection): void {
  let open = 0
  peerConnection.ondatachannel = ({ channel }) => {
    if (open >= MAX_INCOMING) return channel.close()
    open++
    const stream = new DirectStream(channel)
    stream.onEnd = () => open--
    refuse(stream)
  }
}

/** Answers `na` to whatever is proposed. */
function refuse(stream: DirectStream): void {
  const lines = new FrameDecoder(MAX_NAME)
  let count = 0
  stream.onFinish = () => stream.finish()
  stream.onBytes = (bytes) => {
    for (const name of lines.push(bytes)) {
      if (count++ > MAX_PROPOSALS) return stream.reset()
      const sent = frame(name)
      stream.send(equal(sent, HEADER) ? sent : NOT_AVAILABLE)
    }
  }
}
