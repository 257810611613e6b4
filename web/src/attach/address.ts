/** Where a node may be dialed: the multiaddrs that this client has a carrier for. */
import { isPeerId } from '../wire/peer-id.js'

export interface Address {
  /** The multiaddr, without `/p2p/…`. */
  readonly text: string
  /** What to open. */
  readonly url: string
  /** The host in `url`. */
  readonly host: string
  /** The PeerId after `/p2p/`, if there is one. */
  readonly node?: string
}

const HOST = /^\/(ip4|ip6|dns|dns4|dns6)\/([^/]+)\/tcp\/(\d+)\/(ws|wss|tls\/ws)(?:\/p2p\/([^/]+))?$/

/** Undefined where the multiaddr isn't one of a WebSocket. */
export function parseMultiaddr(multiaddr: string): Address | undefined {
  const match = HOST.exec(multiaddr)
  if (!match) return undefined
  const [, kind, name, port, carrier, node] = match
  if (node && !isPeerId(node)) return undefined
  const host = kind === 'ip6' ? `[${name}]` : name
  try {
    const url = new URL(`${carrier === 'ws' ? 'ws' : 'wss'}://${host}:${port}/velox/attach`)
    return { text: multiaddr.replace(/\/p2p\/.*/, ''), url: url.href, host: url.hostname, node }
  } catch {
    return undefined
  }
}

/** The attach address of the node whose HTTP is at `base`. */
export function addressOfBase(base: string, node?: string): Address {
  const url = new URL('/velox/attach', base)
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  const { hostname, port } = url
  const kind = hostname.startsWith('[') ? 'ip6' : /^[\d.]+$/.test(hostname) ? 'ip4' : 'dns'
  const scheme = url.protocol.slice(0, -1)
  const number = port || (scheme === 'wss' ? '443' : '80')
  return {
    text: `/${kind}/${hostname.replace(/[[\]]/g, '')}/tcp/${number}/${scheme}`,
    url: url.href,
    host: hostname,
    node,
  }
}

/** Whether a host is this machine or in a local network. Such addresses come from there alone. */
export const isPrivate = (host: string): boolean =>
  /^(localhost|.*\.local|127\..*|10\..*|192\.168\..*|169\.254\..*|172\.(1[6-9]|2\d|3[01])\..*|\[(::1|f[cd].*|fe[89ab].*)\])$/.test(
    host,
  )

/** Whether this page may open it: an https page may open plain `ws:` to its own machine only. */
export const isAllowed = (address: Address): boolean =>
  globalThis.location?.protocol !== 'https:' ||
  address.url.startsWith('wss:') ||
  /^(localhost|127\..*|\[::1\])$/.test(address.host)
