/**
 * Whether the other side still lives: a state machine that the session asks at every tick.
 *
 * Timers of hidden pages sleep. A tick that comes late says nothing about the other side, whose
 * answers may be waiting behind it, so only ticks that came on time count.
 */
import { PING_EVERY, PINGS_MISSED } from './limits.js'

export class Heartbeat {
  #heard: number
  #ticked: number
  #pinged = -Infinity
  #missed = 0

  constructor(now: number) {
    this.#heard = this.#ticked = now
  }

  /** Something arrived, whatever it was. */
  heard(now: number): void {
    this.#heard = now
    this.#missed = 0
  }

  /** To be called every few seconds: what to do now. */
  tick(now: number): 'nothing' | 'ping' | 'dead' {
    const slept = now - this.#ticked > 1.5 * PING_EVERY
    this.#ticked = now
    if (slept) this.#missed = 0
    else if (now - Math.max(this.#heard, this.#pinged) < PING_EVERY) return 'nothing'
    this.#pinged = now
    return ++this.#missed > PINGS_MISSED ? 'dead' : 'ping'
  }
}
