/** The DTLS certificate of all sessions of one start. */

/** A certificate is left alone this long before it ends, ms. */
const MARGIN = 24 * 60 * 60_000

/**
 * Made ahead, because making one takes longer than all the rest of an offer (15 ms of 20). Sessions
 * that begin before it is ready get one of their own from the browser. It tells nobody more than
 * the PeerId does, which is as old.
 */
export class Certificate {
  #made: RTCCertificate | undefined

  constructor(rtc: typeof RTCPeerConnection | undefined) {
    // A runtime that can't make one ahead makes one for each connection.
    rtc?.generateCertificate?.({ name: 'ECDSA', namedCurve: 'P-256' } as AlgorithmIdentifier).then(
      (certificate) => (this.#made = certificate),
      () => undefined,
    )
  }

  /** What it adds to a connection's configuration. */
  configuration(): RTCConfiguration {
    const usable = this.#made && this.#made.expires > Date.now() + MARGIN
    return usable ? { certificates: [this.#made!] } : {}
  }
}
