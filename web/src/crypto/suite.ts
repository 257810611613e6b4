/**
 * The primitives that Noise, HPKE and signatures stand on, from WebCrypto or from noble
 * (which is loaded only where WebCrypto lacks them).
 */
import { webCryptoSuite } from './webcrypto.js'

/** An X25519 key pair. */
export interface AgreementKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  /** The shared secret with another's public key, 32 bytes. Rejects points of low order. */
  agree(publicKey: Uint8Array): Promise<Uint8Array>
}

/** An Ed25519 key pair. */
export interface SigningKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  /** 64 bytes. */
  sign(message: Uint8Array): Promise<Uint8Array>
  /** What IndexedDB can keep of it, and `signingKey` reads back. */
  readonly stored: unknown
}

export interface Suite {
  sha256(message: Uint8Array): Promise<Uint8Array>
  /** HMAC-SHA-256. An empty key is one of 32 zero bytes, which HMAC can't tell apart. */
  hmac(key: Uint8Array, message: Uint8Array): Promise<Uint8Array>
  /** A fresh X25519 key. */
  agreementKey(): Promise<AgreementKey>
  /** A fresh Ed25519 key, or the one that was stored. */
  signingKey(stored?: unknown): Promise<SigningKey>
  /** Whether `signature` is the Ed25519 `publicKey`'s over `message`. */
  verify(publicKey: Uint8Array, signature: Uint8Array, message: Uint8Array): Promise<boolean>
  /** AES-128-GCM: the ciphertext, then its tag. `nonce` has 12 bytes. */
  seal(
    key: Uint8Array,
    nonce: Uint8Array,
    plaintext: Uint8Array,
    associatedData: Uint8Array,
  ): Promise<Uint8Array>
  /** Undoes `seal`; rejects what was altered. */
  open(
    key: Uint8Array,
    nonce: Uint8Array,
    ciphertext: Uint8Array,
    associatedData: Uint8Array,
  ): Promise<Uint8Array>
}

let suite: Promise<Suite> | undefined

/**
 * WebCrypto's suite where it has Ed25519 and X25519; noble's otherwise, as on plain http from a
 * LAN address, where there is no `crypto.subtle`.
 */
export function loadSuite(): Promise<Suite> {
  return (suite ??= probe())
}

async function probe(): Promise<Suite> {
  try {
    await Promise.all([webCryptoSuite.signingKey(), webCryptoSuite.agreementKey()])
    return webCryptoSuite
  } catch {
    return (await import('./noble.js')).nobleSuite
  }
}

/** `count` random bytes. */
export const random = (count: number): Uint8Array => crypto.getRandomValues(new Uint8Array(count))
