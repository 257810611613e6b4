/**
 * A body, its signer and its signature: on the wire the list `[body, signature]` of two byte
 * strings, the signature over `<domain> 0x00 <body>`.
 */
import { VeloxError } from '../errors.js'
import { concat, utf8 } from './bytes.js'
import { decode, encode } from './cbor.js'
import { peerIdToBytes, publicKeyOf } from './peer-id.js'
import { bytes, list, Message, type Codec } from './schema.js'

/** Who can sign: crypto/identity.ts. */
export interface Signer {
  readonly peerId: string
  sign(message: Uint8Array): Promise<Uint8Array>
}

/** Whether `signature` is the Ed25519 `publicKey`'s over `message`. */
export type Verify = (
  publicKey: Uint8Array,
  signature: Uint8Array,
  message: Uint8Array,
) => Promise<boolean>

declare const verified: unique symbol

/** A message whose signature was made or verified here: there is no other way to have one. */
export interface Signed<T> {
  readonly [verified]: true
  readonly body: T
  /** The message as it goes over the wire. */
  readonly bytes: Uint8Array
}

export class SignedType<T> {
  readonly #body: Message<T>

  constructor(
    readonly what: string,
    private readonly domain: string,
    private readonly max: number,
    codec: Codec<T>,
    private readonly signerOf: (body: T) => string,
  ) {
    this.#body = new Message(what, max, codec)
  }

  /** Signs `body`, which must name `signer` as its signer. */
  async sign(signer: Signer, body: T): Promise<Signed<T>> {
    const encoded = this.#body.encode(body)
    return brand(body, encode([encoded, await signer.sign(this.#message(encoded))]))
  }

  /** Decodes and verifies a signed message; rejects with `malformed`, or with `denied` a forgery. */
  async verify(verify: Verify, message: Uint8Array): Promise<Signed<T>> {
    const [encoded, signature] = this.#outer(message)
    const body = this.#body.decode(encoded)
    const signer = this.signerOf(body)
    const key = publicKeyOf(peerIdToBytes(signer))
    if (!key) {
      throw new VeloxError('denied', `${this.what}: signer ${signer} isn't the PeerId of an Ed25519 key`)
    }
    if (!(await verify(key, signature, this.#message(encoded)))) {
      throw new VeloxError('denied', `${this.what}: the signature isn't ${signer}'s`)
    }
    return brand(body, message)
  }

  /** Decodes a signed message without looking at the signature. */
  peek(message: Uint8Array): T {
    return this.#body.decode(this.#outer(message)[0])
  }

  #outer(message: Uint8Array): Uint8Array[] {
    const parts = list(bytes(0, this.max), 2).read(decode(this.what, message, this.max), this.what)
    bytes(64).read(parts[1], `${this.what}: signature`)
    return parts
  }

  #message(encoded: Uint8Array): Uint8Array {
    return concat(utf8(this.domain), new Uint8Array(1), encoded)
  }
}

const brand = <T>(body: T, message: Uint8Array): Signed<T> => ({ body, bytes: message }) as Signed<T>
