/**
 * Content by CID: what this page puts, gets and serves. Order of asking: the own store, connected
 * members of our rooms, providers that the nodes locate.
 */
import { VeloxError } from '../errors.js'
import type { Locator } from '../ports.js'
import type { Session } from '../session/session.js'
import type { Sessions } from '../session/sessions.js'
import { BLOCKS, BlockReceiver } from './block-stream.js'
import { bodyOf } from './body.js'
import { parseCid, type Cid } from './cid.js'
import { Exchange } from './exchange.js'
import { Fetch } from './fetch.js'
import { importFile, type Progress } from './import.js'
import * as limits from './limits.js'
import { Search } from './search.js'
import { Server } from './serve.js'
import { BlockStore } from './store.js'
import { openTree, type FileTree } from './tree.js'
import { Traffic, type ContentStats } from './traffic.js'

/** What content needs of a room. */
export interface Mates {
  readonly peers: ReadonlyMap<string, { readonly peerId: string; readonly connected: boolean }>
}

export interface ContentOptions {
  sessions: Sessions
  locator: Locator
  rooms: () => Iterable<Mates>
  store?: BlockStore
}

export interface PutOptions {
  onProgress?: (progress: Progress) => void
}

export interface GetOptions {
  onProgress?: (progress: Progress) => void
  signal?: AbortSignal
}

interface Side {
  readonly exchange: Exchange
  readonly server: Server
}

export class Content {
  readonly #sessions: Sessions
  readonly #locator: Locator
  readonly #rooms: () => Iterable<Mates>
  readonly #store: BlockStore
  readonly #traffic = new Traffic()
  readonly #sides = new Map<Session, Side>()
  readonly #fetches = new Set<Fetch>()
  readonly #put = new Set<string>()
  #count = 0
  #stopped = false

  constructor(options: ContentOptions) {
    this.#sessions = options.sessions
    this.#locator = options.locator
    this.#rooms = options.rooms
    this.#store = options.store ?? new BlockStore()
    const { sessions } = options
    sessions.handle('have', (session, body) => this.#side(session).server.have(body))
    sessions.handle('want', (session, body) => this.#side(session).server.want(body))
    sessions.handle('cancel', (session, body) => this.#side(session).server.cancel(body))
    sessions.handle('has', (session, body) => this.#side(session).exchange.has(body))
    sessions.handle('lack', (session, body) => this.#side(session).exchange.lack(body))
    sessions.handleBulk(BLOCKS, (session) => new BlockReceiver(this.#side(session).exchange))
  }

  /**
   * Keeps up to 64 MiB in this page's memory and announces it; resolves with its CID. Where no
   * node takes the announcement, it's still served to room mates. Rejects `too-large`.
   */
  async put(source: Blob | Uint8Array, { onProgress }: PutOptions = {}): Promise<string> {
    this.#check()
    const size = source instanceof Uint8Array ? source.length : source.size
    if (size > limits.PUT) {
      throw new VeloxError('too-large', `put takes up to ${limits.PUT} bytes, this has ${size}: send it as a file`)
    }
    const owner = `put ${this.#count++}`
    let root: Cid
    try {
      root = await importFile(source, ({ text }, block) => this.#store.pin(text, block, owner), onProgress)
      // From now on the pins are the root's: putting the same twice takes no more memory.
      if (this.#put.has(root.text)) this.#store.unpin(owner)
      else this.#store.rename(owner, root.text)
    } catch (error) {
      this.#store.unpin(owner)
      throw error
    }
    this.#put.add(root.text)
    const announced = this.#locator.provide(root.text).catch(() => undefined)
    await Promise.race([announced, new Promise((resolve) => setTimeout(resolve, limits.PROVIDE_WITHIN))])
    return root.text
  }

  /** Announces it no more; its blocks go when others need their room. */
  async forget(cid: string): Promise<void> {
    if (!this.#put.delete(cid)) return
    this.#store.unpin(cid)
    await this.#locator.unprovide(cid)
  }

  /**
   * Resolves with a Response as soon as the file's size is known; its body is verified block by
   * block and comes in order. Rejects `bad-cid`, `not-found` (nobody had it within 10 s),
   * `timeout` (whoever had it stopped, and nobody else had it within 10 s), `aborted`, `closed`;
   * so does the body where that happens later.
   */
  async get(cid: string, { onProgress, signal }: GetOptions = {}): Promise<Response> {
    this.#check()
    const root = parseCid(cid)
    if (signal?.aborted) throw aborted()
    const search = new Search({
      root,
      sessions: this.#sessions,
      locator: this.#locator,
      mates: () => this.#mates(),
      exchange: (session) => this.#side(session).exchange,
      store: this.#store,
    })
    const { fetch } = search
    this.#fetches.add(fetch)
    const abort = (): void => fetch.fail(aborted())
    signal?.addEventListener('abort', abort)
    let failure: unknown
    const ended = (error?: unknown): void => {
      failure = error
      signal?.removeEventListener('abort', abort)
      this.#fetches.delete(fetch)
      search.stop()
    }
    let tree: FileTree
    try {
      tree = await openTree(root, (node) => fetch.block(node))
    } catch (error) {
      ended()
      throw error
    }
    const body = bodyOf(tree, { block: (leaf) => fetch.block(leaf), onProgress, ended })
    const response = new Response(body, {
      status: 200,
      headers: { 'content-length': String(tree.size), 'content-type': 'application/octet-stream' },
    })
    return keepErrors(response, () => failure)
  }

  /** Bytes of blocks that came from peers and went to peers. */
  stats(): ContentStats {
    return this.#traffic.stats(this.#store.size)
  }

  /** Ends every fetch. */
  stop(): void {
    this.#stopped = true
    for (const fetch of this.#fetches) fetch.fail(closed())
  }

  #check(): void {
    if (this.#stopped) throw closed()
  }

  /** What a session exchanges, made when it first does. */
  #side(session: Session): Side {
    let side = this.#sides.get(session)
    if (!side) {
      const { peerId } = session
      side = {
        exchange: new Exchange(session, (bytes) => this.#traffic.received(peerId, bytes)),
        server: new Server(session, this.#store, (bytes) => this.#traffic.sent(peerId, bytes)),
      }
      this.#sides.set(session, side)
      session.onClose(() => this.#sides.delete(session))
    }
    return side
  }

  /** Sessions with members of our rooms. */
  *#mates(): Iterable<Session> {
    const seen = new Set<string>()
    for (const { peers } of this.#rooms()) {
      for (const { peerId, connected } of peers.values()) {
        const session = connected && !seen.has(peerId) && this.#sessions.get(peerId)
        if (!session) continue
        seen.add(peerId)
        yield session
      }
    }
  }
}

/** Browsers make one TypeError of whatever goes wrong with a body: this keeps our own error. */
function keepErrors(response: Response, failure: () => unknown): Response {
  for (const method of ['arrayBuffer', 'blob', 'json', 'text'] as const) {
    const read = (): Promise<unknown> =>
      Response.prototype[method].call(response).catch((error: unknown) => {
        throw failure() ?? error
      })
    Object.defineProperty(response, method, { value: read })
  }
  return response
}

const aborted = (): VeloxError => new VeloxError('aborted', 'the caller aborted')
const closed = (): VeloxError => new VeloxError('closed', 'it was stopped: start anew')
