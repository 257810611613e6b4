/**
 * What a message may look like. A `Codec` turns a decoded DAG-CBOR value into the client's type
 * and back; whatever doesn't fit is refused with the field's name.
 */
import { utf8 } from './bytes.js'
import { decode, encode, malformed } from './cbor.js'
import { peerIdFromBytes, peerIdToBytes } from './peer-id.js'

export interface Codec<T> {
  /** `at` names the field in errors. */
  read(value: unknown, at: string): T
  write(value: T): unknown
  readonly optional?: true
}

export type Of<C> = C extends Codec<infer T> ? T : never

type Shape = Record<string, Codec<unknown>>
type OptionalKeys<S extends Shape> = {
  [K in keyof S]: S[K] extends { readonly optional: true } ? K : never
}[keyof S]
type Struct<S extends Shape> = { [K in Exclude<keyof S, OptionalKeys<S>>]: Of<S[K]> } & {
  [K in OptionalKeys<S>]?: Of<S[K]>
}
/** Exactly one of the names, with its body. */
export type Union<S extends Shape> = {
  [K in keyof S]: { [N in K]: Of<S[N]> }
}[keyof S]

/** A codec of values that are on the wire what they are in memory. */
function plain<T>(check: (value: unknown) => value is T, expected: string): Codec<T> {
  return {
    read: (value, at) => {
      if (!check(value)) throw malformed(at, `isn't ${expected}`)
      return value
    },
    write: (value) => value,
  }
}

/** An unsigned integer up to 2^53. */
export const integer = plain(
  (value): value is number => typeof value === 'number',
  'an integer below 2^53',
)
/** An unsigned integer of 64 bits that the other side chose and that is only repeated. */
export const token = plain(
  (value): value is number | bigint => typeof value === 'number' || typeof value === 'bigint',
  'an integer',
)
export const bool = plain((value): value is boolean => typeof value === 'boolean', 'a boolean')
export const text = plain((value): value is string => typeof value === 'string', 'a text')

/** A text of 1 to `max` UTF-8 bytes without control characters. */
export const name = (max: number): Codec<string> =>
  plain(
    (value): value is string => typeof value === 'string' && isName(value, max),
    `a name of 1 to ${max} bytes without control characters`,
  )

export const isName = (value: string, max: number): boolean => {
  const length = utf8(value).length
  return length > 0 && length <= max && !/\p{Cc}/u.test(value)
}

/** A byte string of `min` to `max` bytes; of exactly `min` where only that is given. */
export const bytes = (min: number, max = min): Codec<Uint8Array> =>
  plain(
    (value): value is Uint8Array =>
      value instanceof Uint8Array && value.length >= min && value.length <= max,
    min === max ? `a byte string of ${min} bytes` : `a byte string of ${min} to ${max} bytes`,
  )

/** Version 1, and no other. */
export const version: Codec<1> = {
  read: (value, at) => {
    if (value !== 1) throw malformed(at, `has the unknown version ${String(value)}: this build speaks version 1`)
    return value
  },
  write: (value) => value,
}

/** A PeerId: base58 text here, bytes on the wire. */
export const peer: Codec<string> = {
  read: (value, at) => {
    const id = value instanceof Uint8Array && peerIdFromBytes(value)
    if (!id) throw malformed(at, "isn't a PeerId")
    return id
  },
  write: peerIdToBytes,
}

export const optional = <T>(codec: Codec<T>): Codec<T> & { readonly optional: true } => ({
  ...codec,
  optional: true,
})

export const list = <T>(item: Codec<T>, max = Infinity): Codec<T[]> => ({
  read: (value, at) => {
    if (!Array.isArray(value)) throw malformed(at, "isn't a list")
    if (value.length > max) throw malformed(at, `lists more than ${max}`)
    return value.map((entry) => item.read(entry, at))
  },
  write: (value) => value.map((entry) => item.write(entry)),
})

function entries(value: unknown, at: string): [string, unknown][] {
  if (typeof value !== 'object' || !value || Array.isArray(value) || value instanceof Uint8Array) {
    throw malformed(at, "isn't a map")
  }
  return Object.entries(value)
}

/** A map with exactly these fields, those marked `optional` excepted. */
export const struct = <S extends Shape>(fields: S): Codec<Struct<S>> => ({
  read: (value, at) => {
    const given = entries(value, at)
    for (const [key] of given) {
      if (!Object.hasOwn(fields, key)) throw malformed(at, `has the unknown field ${key}`)
    }
    const out: Record<string, unknown> = {}
    const source = value as Record<string, unknown>
    for (const [key, codec] of Object.entries(fields)) {
      if (source[key] !== undefined) out[key] = codec.read(source[key], `${at}: ${key}`)
      else if (!codec.optional) throw malformed(at, `lacks the field ${key}`)
    }
    return out as Struct<S>
  },
  write: (value) =>
    Object.fromEntries(
      Object.entries(fields).map(([key, codec]) => {
        const field = (value as Record<string, unknown>)[key]
        return [key, field === undefined ? undefined : codec.write(field)]
      }),
    ),
})

/** A map with one key, the variant's name. */
export const union = <S extends Shape>(variants: S): Codec<Union<S>> => ({
  read: (value, at) => {
    const [[variant, body] = ['nothing', null], more] = entries(value, at)
    if (more || !Object.hasOwn(variants, variant)) throw malformed(at, `has the unknown variant ${variant}`)
    return { [variant]: variants[variant].read(body, `${at}: ${variant}`) } as Union<S>
  },
  write: (value) => {
    const [[variant, body]] = Object.entries(value)
    return { [variant]: variants[variant].write(body) }
  },
})

/** A message type: its name in errors, its longest encoding, its shape. */
export class Message<T> {
  constructor(
    readonly what: string,
    readonly max: number,
    private readonly codec: Codec<T>,
  ) {}

  encode(value: T): Uint8Array {
    return encode(this.codec.write(value))
  }

  decode(encoded: Uint8Array): T {
    return this.codec.read(decode(this.what, encoded, this.max), this.what)
  }
}

export type BodyOf<M> = M extends Message<infer T> ? T : never
