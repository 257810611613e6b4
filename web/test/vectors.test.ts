/** Holds the client to `docs/spec/vectors`, which the Rust side's tests read as well. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test, { describe } from 'node:test'
import { agreementKeyOf, nobleSuite, signingKeyOf } from '../src/crypto/noble.js'
import { open, seal } from '../src/crypto/hpke.js'
import { Identity } from '../src/crypto/identity.js'
import { Handshake } from '../src/crypto/noise.js'
import { noisePayload, verifyNoisePayload } from '../src/crypto/noise-payload.js'
import type { Suite } from '../src/crypto/suite.js'
import { webCryptoSuite } from '../src/crypto/webcrypto.js'
import * as attach from '../src/wire/attach.js'
import { concat, hex, utf8 } from '../src/wire/bytes.js'
import * as envelope from '../src/wire/envelope.js'
import { frame, FrameDecoder } from '../src/wire/frame.js'
import * as records from '../src/wire/records.js'
import type { SignedType } from '../src/wire/signed.js'

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- vectors are read, not modelled
type Case = Record<string, any> & { name: string; type: string; hex: string }

const cases = (file: string): Case[] =>
  (
    JSON.parse(
      readFileSync(new URL(`../../docs/spec/vectors/${file}.json`, import.meta.url), 'utf8'),
    ) as { cases: Case[] }
  ).cases

const unhex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'))

/** A decoded message as vectors write it: bytes as hex. */
const shown = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_, field: unknown) => {
      if (field instanceof Uint8Array) return hex(field)
      return typeof field === 'bigint' ? Number(field) : field
    }),
  )

const signedTypes: Record<string, SignedType<never>> = {
  'presence-record': records.PresenceRecord,
  leave: records.Leave,
  detached: records.Detached,
  count: records.Count,
  'node-record': records.NodeRecord,
  envelope: envelope.Envelope,
  'stale-key': envelope.StaleKey,
} as unknown as Record<string, SignedType<never>>

const suites: [string, Suite][] = [
  ['WebCrypto', webCryptoSuite],
  ['noble', nobleSuite],
]

describe('signed messages', () => {
  for (const vector of [
    ...cases('records'),
    ...cases('envelopes').filter(({ type }) => type === 'envelope'),
  ]) {
    test(`${vector.type}: ${vector.name}`, async () => {
      const type = signedTypes[vector.type]
      assert.ok(type, `a type named ${vector.type}`)
      for (const [, suite] of suites) {
        const signed = await type.verify((...args) => suite.verify(...args), unhex(vector.hex))
        assert.deepEqual(shown(signed.body), vector.value)
        const identity = new Identity(signingKeyOf(unhex(vector.seed)))
        if (vector.signer) assert.equal(identity.peerId, vector.signer)
        assert.equal(hex((await type.sign(identity, signed.body)).bytes), vector.hex)
      }
    })
  }
})

describe('sealed envelopes', () => {
  for (const vector of cases('envelopes').filter(({ type }) => type === 'envelope')) {
    test(vector.name, async () => {
      const outside = envelope.Envelope.peek(unhex(vector.hex))
      const data = envelope.associatedData(vector.network, vector.room, vector.to, outside)
      assert.equal(hex(data), vector.associated_data)
      const own = agreementKeyOf(unhex(vector.receiver_secret))
      assert.equal(hex(own.publicKey), vector.receiver_public)
      assert.equal(hex(await envelope.keyId(nobleSuite.sha256, own.publicKey)), vector.value.kid)
      assert.equal(hex(await envelope.blind(nobleSuite.sha256, outside.id, vector.to)), vector.value.tag)
      const info = utf8('velox/envelope/1')
      for (const [, suite] of suites) {
        const plaintext = await open(suite, own, info, outside.sealed, data)
        assert.equal(hex(plaintext), vector.plaintext)
        const contents = envelope.Contents.decode(plaintext)
        assert.deepEqual(shown(contents), vector.contents)
        assert.equal(hex(envelope.Contents.encode(contents)), vector.plaintext)
        const ephemeral = await deriveKey(unhex(vector.ephemeral_ikm))
        const sealed = await seal(suite, ephemeral, own.publicKey, info, plaintext, data)
        assert.equal(hex(sealed), vector.value.sealed)
      }
    })
  }

  for (const vector of cases('envelopes').filter(({ type }) => type !== 'envelope')) {
    test(`${vector.type}: ${vector.name}`, async () => {
      const { value } = vector
      const result =
        vector.type === 'key-id'
          ? await envelope.keyId(webCryptoSuite.sha256, unhex(value.public))
          : await envelope.blind(webCryptoSuite.sha256, unhex(value.id), value.to)
      assert.equal(hex(result), vector.hex)
    })
  }
})

describe('HPKE', () => {
  // The single-shot interface is sequence 0; the wire seals one message to a key.
  for (const vector of cases('hpke').filter(({ value }) => !value.sequence)) {
    test(vector.name, async () => {
      const { value } = vector
      const own = agreementKeyOf(unhex(value.receiver_secret))
      const ephemeral = await deriveKey(unhex(value.ephemeral_ikm))
      const aad = unhex(value.aad ?? value.associated_data)
      const info = unhex(value.info)
      const expected = value.enc ? value.enc + vector.hex : vector.hex
      for (const [, suite] of suites) {
        const sealed = await seal(suite, ephemeral, own.publicKey, info, unhex(value.plaintext), aad)
        assert.equal(hex(sealed), expected)
        assert.equal(hex(await open(suite, own, info, sealed, aad)), value.plaintext)
        sealed[40] ^= 1
        await assert.rejects(open(suite, own, info, sealed, aad))
      }
    })
  }
})

