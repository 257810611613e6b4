import assert from 'node:assert/strict'
import test from 'node:test'
import { open, seal } from '../src/crypto/hpke.js'
import { nobleSuite } from '../src/crypto/noble.js'
import { random } from '../src/crypto/suite.js'
import { webCryptoSuite } from '../src/crypto/webcrypto.js'

const both = [webCryptoSuite, nobleSuite]

test('what one suite signs, the other verifies', async () => {
  for (const [signing, verifying] of [both, [...both].reverse()]) {
    const key = await signing.signingKey()
    const message = random(100)
    const signature = await key.sign(message)
    assert.equal(await verifying.verify(key.publicKey, signature, message), true)
    message[0] ^= 1
    assert.equal(await verifying.verify(key.publicKey, signature, message), false)
    assert.equal(await verifying.verify(key.publicKey, signature.slice(1), message), false)
  }
})

test('what one suite seals, the other opens', async () => {
  for (const [sealing, opening] of [both, [...both].reverse()]) {
    const own = await opening.agreementKey()
    const [info, plaintext, data] = [random(10), random(2000), random(30)]
    const sealed = await seal(
      sealing,
      await sealing.agreementKey(),
      own.publicKey,
      info,
      plaintext,
      data,
    )
    assert.deepEqual(await open(opening, own, info, sealed, data), plaintext)
    await assert.rejects(open(opening, own, info, sealed, random(30)))
    await assert.rejects(open(opening, await opening.agreementKey(), info, sealed, data))
  }
})

test('a point of low order is no key', async () => {
  for (const suite of both) {
    await assert.rejects((await suite.agreementKey()).agree(new Uint8Array(32)))
  }
})

test('a stored signing key is the same key', async () => {
  for (const suite of both) {
    const key = await suite.signingKey()
    const again = await suite.signingKey(key.stored)
    assert.deepEqual(again.publicKey, key.publicKey)
    assert.equal(await suite.verify(key.publicKey, await again.sign(random(3)), random(3)), false)
  }
})
