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
  /** The network's name. Default: what the first of `nodes`, or the page's origin, says. */
  network?: string
  /** Base URLs (`https://host`) or multiaddrs. Default: the page's own origin. */
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
  const location = globalThis.location
  const origin =
    !options.nodes && location?.protocol.startsWith('http') ? location.origin : undefined
  if (!nodes.length && !origin) {
    throw new VeloxError('unreachable', 'no node is known: pass `nodes`, base URLs or multiaddrs')
  }
  const loading = loadSuite()
  const fetched = options.network
    ? undefined
    : await firstDocument(origin ? [origin] : nodes.filter((node) => /^https?:/.test(node)))
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
  return { self, sources: { nodes, origin, fetched }, webSocket, release }
}

async function firstDocument(
  bases: string[],
): Promise<{ base: string; document: DiscoveryDocument }> {
  if (!bases.length) {
    throw new VeloxError('malformed', 'multiaddrs name no network: pass `network` along with them')
  }
  try {
    return await Promise.any(
      bases.map(async (base) => ({ base, document: await fetchDocument(base) })),
    )
  } catch (error) {
    const reasons = (error as AggregateError).errors.map((each: Error) => each.message)
    throw new VeloxError('unreachable', `no node could be asked:\n${reasons.join('\n')}`, {
      cause: error,
    })
  }
}