describe('Noise', () => {
  for (const vector of cases('noise').filter(({ type }) => type === 'noise-handshake')) {
    for (const [suiteName, suite] of suites) {
      test(`${vector.name}, ${suiteName}`, async () => {
        const { value } = vector
        const side = (initiator: boolean): Promise<Handshake> => {
          const keys = initiator ? value.initiator : value.responder
          return Handshake.begin(suite, {
            initiator,
            staticKey: agreementKeyOf(unhex(keys.static)),
            ephemeral: agreementKeyOf(unhex(keys.ephemeral)),
            prologue: unhex(value.prologue),
          })
        }
        const sides = [await side(true), await side(false)]
        const messages = value.messages as { message: string; payload: string }[]
        for (const [turn, { message, payload }] of messages.slice(0, 3).entries()) {
          assert.equal(hex(await sides[turn % 2].write(unhex(payload))), message)
          assert.equal(hex(await sides[1 - (turn % 2)].read(unhex(message))), payload)
        }
        const [initiator, responder] = [await sides[0].finish(), await sides[1].finish()]
        assert.equal(hex(initiator.hash), vector.hex)
        assert.equal(hex(responder.hash), vector.hex)
        for (const [turn, { message, payload }] of messages.slice(3).entries()) {
          const [from, to] = turn % 2 ? [initiator, responder] : [responder, initiator]
          assert.equal(hex(from.send.encrypt(unhex(payload))), message)
          assert.equal(hex(to.receive.decrypt(unhex(message))), payload)
        }
      })
    }
  }

  for (const vector of cases('noise').filter(({ type }) => type === 'noise-payload')) {
    test(`payload: ${vector.name}`, async () => {
      const { value } = vector
      const identity = new Identity(signingKeyOf(unhex(value.seed)))
      const staticKey = value.static_public
        ? unhex(value.static_public)
        : agreementKeyOf(unhex(value.static)).publicKey
      assert.equal(hex(await noisePayload(identity, staticKey)), vector.hex)
      assert.equal(
        await verifyNoisePayload(webCryptoSuite, unhex(vector.hex), staticKey),
        identity.peerId,
      )
      staticKey[0] ^= 1
      await assert.rejects(verifyNoisePayload(webCryptoSuite, unhex(vector.hex), staticKey))
    })
  }
})

describe('attach', () => {
  for (const vector of cases('attach')) {
    test(vector.name, () => {
      const type = vector.type === 'from-peer' ? attach.FromPeer : attach.FromNode
      const message = type.decode(unhex(vector.hex))
      assert.deepEqual(shown(message), vector.value)
      assert.equal(hex(type.encode(message as never)), vector.hex)
    })
  }
})

describe('frames', () => {
  for (const vector of cases('frames')) {
    test(vector.name, () => {
      const stream = unhex(vector.hex)
      for (const cut of [1, 7, stream.length || 1]) {
        const decoder = new FrameDecoder(vector.value.max)
        const frames: Uint8Array[] = []
        const read = (): void => {
          for (let at = 0; at < stream.length; at += cut) {
            frames.push(...decoder.push(stream.subarray(at, at + cut)))
          }
        }
        if (vector.value.refused) {
          assert.throws(read, { code: 'malformed' })
        } else {
          read()
          assert.deepEqual(frames.map(hex), vector.value.frames)
          assert.equal(hex(concat(...frames.map(frame))), vector.hex)
        }
      }
    })
  }
})

describe('malformed messages are refused', () => {
  /** What only nodes say to each other. */
  const foreign = ['gossip', 'presence-frame', 'signal-frame', 'discovery-frame']
  for (const vector of cases('malformed').filter(({ type }) => !foreign.includes(type))) {
    test(`${vector.type}: ${vector.name}`, async () => {
      const bytes = unhex(vector.hex)
      const signed = signedTypes[vector.type]
      const refused: unknown = await (async () => {
        if (signed) await signed.verify((...args) => webCryptoSuite.verify(...args), bytes)
        else if (vector.type === 'from-peer') attach.FromPeer.decode(bytes)
        else if (vector.type === 'from-node') attach.FromNode.decode(bytes)
        else if (vector.type === 'contents') envelope.Contents.decode(bytes)
        else assert.fail(`no decoder for ${vector.type}`)
      })().then(() => 'accepted', (error: unknown) => (error as { code: unknown }).code)
      const code = ['no-key', 'forged'].includes(vector.value.why) ? 'denied' : 'malformed'
      assert.equal(refused, code)
    })
  }
})

/** RFC 9180 §7.1.3, DeriveKeyPair of DHKEM(X25519, HKDF-SHA256). */
async function deriveKey(ikm: Uint8Array): ReturnType<typeof webCryptoSuite.agreementKey> {
  const id = concat(utf8('HPKE-v1KEM'), Uint8Array.of(0, 0x20))
  const prk = await nobleSuite.hmac(new Uint8Array(), concat(id, utf8('dkp_prk'), ikm))
  const secret = await nobleSuite.hmac(
    prk,
    concat(Uint8Array.of(0, 32), id, utf8('sk'), Uint8Array.of(1)),
  )
  return agreementKeyOf(secret)
}
