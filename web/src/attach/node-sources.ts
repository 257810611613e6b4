/** Where addresses come from: the caller's list, discovery documents, nodes, and memory. */
import { VeloxError } from '../errors.js'
import type { LocalPeer } from '../local-peer.js'
import type { AddressBook, Source } from './address-book.js'
import { addressOfBase, isAllowed, isPrivate, parseMultiaddr } from './address.js'
import { BACKOFF_FIRST, BACKOFF_LAST, MEMORY_SIZE, REFRESH } from './defaults.js'
import { fetchDocument, verifiedNodes, type DiscoveryDocument } from './discovery.js'
import { load, save } from './storage.js'

interface Base {
  url: string
  source: Source
  failures: number
  notBefore: number
  reason?: string
}

export interface SourceOptions {
  /** Base URLs and multiaddrs. */
  nodes: string[]
  /** The page's own origin, where it may be asked. */
  origin?: string
  /** A document that was fetched already, by its base URL. */
  fetched?: { base: string; document: DiscoveryDocument }
}

export class NodeSources {
  readonly #bases: Base[] = []
  readonly #stop = new AbortController()
  #lastAsked = 0
  #onNews = (): void => {}

  /** Throws `malformed` where a node's address can't be read. */
  constructor(
    private readonly self: Pick<LocalPeer, 'network' | 'verify'>,
    private readonly book: AddressBook,
    private readonly options: SourceOptions,
    /** The network's time. */
    private readonly now: () => number,
  ) {
    for (const node of options.nodes) {
      const address = parseMultiaddr(node)
      if (address) book.add(address, 'nodes')
      else if (/^https?:\/\//.test(node) && URL.canParse(node)) this.#addBase(node, 'nodes')
      else if (!node.startsWith('/')) {
        throw new VeloxError('malformed', `${node} is neither a base URL nor a multiaddr`)
      }
    }
    if (options.origin) this.#addBase(options.origin, 'origin', options.fetched?.document.attaches)
  }

  /** Asks all of them; `onNews` is called whenever there may be new addresses. */
  async start(onNews: () => void): Promise<void> {
    this.#onNews = onNews
    this.refresh(true)
    const remembered = await load(this.#memoryKey())
    if (!Array.isArray(remembered)) return
    for (const text of remembered) {
      const address = typeof text === 'string' && parseMultiaddr(text)
      if (address && isAllowed(address)) this.book.add(address, 'memory', true)
    }
  }

  /** Fetches the documents that are due. */
  refresh(urgent: boolean): void {
    const now = Date.now()
    for (const base of this.#bases) {
      const due = urgent ? base.notBefore : Math.max(base.notBefore, this.#lastAsked + REFRESH)
      if (due <= now) void this.#ask(base)
    }
  }

  /** Takes in signed node records; `host` is that of whoever handed them on. */
  async learn(records: Uint8Array[], host: string): Promise<void> {
    for (const record of await verifiedNodes(this.self.verify, records, this.self.network, this.now())) {
      this.#add(record.node, record.addrs, 'network', host)
    }
    this.#onNews()
  }

  /** Keeps what works for the next visit. */
  remember(): void {
    const proven = this.book
      .entries()
      .filter(({ proven, node, reason }) => proven && node && !reason)
      .map(({ address, node }) => `${address.text}/p2p/${node}`)
    // Without a memory the next visit asks its origin.
    save(this.#memoryKey(), proven.slice(-MEMORY_SIZE)).catch(() => {})
  }

  /** Lines about the documents that couldn't be had. */
  failures(): string[] {
    return this.#bases.flatMap(({ reason }) => reason ?? [])
  }

  stop(): void {
    this.#stop.abort()
    this.#onNews = () => {}
  }

  #memoryKey(): string {
    return `nodes:${this.self.network}`
  }

  #addBase(url: string, source: Source, attaches = true): void {
    this.#bases.push({ url, source, failures: 0, notBefore: 0 })
    // Most bases are nodes: dialed at once, while the document is on its way.
    if (attaches) this.book.add(addressOfBase(url), source)
  }

  async #ask(base: Base): Promise<void> {
    base.notBefore = Infinity
    this.#lastAsked = Date.now()
    const { fetched } = this.options
    try {
      const document =
        fetched?.base === base.url && !base.failures
          ? fetched.document
          : await fetchDocument(base.url, this.#stop.signal)
      this.options.fetched = undefined
      if (document.network !== this.self.network) {
        throw new VeloxError(
          'denied',
          `${base.url} belongs to network '${document.network}', not '${this.self.network}'`,
        )
      }
      Object.assign(base, { failures: 0, reason: undefined, notBefore: Date.now() + BACKOFF_FIRST * 4 })
      const { hostname } = new URL(base.url)
      // Known by now, the node can be dialed by its other addresses at the same time.
      if (document.attaches) this.book.add(addressOfBase(base.url, document.peerId), base.source)
      const records = await verifiedNodes(
        this.self.verify,
        document.records,
        this.self.network,
        document.time,
      )
      for (const { node, addrs } of records) {
        this.#add(node, addrs, node === document.peerId ? base.source : 'network', hostname)
      }
      this.#onNews()
    } catch (error) {
      base.reason = (error as Error).message
      base.notBefore = Date.now() + Math.min(BACKOFF_LAST, BACKOFF_FIRST * 2 ** base.failures++)
    }
  }

  #add(node: string, addrs: string[], source: Source, from: string): void {
    for (const text of addrs) {
      const address = parseMultiaddr(text)
      if (!address || !isAllowed(address)) continue
      // Nobody from outside may have this page knock on doors at home.
      if (isPrivate(address.host) && !isPrivate(from)) continue
      this.book.add({ ...address, node }, source, source !== 'network')
    }
  }
}
