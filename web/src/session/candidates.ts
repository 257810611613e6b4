/** Batches ICE candidates: the first flush is at once, then one every 50 ms. */
import type { Candidate } from '../ports.js'
import { CANDIDATE_BATCH, EARLY_CANDIDATES } from './limits.js'

export class CandidateBatch {
  #waiting: Candidate[] = []
  #held = true
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(private readonly flush: (candidates: Candidate[]) => void) {}

  add(candidate: RTCIceCandidate): void {
    if (!candidate.candidate || this.#waiting.length >= EARLY_CANDIDATES) return
    this.#waiting.push({
      candidate: candidate.candidate,
      ...(candidate.sdpMid === null ? {} : { mid: candidate.sdpMid }),
      ...(candidate.sdpMLineIndex === null ? {} : { line: candidate.sdpMLineIndex }),
    })
    if (!this.#held && this.#timer === undefined) this.#flush()
  }

  /** Until `release`, nothing leaves; what has gathered so far is in the description itself. */
  hold(): void {
    this.#waiting = []
    this.#held = true
  }

  /** The description has left. */
  release(): void {
    this.#held = false
    this.#flush()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#held = true
  }

  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#held || this.#waiting.length === 0) return
    const candidates = this.#waiting
    this.#waiting = []
    this.flush(candidates)
    this.#timer = setTimeout(() => this.#flush(), CANDIDATE_BATCH)
  }
}

/** What `addIceCandidate` takes. */
export const toInit = ({ candidate, mid, line }: Candidate): RTCIceCandidateInit => ({
  candidate,
  sdpMid: mid ?? null,
  sdpMLineIndex: line ?? null,
})
