/** As much of protobuf as libp2p's small messages need. */

/**
 * A message's fields, the last of each number: varints of up to 28 bits and length-delimited
 * fields. Undefined where there are others, or where it can't be read to its end.
 */
export function fieldsOf(message: Uint8Array): Map<number, number | Uint8Array> | undefined {
  const fields = new Map<number, number | Uint8Array>()
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = message[at++]
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    return Infinity
  }
  while (at < message.length) {
    const tag = varint()
    const number = varint()
    const delimited = (tag & 7) === 2
    const from = at
    if (delimited) at += number
    // A byte beyond the end makes a varint infinite.
    if (!(delimited || (tag & 7) === 0) || !(at <= message.length) || number === Infinity) {
      return undefined
    }
    fields.set(tag >> 3, delimited ? message.slice(from, at) : number)
  }
  return fields
}
