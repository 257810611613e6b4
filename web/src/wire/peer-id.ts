/** PeerIds as text (base58) and bytes (a multihash), and the Ed25519 key inside one. */
import { concat } from './bytes.js'

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'

/** The identity multihash of 36 bytes, then libp2p's protobuf of an Ed25519 key of 32. */
const ED25519 = Uint8Array.of(0, 36, 8, 1, 18, 32)

/** The PeerId of an Ed25519 public key of 32 bytes. */
export const peerIdOf = (publicKey: Uint8Array): string => base58(concat(ED25519, publicKey))

/** libp2p's protobuf encoding of an Ed25519 public key: 36 bytes. */
export const keyProtobuf = (publicKey: Uint8Array): Uint8Array =>
  concat(ED25519.subarray(2), publicKey)

/** The 32 bytes of the Ed25519 key in a PeerId's bytes; undefined where another key is in it. */
export const publicKeyOf = (id: Uint8Array): Uint8Array | undefined =>
  id.length === 38 && ED25519.every((byte, i) => byte === id[i]) ? id.slice(6) : undefined

/** The text of a PeerId's bytes; undefined where they are none. */
export function peerIdFromBytes(bytes: Uint8Array): string | undefined {
  const [code, length] = bytes
  const known = code === 0x12 || (code === 0 && length <= 42)
  return known && length <= 64 && bytes.length === length + 2 ? base58(bytes) : undefined
}

/** The bytes of a PeerId's text. Only for texts that were read from bytes or checked before. */
export function peerIdToBytes(text: string): Uint8Array {
  const bytes: number[] = []
  for (const char of text) {
    let carry = ALPHABET.indexOf(char)
    if (carry < 0) throw new RangeError(`${text} isn't base58`)
    for (let i = 0; i < bytes.length; i++) {
      carry += bytes[i] * 58
      bytes[i] = carry & 0xff
      carry >>= 8
    }
    if (carry) bytes.push(carry)
  }
  const zeros = /^1*/.exec(text)![0].length
  return concat(new Uint8Array(zeros), Uint8Array.from(bytes.reverse()))
}

/** Whether a text is a PeerId. */
export function isPeerId(text: string): boolean {
  try {
    return text.length < 100 && peerIdFromBytes(peerIdToBytes(text)) !== undefined
  } catch {
    return false
  }
}

function base58(bytes: Uint8Array): string {
  const digits: number[] = []
  for (const byte of bytes) {
    let carry = byte
    for (let i = 0; i < digits.length; i++) {
      carry += digits[i] << 8
      digits[i] = carry % 58
      carry = (carry / 58) | 0
    }
    for (; carry; carry = (carry / 58) | 0) digits.push(carry % 58)
  }
  let zeros = 0
  while (bytes[zeros] === 0) zeros++
  return '1'.repeat(zeros) + digits.reverse().map((digit) => ALPHABET[digit]).join('')
}
