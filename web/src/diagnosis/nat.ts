/** What is between this page and its nodes, as ICE sees it: one connection gathers, and nobody answers it. */

/** Milliseconds for the servers to answer: four retransmissions of RFC 8489's first. */
const WITHIN = 5_000

/**
 * `none`: nodes see this machine's own address. `cone`: one address and port whoever is talked to;
 * that's all that can be said of no NAT, too, where the browser hides the machine's address, as
 * Chromium does. `symmetric`: another port for each, so that a peer can't know where to send.
 * `unknown`: fewer than two servers answered.
 */
export type Nat = 'none' | 'cone' | 'symmetric' | 'unknown'

/** A candidate as `RTCIceCandidate` has it. */
export interface Gathered {
  type: string
  address: string
  port: number
  /** Which of this machine's sockets it is of, as far as the browser tells. */
  base: string
  /** For a relayed one: by what the relay was reached, `udp` or `tcp`. */
  relayProtocol?: string
}

export interface Probe {
  /** Servers that say where they see this page, asked by UDP. */
  servers: number
  candidates: Gathered[]
  /** Whether the browser said that it was done, within 5 s. */
  complete: boolean
  /** Servers that gave no answer, as far as the browser says. */
  errors: number
}

/** Asks the nodes' servers; a TURN server over UDP says, as a STUN server does, whom it sees. */
export async function probe(rtc: typeof RTCPeerConnection, iceServers: RTCIceServer[]): Promise<Probe> {
  const stun = [...new Set(iceServers.flatMap(stunUrls))]
  const connection = new rtc({ iceServers: [...iceServers, ...stun.map((urls) => ({ urls }))] })
  const candidates: Gathered[] = []
  const failed = new Set<string>()
  try {
    const complete = new Promise<boolean>((resolve) => {
      connection.onicecandidate = ({ candidate }) => {
        if (!candidate) resolve(true)
        else if (candidate.candidate) candidates.push(gathered(candidate))
      }
      setTimeout(() => resolve(false), WITHIN)
    })
    connection.onicecandidateerror = ({ url }) => void failed.add(url)
    connection.createDataChannel('')
    await connection.setLocalDescription()
    return { servers: stun.length, candidates, complete: await complete, errors: failed.size }
  } finally {
    connection.close()
  }
}

/** A node's STUN and TURN servers are one. */
function stunUrls({ urls }: RTCIceServer): string[] {
  return [urls].flat().flatMap((url) => {
    const [, address] = /^(?:stun|turn):([^?]+)(?:\?transport=udp)?$/.exec(url) ?? []
    return address ? [`stun:${address}`] : []
  })
}

function gathered({ candidate, type, address, port, relatedAddress, relatedPort }: RTCIceCandidate): Gathered {
  // Chromium names the network, and neither interface nor socket; Firefox names the socket.
  const [network] = /network-id \d+/.exec(candidate) ?? []
  const family = address?.includes(':') ? 6 : 4
  // RFC 8839: the relay's protocol isn't in the text; the type preference of TCP relays is lower.
  const preference = Number(candidate.split(' ')[3]) >>> 24
  return {
    type: type!,
    address: address!,
    port: port!,
    base: [network, family, relatedAddress, relatedPort].join(' '),
    ...(type === 'relay' ? { relayProtocol: preference >= 2 ? 'udp' : 'tcp' } : {}),
  }
}

/** Whether UDP gets out and back; undefined where nobody could be asked. */
export function udpOf({ servers, candidates, complete, errors }: Probe): boolean | undefined {
  if (candidates.some(({ type, relayProtocol }) => type === 'srflx' || relayProtocol === 'udp')) return true
  if (!servers) return undefined
  // Seen as it is: the answer names no other address than the machine's own.
  return complete && errors === 0
}

export function natOf(found: Probe): Nat {
  const mapped = found.candidates.filter(({ type }) => type === 'srflx')
  const bases = new Map<string, Set<number>>()
  for (const { base, port } of mapped) bases.set(base, (bases.get(base) ?? new Set()).add(port))
  if ([...bases.values()].some(({ size }) => size > 1)) return 'symmetric'
  if (!udpOf(found)) return 'unknown'
  if (!mapped.length) return found.complete && found.errors === 0 ? 'none' : 'unknown'
  return found.servers > 1 && found.complete && found.errors === 0 ? 'cone' : 'unknown'
}
