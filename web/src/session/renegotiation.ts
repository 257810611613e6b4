/**
 * Perfect negotiation of a session that stands (W3C WebRTC, section 10.7), for media and for ICE
 * restarts. The peer with the smaller PeerId is polite: it gives way when offers cross.
 */
export class Renegotiation {
  #making = false
  #ignored = false
  /** Descriptions are taken one after the other. */
  #queue: Promise<void> = Promise.resolve()

  constructor(
    private readonly pc: RTCPeerConnection,
    private readonly polite: boolean,
    private readonly send: (kind: { renegotiate: string } | { answer: string }) => void,
    private readonly fail: (reason: string) => void,
  ) {
    pc.onnegotiationneeded = () => void this.#offer()
  }

  /** An offer of the other side. */
  offered(sdp: string): void {
    this.#next(async () => {
      this.#ignored = !this.polite && (this.#making || this.pc.signalingState !== 'stable')
      if (this.#ignored) return
      await this.pc.setRemoteDescription({ type: 'offer', sdp })
      await this.pc.setLocalDescription()
      this.send({ answer: this.pc.localDescription!.sdp })
    })
  }

  answered(sdp: string): void {
    this.#next(async () => {
      // An answer to an offer that was rolled back meanwhile is out of date.
      if (this.pc.signalingState !== 'have-local-offer') return
      await this.pc.setRemoteDescription({ type: 'answer', sdp })
    })
  }

  candidates(candidates: RTCIceCandidateInit[]): void {
    this.#next(async () => {
      for (const candidate of candidates) {
        // Those of an offer that was ignored fail, and so may those of a restarted transport.
        await this.pc.addIceCandidate(candidate).catch(() => undefined)
      }
    })
  }

  async #offer(): Promise<void> {
    try {
      this.#making = true
      await this.pc.setLocalDescription()
      this.send({ renegotiate: this.pc.localDescription!.sdp })
    } catch {
      // The connection closed, or the other side's offer came first: both end by themselves.
    } finally {
      this.#making = false
    }
  }

  #next(step: () => Promise<void>): void {
    this.#queue = this.#queue.then(step).catch((error: unknown) => {
      if (this.pc.signalingState !== 'closed') this.fail(`description: ${String(error).slice(0, 120)}`)
    })
  }
}
