/** This peer at this start: its network, its identity, and the key that envelopes are sealed to. */
import { Identity } from './crypto/identity.js'
import type { AgreementKey, SigningKey, Suite } from './crypto/suite.js'
import { keyId } from './wire/envelope.js'
import type { Verify } from './wire/signed.js'

export class LocalPeer {
  readonly peerId: string
  #seq = 0

  private constructor(
    readonly network: string,
    readonly suite: Suite,
    readonly identity: Identity,
    /** X25519, fresh at every start: what was sealed to an earlier one can't be opened. */
    readonly sealing: AgreementKey,
    /** The name of `sealing` in envelopes. */
    readonly kid: Uint8Array,
  ) {
    this.peerId = identity.peerId
  }

  static async start(network: string, suite: Suite, key: SigningKey): Promise<LocalPeer> {
    const sealing = await suite.agreementKey()
    const kid = await keyId(suite.sha256, sealing.publicKey)
    return new LocalPeer(network, suite, new Identity(key), sealing, kid)
  }

  readonly verify: Verify = (...args) => this.suite.verify(...args)

  /** Rises with every record and leave that this peer signs, over restarts too. */
  nextSeq(): number {
    return (this.#seq = Math.max(this.#seq + 1, Date.now()))
  }
}
