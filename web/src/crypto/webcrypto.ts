/** The suite over WebCrypto. Its secret keys can't be read by anybody, this page included. */
import type { AgreementKey, SigningKey, Suite } from './suite.js'

const bytes = (buffer: ArrayBuffer): Uint8Array => new Uint8Array(buffer)

const rawImport = (
  key: Uint8Array,
  algorithm: string | HmacImportParams,
  usages: KeyUsage[],
): Promise<CryptoKey> =>
  crypto.subtle.importKey('raw', key as BufferSource, algorithm, false, usages)

const publicBytes = async (key: CryptoKey): Promise<Uint8Array> =>
  bytes(await crypto.subtle.exportKey('raw', key))

const gcm = (nonce: Uint8Array, additionalData: Uint8Array): AesGcmParams => ({
  name: 'AES-GCM',
  iv: nonce as BufferSource,
  additionalData: additionalData as BufferSource,
})

/** An X25519 key pair around WebCrypto's. */
export async function agreementKeyOf(pair: CryptoKeyPair): Promise<AgreementKey> {
  return {
    publicKey: await publicBytes(pair.publicKey),
    agree: async (publicKey) => {
      const other = await rawImport(publicKey, 'X25519', [])
      const algorithm = { name: 'X25519', public: other }
      return bytes(await crypto.subtle.deriveBits(algorithm, pair.privateKey, 256))
    },
  }
}

/** An Ed25519 key pair around WebCrypto's. */
export async function signingKeyOf(pair: CryptoKeyPair): Promise<SigningKey> {
  return {
    publicKey: await publicBytes(pair.publicKey),
    sign: async (message) =>
      bytes(await crypto.subtle.sign('Ed25519', pair.privateKey, message as BufferSource)),
    stored: pair,
  }
}

export const webCryptoSuite: Suite = {
  sha256: async (message) => bytes(await crypto.subtle.digest('SHA-256', message as BufferSource)),

  hmac: async (key, message) => {
    const hmac = { name: 'HMAC', hash: 'SHA-256' }
    const imported = await rawImport(key.length ? key : new Uint8Array(32), hmac, ['sign'])
    return bytes(await crypto.subtle.sign('HMAC', imported, message as BufferSource))
  },

  agreementKey: async () =>
    agreementKeyOf(await crypto.subtle.generateKey('X25519', false, ['deriveBits'])),

  signingKey: async (stored) =>
    signingKeyOf(
      (stored ??
        (await crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify']))) as CryptoKeyPair,
    ),

  verify: async (publicKey, signature, message) => {
    try {
      const key = await rawImport(publicKey, 'Ed25519', ['verify'])
      return await crypto.subtle.verify(
        'Ed25519',
        key,
        signature as BufferSource,
        message as BufferSource,
      )
    } catch {
      return false
    }
  },

  seal: async (key, nonce, plaintext, associatedData) =>
    bytes(
      await crypto.subtle.encrypt(
        gcm(nonce, associatedData),
        await rawImport(key, 'AES-GCM', ['encrypt']),
        plaintext as BufferSource,
      ),
    ),

  open: async (key, nonce, ciphertext, associatedData) =>
    bytes(
      await crypto.subtle.decrypt(
        gcm(nonce, associatedData),
        await rawImport(key, 'AES-GCM', ['decrypt']),
        ciphertext as BufferSource,
      ),
    ),
}
