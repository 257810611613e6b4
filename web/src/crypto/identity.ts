/** Who this peer is: an Ed25519 key and the PeerId that names it. */
import { peerIdOf } from '../wire/peer-id.js'
import type { Signer } from '../wire/signed.js'
import type { SigningKey } from './suite.js'

export class Identity implements Signer {
  readonly peerId: string
  readonly publicKey: Uint8Array

  constructor(readonly key: SigningKey) {
    this.publicKey = key.publicKey
    this.peerId = peerIdOf(key.publicKey)
  }

  sign(message: Uint8Array): Promise<Uint8Array> {
    return this.key.sign(message)
  }
}
