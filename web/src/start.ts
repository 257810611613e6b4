/** What `Velox.start` takes, and how it becomes a local peer and a place to begin. */
import { fetchDocument, type DiscoveryDocument } from './attach/discovery.js'
import type { SourceOptions } from './attach/node-sources.js'
import type { WebSocketConstructor } from './attach/websocket.js'
import { persistentKey } from './crypto/persistent-key.js'
import { loadSuite } from './crypto/suite.js'
import { VeloxError } from './errors.js'
import { LocalPeer } from './local-peer.js'
import { NETWORK } from './wire/limits.js'
import { isName } from './wire/schema.js'

export interface StartOptions {
  /** The network's name. Default: what the first of `nodes`, or the default of `nodes`, says. */
  network?: string
  /**
   * Base URLs (`https://host`) or multiaddrs. Default: what the page's own origin says, else the
   * server that this library was loaded from.
   */
  nodes?: string[]
  /** The admission token of a closed network. */
  token?: string
  /** `fresh` (default): a new PeerId at every start. `persistent`: the same in this browser. */
  identity?: 'fresh' | 'persistent'
  /** `direct` (default), or `relay`: TURN alone, which hides this page's address from others. */
  privacy?: 'direct' | 'relay'
  /** Constructors for runtimes that have none of their own. */
  rtc?: { RTCPeerConnection?: typeof RTCPeerConnection; WebSocket?: WebSocketConstructor }
}

export interface Beginning {
  self: LocalPeer
  sources: SourceOptions
  webSocket: WebSocketConstructor
  /** Lets go of a persistent identity. */
  release: () => void
}

/** Rejects with `malformed`, `unsupported`, `needs-https`, `in-use`, or `unreachable`. */
export async function begin(options: StartOptions): Promise<Beginning> {
  const webSocket = options.rtc?.WebSocket ?? globalThis.WebSocket
  if (!webSocket) {
    throw new VeloxError('unsupported', 'this runtime has no WebSocket: pass `rtc: { WebSocket }`')
  }
  const nodes = options.nodes ?? []
  const origins = options.nodes ? [] : ownOrigins()
  if (!nodes.length && !origins.length) {
    throw new VeloxError('unreachable', 'no node is known: pass `nodes`, base URLs or multiaddrs')
  }
  const loading = loadSuite()
  const fetched = origins.length
    ? await firstOf(origins)
    : options.network
      ? undefined
      : await anyOf(nodes.filter((node) => /^https?:/.test(node)))
  const network = options.network ?? fetched!.document.network
  if (!isName(network, NETWORK)) {
    throw new VeloxError(
      'malformed',
      `a network's name has 1 to ${NETWORK} bytes and no control characters`,
    )
  }
  const suite = await loading
  const persistent = options.identity === 'persistent'
  const { key, release } = persistent
    ? await persistentKey(network, suite)
    : { key: await suite.signingKey(), release: () => {} }
  const self = await LocalPeer.start(network, suite, key)
  return { self, sources: { nodes, origin: origins.length ? fetched?.base : undefined, fetched }, webSocket, release }
}

interface Fetched {
  base: string
  document: DiscoveryDocument
}

/** The page's origin, then that of this very file, where it is another: a node serves it, too. */
function ownOrigins(): string[] {
  const urls = [globalThis.location?.href, import.meta.url]
  const origins = urls.flatMap((url) => (url && /^https?:/.test(url) ? new URL(url).origin : []))
  return [...new Set(origins)]
}

/** The document of the first of `bases` that has one. */
async function firstOf(bases: string[]): Promise<Fetched> {
  const failures: unknown[] = []
  for (const base of bases) {
    try {
      return { base, document: await fetchDocument(base) }
    } catch (error) {
      failures.push(error)
    }
  }
  throw nobody(failures)
}

/** The document that comes first. */
async function anyOf(bases: string[]): Promise<Fetched> {
  if (!bases.length) {
    throw new VeloxError('malformed', 'multiaddrs name no network: pass `network` along with them')
  }
  try {
    return await Promise.any(
      bases.map(async (base) => ({ base, document: await fetchDocument(base) })),
    )
  } catch (error) {
    throw nobody((error as AggregateError).errors)
  }
}

function nobody(failures: unknown[]): VeloxError {
  const reasons = failures.map((failure) => (failure as Error).message)
  return new VeloxError('unreachable', `no node could be asked:\n${reasons.join('\n')}`, {
    cause: failures[0],
  })
}
