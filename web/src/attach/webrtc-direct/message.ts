/** What a data channel carries: protobuf messages of a flag and bytes, each after its length. */
import { concat } from '../../wire/bytes.js'
import { malformed } from '../../wire/cbor.js'
import { frame } from '../../wire/frame.js'
import { fieldsOf } from '../../wire/protobuf.js'

/** Bytes of a message with its length: what every browser takes. */
export const MAX_MESSAGE = 16_384
/** Bytes in one message that leaves: MAX_MESSAGE less two lengths of 2 bytes and a tag. */
export const MAX_PAYLOAD = MAX_MESSAGE - 5

/** The writer writes no more. */
export const FIN = 0
/** The reader reads no more. */
export const STOP_SENDING = 1
/** The writer gives up; what it wrote may be lost. */
export const RESET = 2
/** All that came before the FIN has been received. */
export const FIN_ACK = 3

/** A flag, framed. */
export const flagMessage = (flag: number): Uint8Array => Uint8Array.of(2, 8, flag)

/** At most MAX_PAYLOAD bytes, framed. */
export function dataMessage(bytes: Uint8Array): Uint8Array {
  // A length-delimited field is a frame after its tag.
  return frame(concat(Uint8Array.of(18), frame(bytes)))
}

export interface StreamMessage {
  flag?: number
  data?: Uint8Array
}

/** A message without its length; throws `malformed`. */
export function readMessage(message: Uint8Array): StreamMessage {
  const fields = fieldsOf(message)
  const flag = fields?.get(1)
  const data = fields?.get(2)
  if (!fields || flag instanceof Uint8Array || typeof data === 'number') {
    throw malformed('stream message', "isn't a flag and bytes")
  }
  return { flag, data }
}
