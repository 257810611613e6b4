/** The suite over noble's libraries, for pages without `crypto.subtle`. A file of its own in dist/. */
import { gcm } from '@noble/ciphers/aes.js'
import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import type { AgreementKey, SigningKey, Suite } from './suite.js'

/** The X25519 key pair whose secret are these 32 bytes. */
export const agreementKeyOf = (secret: Uint8Array): AgreementKey => ({
  publicKey: x25519.getPublicKey(secret),
  agree: async (publicKey) => x25519.getSharedSecret(secret, publicKey),
})

/** The Ed25519 key pair whose seed are these 32 bytes. */
export const signingKeyOf = (seed: Uint8Array): SigningKey => ({
  publicKey: ed25519.getPublicKey(seed),
  sign: async (message) => ed25519.sign(message, seed),
  stored: seed,
})

export const nobleSuite: Suite = {
  sha256: async (message) => sha256(message),
  hmac: async (key, message) => hmac(sha256, key, message),
  agreementKey: async () => agreementKeyOf(x25519.utils.randomSecretKey()),
  signingKey: async (stored) =>
    signingKeyOf((stored as Uint8Array | undefined) ?? ed25519.utils.randomSecretKey()),
  verify: async (publicKey, signature, message) => {
    try {
      // RFC 8032's rules, as WebCrypto's: noble's default is ZIP 215's, which accept more.
      return ed25519.verify(signature, message, publicKey, { zip215: false })
    } catch {
      return false
    }
  },
  seal: async (key, nonce, plaintext, associatedData) =>
    gcm(key, nonce, associatedData).encrypt(plaintext),
  open: async (key, nonce, ciphertext, associatedData) =>
    gcm(key, nonce, associatedData).decrypt(ciphertext),
}
