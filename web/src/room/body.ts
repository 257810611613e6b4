/** What a message may carry, and how it looks on the way: JSON text, bytes, or a Blob. */
import { VeloxError } from '../errors.js'
import { fromUtf8, utf8 } from '../wire/bytes.js'
import { BODY } from './limits.js'

/** A body as it is sent: bytes, or a Blob that is read while it's sent. */
export interface Packed {
  readonly format: 'json' | 'bytes' | 'blob'
  readonly mime?: string
  readonly size: number
  readonly content: Uint8Array | Blob
}

/** Throws `malformed` where the body is nothing that can be sent, `too-large` past 64 MiB. */
export function pack(body: unknown): Packed {
  const packed = packAny(body)
  if (packed.size > BODY) {
    throw new VeloxError('too-large', `a message has up to ${BODY} bytes, this has ${packed.size}: put it and send its CID`)
  }
  return packed
}

function packAny(body: unknown): Packed {
  if (body instanceof Blob) {
    return { format: 'blob', mime: body.type.slice(0, 128), size: body.size, content: body }
  }
  if (body instanceof ArrayBuffer || ArrayBuffer.isView(body)) {
    const bytes =
      body instanceof ArrayBuffer ? new Uint8Array(body) : new Uint8Array(body.buffer, body.byteOffset, body.byteLength)
    return { format: 'bytes', size: bytes.length, content: bytes }
  }
  let text: string | undefined
  try {
    text = JSON.stringify(body ?? null)
  } catch (error) {
    throw new VeloxError('malformed', 'the body is no JSON value, Blob or bytes', { cause: error })
  }
  if (text === undefined) throw new VeloxError('malformed', 'the body is no JSON value, Blob or bytes')
  const content = utf8(text)
  return { format: 'json', size: content.length, content }
}

/** The body for the application. Throws `malformed` where it isn't what its format says. */
export function unpack(format: string, mime: string | undefined, parts: Uint8Array[]): unknown {
  const [first] = parts
  if (format === 'blob') return new Blob(parts as Uint8Array<ArrayBuffer>[], { type: mime ?? '' })
  const bytes = parts.length === 1 ? first : join(parts)
  if (format === 'bytes') return bytes
  if (format !== 'json') throw new VeloxError('malformed', 'body-format')
  try {
    return JSON.parse(fromUtf8(bytes)) as unknown
  } catch {
    throw new VeloxError('malformed', 'body-json')
  }
}

function join(parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
