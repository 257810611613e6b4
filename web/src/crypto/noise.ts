/**
 * The Noise protocol (revision 34), of which this client speaks one:
 * Noise_XX_25519_ChaChaPoly_SHA256, in both roles.
 */
import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import { concat, utf8 } from '../wire/bytes.js'
import type { AgreementKey, Suite } from './suite.js'

/** Exactly 32 bytes long, so that it is the first handshake hash as it is. */
const NAME = utf8('Noise_XX_25519_ChaChaPoly_SHA256')
/** What XX's three messages carry, by turns of the initiator and the responder. */
const PATTERN = [['e'], ['e', 'ee', 's', 'es'], ['s', 'se']]
const KEY = 32
const TAG = 16

/** One direction's key and nonce. */
export class Cipher {
  #nonce = 0

  constructor(private readonly key: Uint8Array) {}

  encrypt(plaintext: Uint8Array, associatedData?: Uint8Array): Uint8Array {
    return chacha20poly1305(this.key, this.#next(), associatedData).encrypt(plaintext)
  }

  /** Throws where the ciphertext or the associated data were altered. */
  decrypt(ciphertext: Uint8Array, associatedData?: Uint8Array): Uint8Array {
    return chacha20poly1305(this.key, this.#next(), associatedData).decrypt(ciphertext)
  }

  /** 4 zero bytes and the counter, little-endian. A safe integer never wraps: 2^53 messages. */
  #next(): Uint8Array {
    const nonce = new Uint8Array(12)
    new DataView(nonce.buffer).setBigUint64(4, BigInt(this.#nonce++), true)
    return nonce
  }
}

export interface Keys {
  initiator: boolean
  staticKey: AgreementKey
  /** Fresh for every handshake. */
  ephemeral: AgreementKey
  prologue: Uint8Array
}

/** A handshake: `write` and `read` by turns, three in all, then `finish`. */
export class Handshake {
  /** The other side's static key, once a message has brought it. */
  remoteStatic: Uint8Array = new Uint8Array()
  #remoteEphemeral: Uint8Array = new Uint8Array()
  #hash = NAME
  #chainingKey = NAME
  #cipher: Cipher | undefined
  #turn = 0

  private constructor(
    private readonly suite: Suite,
    private readonly keys: Keys,
  ) {}

  static async begin(suite: Suite, keys: Keys): Promise<Handshake> {
    const handshake = new Handshake(suite, keys)
    await handshake.#mixHash(keys.prologue)
    return handshake
  }

  /** The next message of this side. */
  async write(payload: Uint8Array): Promise<Uint8Array> {
    const parts: Uint8Array[] = []
    for (const token of PATTERN[this.#turn++]) {
      if (token === 'e') {
        parts.push(this.keys.ephemeral.publicKey)
        await this.#mixHash(this.keys.ephemeral.publicKey)
      } else if (token === 's') {
        parts.push(await this.#encrypt(this.keys.staticKey.publicKey))
      } else {
        await this.#mixAgreement(token)
      }
    }
    parts.push(await this.#encrypt(payload))
    return concat(...parts)
  }

  /** The payload of the other side's next message; rejects where the message was altered. */
  async read(message: Uint8Array): Promise<Uint8Array> {
    let rest = message
    const take = (count: number): Uint8Array => {
      if (rest.length < count) throw new RangeError('a Noise handshake message ends early')
      const taken = rest.slice(0, count)
      rest = rest.subarray(count)
      return taken
    }
    for (const token of PATTERN[this.#turn++]) {
      if (token === 'e') {
        this.#remoteEphemeral = take(KEY)
        await this.#mixHash(this.#remoteEphemeral)
      } else if (token === 's') {
        this.remoteStatic = await this.#decrypt(take(this.#cipher ? KEY + TAG : KEY))
      } else {
        await this.#mixAgreement(token)
      }
    }
    return this.#decrypt(rest)
  }

  /** The transport's two ciphers and the handshake hash, after the third message. */
  async finish(): Promise<{ send: Cipher; receive: Cipher; hash: Uint8Array }> {
    const [first, second] = await this.#derive(new Uint8Array())
    const [send, receive] = this.keys.initiator ? [first, second] : [second, first]
    return { send: new Cipher(send), receive: new Cipher(receive), hash: this.#hash }
  }

  /** `es` is the initiator's ephemeral with the responder's static key, `se` the other way round. */
  async #mixAgreement(token: string): Promise<void> {
    const [own, others] = this.keys.initiator ? token : [token[1], token[0]]
    const key = own === 'e' ? this.keys.ephemeral : this.keys.staticKey
    const other = others === 'e' ? this.#remoteEphemeral : this.remoteStatic
    const [chainingKey, cipherKey] = await this.#derive(await key.agree(other))
    this.#chainingKey = chainingKey
    this.#cipher = new Cipher(cipherKey)
  }

  async #mixHash(data: Uint8Array): Promise<void> {
    this.#hash = await this.suite.sha256(concat(this.#hash, data))
  }

  async #encrypt(plaintext: Uint8Array): Promise<Uint8Array> {
    const ciphertext = this.#cipher ? this.#cipher.encrypt(plaintext, this.#hash) : plaintext
    await this.#mixHash(ciphertext)
    return ciphertext
  }

  async #decrypt(ciphertext: Uint8Array): Promise<Uint8Array> {
    const plaintext = this.#cipher
      ? this.#cipher.decrypt(ciphertext, this.#hash)
      : ciphertext.slice()
    await this.#mixHash(ciphertext)
    return plaintext
  }

  /** HKDF with two outputs, from the chaining key. */
  async #derive(material: Uint8Array): Promise<[Uint8Array, Uint8Array]> {
    const secret = await this.suite.hmac(this.#chainingKey, material)
    const first = await this.suite.hmac(secret, Uint8Array.of(1))
    return [first, await this.suite.hmac(secret, concat(first, Uint8Array.of(2)))]
  }
}
