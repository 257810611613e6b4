/**
 * Finds peers for one fetch: first those connected in our rooms, which are asked; then, where they
 * don't have it, providers that the nodes locate, to each of which a session is opened. It goes on
 * whenever the fetch starves, and ends it when nobody was found for too long.
 */
import { VeloxError } from '../errors.js'
import type { Locator, Member } from '../ports.js'
import type { Session } from '../session/session.js'
import type { Sessions } from '../session/sessions.js'
import type { Cid } from './cid.js'
import type { Exchange } from './exchange.js'
import { Fetch } from './fetch.js'
import * as limits from './limits.js'
import type { BlockStore } from './store.js'

export interface SearchOptions {
  root: Cid
  sessions: Sessions
  locator: Locator
  mates: () => Iterable<Session>
  exchange: (session: Session) => Exchange
  store: BlockStore
}

export class Search {
  readonly fetch: Fetch
  readonly #holder: string
  readonly #held = new Set<string>()
  readonly #abort = new AbortController()
  readonly #offConnect: () => void
  #searching = false
  #fed = false
  #deadline: ReturnType<typeof setTimeout> | undefined

  constructor(private readonly options: SearchOptions) {
    this.#holder = `get ${options.root.text} ${++searches}`
    this.fetch = new Fetch({
      held: (cid) => options.store.get(cid),
      keep: (cid, block) => options.store.add(cid, block),
      starved: () => void this.#search(),
      fed: () => {
        this.#fed = true
        clearTimeout(this.#deadline)
        this.#deadline = undefined
      },
      now: () => performance.now(),
    })
    // Whoever is connected only now may be what the fetch waits for. Rooms hear of it first.
    this.#offConnect = options.sessions.on('connect', () =>
      queueMicrotask(() => {
        if (this.fetch.starving && !this.#over) void this.#askMates()
      }),
    )
  }

  /** The fetch is over: nobody is searched for, and no session is held for it. */
  stop(): void {
    clearTimeout(this.#deadline)
    this.#offConnect()
    this.#abort.abort()
    this.fetch.fail(new VeloxError('closed', 'the fetch is over'))
    for (const peerId of this.#held) this.options.sessions.release(peerId, this.#holder, false)
  }

  get #over(): boolean {
    return this.#abort.signal.aborted
  }

  async #search(): Promise<void> {
    if (this.#over) return
    this.#deadline ??= setTimeout(() => this.#giveUp(), limits.FOUND_WITHIN)
    if (this.#searching) return
    this.#searching = true
    try {
      await this.#askMates()
      while (this.fetch.starving && !this.#over) {
        const began = performance.now()
        await this.#locate()
        if (!this.fetch.starving || this.#over) break
        // Somebody may announce it, or connect, any moment: look again, but not in a circle.
        await this.#pause(Math.max(0, limits.ROOM_FIRST * 4 - (performance.now() - began)))
        await this.#askMates()
      }
    } finally {
      this.#searching = false
    }
  }

  /** Asks connected members of our rooms; waits for the first that has it, or a moment. */
  async #askMates(): Promise<void> {
    const { root } = this.options
    const asked = [...this.options.mates()]
      .filter((session) => !this.fetch.knows(session.peerId))
      .map(async (session) => {
        const exchange = this.options.exchange(session)
        const [has] = await exchange.have([root])
        if (has && !this.#over) this.fetch.add(exchange)
        return has
      })
    if (asked.length === 0) return
    const found = Promise.any(asked.map(async (has) => ((await has) ? true : Promise.reject(new Error('no'))))).catch(
      () => false,
    )
    await Promise.race([found, this.#pause(limits.ROOM_FIRST)])
  }

  async #locate(): Promise<void> {
    const { root, locator, sessions } = this.options
    const connecting = new Set<Promise<void>>()
    try {
      for await (const member of locator.locate(root.text, this.#abort.signal)) {
        if (this.#over) return
        if (member.peerId === sessions.peerId || this.fetch.knows(member.peerId)) continue
        const attempt = this.#connect(member).finally(() => connecting.delete(attempt))
        connecting.add(attempt)
        while (connecting.size + this.fetch.sources >= limits.PROVIDERS && connecting.size > 0 && !this.#over) {
          await Promise.race(connecting)
        }
        if (this.fetch.sources >= limits.PROVIDERS) return
      }
    } catch {
      // No node answers: the next round, or the deadline, says the rest.
    }
    // One that serves is enough to go on; the others join when they are connected.
    while (connecting.size > 0 && this.fetch.starving && !this.#over) await Promise.race(connecting)
  }

  async #connect(member: Member): Promise<void> {
    const { sessions, exchange } = this.options
    this.#held.add(member.peerId)
    try {
      const { signal } = this.#abort
      const session = await sessions.connect(member, this.#holder, limits.CONNECT_WITHIN, signal)
      this.fetch.add(exchange(session))
    } catch {
      this.#held.delete(member.peerId)
      sessions.release(member.peerId, this.#holder, false)
    }
  }

  #giveUp(): void {
    const { text } = this.options.root
    const within = `within ${limits.FOUND_WITHIN / 1000} s`
    this.fetch.fail(
      this.#fed
        ? new VeloxError('timeout', `whoever had ${text} stopped, and nobody else was found ${within}: try again`)
        : new VeloxError('not-found', `nobody who has ${text} was found ${within}`),
    )
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer)
        this.#abort.signal.removeEventListener('abort', finish)
        resolve()
      }
      const timer = setTimeout(finish, ms)
      this.#abort.signal.addEventListener('abort', finish)
    })
  }
}

let searches = 0
