/** Where a node may be dialed: the multiaddrs that this client has a carrier for. */
import { fromBase64Url } from '../wire/bytes.js'
import { isPeerId } from '../wire/peer-id.js'

interface Dialable {
  /** The multiaddr, without `/p2p/…`. */
  readonly text: string
  /** As it is in URLs. */
  readonly host: string
  /** The PeerId after `/p2p/`, if there is one. */
  readonly node?: string
}

export interface WebSocketAddress extends Dialable {
  readonly kind: 'websocket'
  /** What to open. */
  readonly url: string
}

export interface DirectAddress extends Dialable {
  readonly kind: 'webrtc-direct'
  readonly port: number
  /** SHA-256 of the server's certificate. */
  readonly fingerprint: Uint8Array
}

export type Address = WebSocketAddress | DirectAddress

const MULTIADDR =
  /^(\/(ip4|ip6|dns|dns4|dns6)\/([^/]+)\/(?:tcp\/(\d+)\/(ws|wss|tls\/ws)|udp\/(\d+)\/webrtc-direct\/certhash\/u(Ei[A-D][\w-]{43})))(?:\/p2p\/([^/]+))?$/

/** Undefined where there is no carrier for the multiaddr. A certhash is base64url's of SHA-256. */
export function parseMultiaddr(multiaddr: string): Address | undefined {
  const match = MULTIADDR.exec(multiaddr)
  if (!match) return undefined
  const [, text, kind, name, tcp, carrier, udp, certhash, node] = match
  if (node && !isPeerId(node)) return undefined
  const host = kind === 'ip6' ? `[${name}]` : name
  try {
    // Parsed by the browser, the host is a host.
    const url = new URL(
      `${carrier && carrier !== 'ws' ? 'wss' : 'ws'}://${host}:${tcp ?? udp}/velox/attach`,
    )
    const dialable = { text, host: url.hostname, node }
    if (carrier) return { ...dialable, kind: 'websocket', url: url.href }
    // ICE knows addresses only.
    if (!/^(\[|[\d.]+$)/.test(url.hostname) || !Number(udp)) return undefined
    const fingerprint = fromBase64Url(certhash).subarray(2)
    return { ...dialable, kind: 'webrtc-direct', port: Number(udp), fingerprint }
  } catch {
    return undefined
  }
}

/** The attach address of the node whose HTTP is at `base`. */
export function addressOfBase(base: string, node?: string): WebSocketAddress {
  const url = new URL('/velox/attach', base)
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  const { hostname, port } = url
  const family = hostname.startsWith('[') ? 'ip6' : /^[\d.]+$/.test(hostname) ? 'ip4' : 'dns'
  const scheme = url.protocol.slice(0, -1)
  const number = port || (scheme === 'wss' ? '443' : '80')
  return {
    kind: 'websocket',
    text: `/${family}/${hostname.replace(/[[\]]/g, '')}/tcp/${number}/${scheme}`,
    url: url.href,
    host: hostname,
    node,
  }
}

/** For people. */
export const nameOf = (address: Address): string =>
  address.kind === 'websocket' ? address.url : address.text

/** Whether a host is this machine or in a local network. Such addresses come from there alone. */
export const isPrivate = (host: string): boolean =>
  /^(localhost|.*\.local|127\..*|10\..*|192\.168\..*|169\.254\..*|172\.(1[6-9]|2\d|3[01])\..*|\[(::1|f[cd].*|fe[89ab].*)\])$/.test(
    host,
  )

/** Whether this page may open it: an https page may open plain `ws:` to its own machine only. */
export const isAllowed = (address: Address): boolean =>
  address.kind === 'webrtc-direct' ||
  globalThis.location?.protocol !== 'https:' ||
  address.url.startsWith('wss:') ||
  /^(localhost|127\..*|\[::1\])$/.test(address.host)
