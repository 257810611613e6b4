/**
 * HPKE (RFC 9180), base mode, single shot, with the one suite that the wire has:
 * DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM.
 */
import { concat, utf8 } from '../wire/bytes.js'
import type { AgreementKey, Suite } from './suite.js'

/** KEM 0x0020; KEM 0x0020, KDF 0x0001, AEAD 0x0001. */
const KEM_ID = concat(utf8('KEM'), Uint8Array.of(0, 0x20))
const SUITE_ID = concat(utf8('HPKE'), Uint8Array.of(0, 0x20, 0, 1, 0, 1))
const EMPTY = new Uint8Array()

/**
 * Seals `plaintext` to the X25519 public key `to`: the encapsulated key (32 bytes), then the
 * ciphertext and its tag (16 bytes). `ephemeral` must be fresh for every call.
 */
export async function seal(
  suite: Suite,
  ephemeral: AgreementKey,
  to: Uint8Array,
  info: Uint8Array,
  plaintext: Uint8Array,
  associatedData: Uint8Array,
): Promise<Uint8Array> {
  const enc = ephemeral.publicKey
  const { key, nonce } = await keys(suite, await ephemeral.agree(to), enc, to, info)
  return concat(enc, await suite.seal(key, nonce, plaintext, associatedData))
}

/** Opens what `seal` made for `own`; rejects what was altered or sealed to another key. */
export async function open(
  suite: Suite,
  own: AgreementKey,
  info: Uint8Array,
  sealed: Uint8Array,
  associatedData: Uint8Array,
): Promise<Uint8Array> {
  const enc = sealed.slice(0, 32)
  const { key, nonce } = await keys(suite, await own.agree(enc), enc, own.publicKey, info)
  return suite.open(key, nonce, sealed.subarray(32), associatedData)
}

/** RFC 9180 §4.1 ExtractAndExpand, then §5.1 KeySchedule: the key and nonce of the first message. */
async function keys(
  suite: Suite,
  shared: Uint8Array,
  enc: Uint8Array,
  to: Uint8Array,
  info: Uint8Array,
): Promise<{ key: Uint8Array; nonce: Uint8Array }> {
  const [prk, pskIdHash, infoHash] = await Promise.all([
    extract(suite, KEM_ID, EMPTY, 'eae_prk', shared),
    extract(suite, SUITE_ID, EMPTY, 'psk_id_hash', EMPTY),
    extract(suite, SUITE_ID, EMPTY, 'info_hash', info),
  ])
  const secret = await extract(
    suite,
    SUITE_ID,
    await expand(suite, KEM_ID, prk, 'shared_secret', concat(enc, to), 32),
    'secret',
    EMPTY,
  )
  const context = concat(new Uint8Array(1), pskIdHash, infoHash)
  const [key, nonce] = await Promise.all([
    expand(suite, SUITE_ID, secret, 'key', context, 16),
    expand(suite, SUITE_ID, secret, 'base_nonce', context, 12),
  ])
  return { key, nonce }
}

const VERSION = utf8('HPKE-v1')

const extract = (
  suite: Suite,
  id: Uint8Array,
  salt: Uint8Array,
  label: string,
  secret: Uint8Array,
): Promise<Uint8Array> => suite.hmac(salt, concat(VERSION, id, utf8(label), secret))

/** At most 32 bytes: HKDF's first block is enough for every key of this suite. */
const expand = async (
  suite: Suite,
  id: Uint8Array,
  prk: Uint8Array,
  label: string,
  info: Uint8Array,
  length: number,
): Promise<Uint8Array> => {
  const message = concat(Uint8Array.of(0, length), VERSION, id, utf8(label), info, Uint8Array.of(1))
  return (await suite.hmac(prk, message)).slice(0, length)
}
