/**
 * Of two peers that learn of each other, whatever the order and delay of their envelopes, both
 * end up in the same single session. 500 peers join at random times; all pairs are played.
 */
import assert from 'node:assert/strict'
import test from 'node:test'
import type { Candidate } from '../src/ports.js'
import { Negotiation, type Action } from '../src/session/negotiation.js'

/** mulberry32: a small seeded generator of numbers in [0, 1). */
function seeded(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

interface Conditions {
  /** Milliseconds an envelope takes. */
  delay: (random: () => number) => number
  /** Share of envelopes that never arrive. */
  loss: number
}

type Envelope =
  | { kind: 'offer' | 'answer'; session: string; sdp: string }
  | { kind: 'candidates'; session: string; candidates: Candidate[] }
  | { kind: 'bye'; session: string; reason: string }

/** A pair's world: two machines, a lossy reordering network, virtual time. */
class World {
  now = 0
  readonly sides: Side[]
  readonly #events: { at: number; order: number; run: () => void }[] = []
  #order = 0
  #sessions = 0

  constructor(
    readonly random: () => number,
    readonly conditions: Conditions,
  ) {
    this.sides = [true, false].map(
      (polite) => new Side(this, new Negotiation({ polite, random, newSession: () => `s${++this.#sessions}` })),
    )
  }

  get sessions(): number {
    return this.#sessions
  }

  at(at: number, run: () => void): void {
    const event = { at, order: this.#order++, run }
    let place = this.#events.length
    while (place > 0 && this.#events[place - 1].at <= at) place--
    this.#events.splice(place, 0, event)
  }

  other(side: Side): Side {
    return this.sides[0] === side ? this.sides[1] : this.sides[0]
  }

  run(until: number): void {
    for (;;) {
      const due = Math.min(...this.sides.map((side) => side.machine.deadline))
      const next = this.#events.at(-1)
      const at = Math.min(due, next?.at ?? Infinity)
      if (at > until) return
      this.now = Math.max(this.now, at)
      if (next && next.at <= due) {
        this.#events.pop()
        next.run()
      } else {
        for (const side of this.sides) side.machine.tick(this.now)
      }
      for (const side of this.sides) side.act()
    }
  }

  /** Whether both ends have what they need; then the channel opens at either, in its own time. */
  connect(session: string): void {
    const [one, two] = this.sides as [Side, Side]
    for (const side of [one, two]) if (side.live !== session || !side.described) return
    for (const side of [one, two]) {
      this.at(this.now + 1 + this.random() * 200, () => {
        if (side.live === session && this.other(side).live === session) {
          side.machine.opened(this.now, session)
        }
      })
    }
  }
}

/** One peer's driver, with a string for a connection. */
class Side {
  /** The connection that is not closed: there must never be two. */
  live: string | undefined
  described = false
  agreed = 0

  constructor(
    readonly world: World,
    readonly machine: Negotiation,
  ) {}

  act(): void {
    for (const action of this.machine.drain()) this.#do(action)
  }

  #do(action: Action): void {
    const { world, machine } = this
    const { session } = action
    switch (action.do) {
      case 'offer':
      case 'accept': {
        assert.equal(this.live, undefined, 'a second connection while one is open')
        this.live = session
        this.described = action.do === 'accept'
        world.at(world.now + 1 + world.random() * 60, () => {
          if (machine.session !== session) return
          machine.sent(session)
          this.#send({ kind: action.do === 'offer' ? 'offer' : 'answer', session, sdp: 'sdp' })
          this.#send({ kind: 'candidates', session, candidates: [{ candidate: session }] })
        })
        return
      }
      case 'answer':
        assert.equal(this.live, session)
        this.described = true
        return world.connect(session)
      case 'candidates':
        for (const { candidate } of action.candidates) assert.equal(candidate, session)
        return
      case 'renegotiate':
        return assert.fail('nobody renegotiates here')
      case 'close': {
        if (this.live === session) this.live = undefined
        const other = world.other(this)
        if (other.machine.session === session && other.machine.state === 'open') {
          world.at(world.now + 5, () => other.machine.ended(world.now, session, 'closed'))
        }
        if (action.bye !== undefined) this.#send({ kind: 'bye', session, reason: action.bye })
      }
    }
  }

  #send(envelope: Envelope): void {
    const { world, machine } = this
    const { delay, loss } = world.conditions
    const there = delay(world.random)
    const lost = world.random() < loss
    const to = world.other(this).machine
    if (!lost) {
      world.at(world.now + there, () => {
        const { now } = world
        switch (envelope.kind) {
          case 'offer':
            return to.offer(now, envelope.session, envelope.sdp)
          case 'answer':
            return to.answer(now, envelope.session, envelope.sdp)
          case 'candidates':
            return to.candidates(envelope.session, envelope.candidates)
          case 'bye':
            return to.bye(now, envelope.session, envelope.reason)
        }
      })
    }
    if (envelope.kind === 'offer' && (lost || there + delay(world.random) > 3000)) {
      world.at(world.now + 3000, () => {
        if (machine.state === 'offering') machine.ended(world.now, envelope.session, 'unreachable')
      })
    }
  }
}

interface Outcome {
  pairs: number
  /** Sessions begun, over all pairs. */
  begun: number
  slowest: number
}

function play(peers: number, seed: number, conditions: Conditions): Outcome {
  const random = seeded(seed)
  const joined = Array.from({ length: peers }, () => random() * 2000)
  const outcome: Outcome = { pairs: 0, begun: 0, slowest: 0 }
  for (let one = 0; one < peers; one++) {
    for (let two = one + 1; two < peers; two++) {
      const world = new World(random, conditions)
      const [a, b] = world.sides as [Side, Side]
      const times = [joined[one], joined[two]]
      world.sides.forEach((side, index) => {
        const learns = Math.max(...times) + random() * 300
        // Who came later got the other in its snapshot; of two at about the same time, either,
        // both or none.
        const close = Math.abs(times[0] - times[1]) < 300
        const first = close ? random() < 0.5 : times[index] === Math.max(...times)
        world.at(learns, () => side.machine.want(world.now, first))
      })
      let agreed: string | undefined
      for (let until = 250; until <= 240_000 && !agreed; until += 250) {
        world.run(until)
        if (a.machine.state === 'open' && b.machine.state === 'open' && a.live === b.live) {
          agreed = a.live
          outcome.slowest = Math.max(outcome.slowest, until - Math.max(...times))
        }
      }
      assert.ok(agreed, `pair ${one}/${two} of seed ${seed} has no session: ${a.machine.state}, ${b.machine.state}`)
      // What is still on its way (half a minute at most) changes nothing any more.
      world.run(world.now + 60_000)
      for (const side of world.sides) {
        assert.equal(side.machine.state, 'open', `pair ${one}/${two} of seed ${seed} lost its session`)
        assert.equal(side.live, agreed, `pair ${one}/${two} of seed ${seed} changed its session`)
      }
      outcome.pairs++
      outcome.begun += world.sessions
    }
  }
  return outcome
}

test('500 peers that join at random get one session a pair, each at the first attempt', () => {
  const outcome = play(500, 1, { loss: 0, delay: (random) => 1 + random() * 400 })
  assert.equal(outcome.pairs, 124_750)
  // Crossed offers are the only reason for a second session; nothing is tried again.
  assert.ok(outcome.begun <= 2 * outcome.pairs)
  assert.ok(outcome.slowest < 5_000, `${outcome.slowest} ms`)
})

for (const seed of [2, 3, 4]) {
  test(`delays up to 10 s, reordering and loss change nothing (seed ${seed})`, () => {
    play(120, seed, { loss: 0.05, delay: (random) => 1 + random() ** 6 * 10_000 })
  })
}
