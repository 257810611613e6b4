/** Why a session failed, out of what was seen of it. */
import { natOf, udpOf, type Probe } from './nat.js'

/**
 * - `peer-gone`: the offer reached it over no node.
 * - `timeout`: it got the offer and didn't answer within 8 s.
 * - `connection-lost`: the session stood, broke, and an ICE restart didn't mend it.
 * - `udp-blocked`: this page gets nothing through by UDP, and no relay over TCP was to be had.
 * - `symmetric-nat-no-relay`: one of the two has another port for everyone it talks to, and no node
 *   relays.
 * - `no-relay`: `privacy: 'relay'`, and no node relays.
 * - `relay-failed`: there was a relay, and still no pair of addresses connected.
 * - `no-route`: addresses were exchanged, and no pair of them connected.
 */
export type FailureReason =
  | 'peer-gone'
  | 'timeout'
  | 'connection-lost'
  | 'udp-blocked'
  | 'symmetric-nat-no-relay'
  | 'no-relay'
  | 'relay-failed'
  | 'no-route'

/** A kind of pair of addresses that ICE tried: `host`, `srflx` or `relay` each. */
export interface TriedPair {
  local: string
  remote: string
}

export interface Evidence {
  /** How the session ended: `unreachable`, `no-answer`, `no-connection`, `silent`, `closed`. */
  code: string
  /** It had been open. */
  opened: boolean
  privacy: 'direct' | 'relay' | undefined
  /** Either side's description, with its candidates. */
  local: string
  remote: string
}

/** Types of a description's candidates. */
const typesOf = (sdp: string): string[] => [...new Set([...sdp.matchAll(/^a=candidate:.* typ (\w+)/gm)].map(([, type]) => type))]

export const pairsOf = ({ local, remote }: Pick<Evidence, 'local' | 'remote'>): TriedPair[] =>
  typesOf(local).flatMap((one) => typesOf(remote).map((other) => ({ local: one, remote: other })))

/** Lines of one kind of candidate in an SDP. */
const lines = (sdp: string, type: string): string[] => sdp.match(new RegExp(`^a=candidate:.* udp .* typ ${type} .*$`, 'gim')) ?? []

/** Whether a description shows several ports of one NAT for one socket. */
export function looksSymmetric(sdp: string): boolean {
  const ports = new Map<string, Set<string>>()
  for (const line of lines(sdp, 'srflx')) {
    const [, , , , address, port] = line.split(' ')
    const related = / raddr \S+ rport \d+/.exec(line)?.[0]
    const network = / network-id \d+/.exec(line)?.[0]
    const key = [address, related, network].join()
    ports.set(key, (ports.get(key) ?? new Set()).add(port))
  }
  return [...ports.values()].some(({ size }) => size > 1)
}

export const needsProbe = ({ code, opened }: Pick<Evidence, 'code' | 'opened'>): boolean =>
  code === 'no-connection' && !opened

/** `own`: what a probe found, where `needsProbe` asked for one. */
export function reasonOf(evidence: Evidence, own?: Probe): FailureReason {
  const { code, opened, privacy, local, remote } = evidence
  if (opened) return 'connection-lost'
  if (code === 'unreachable') return 'peer-gone'
  if (code === 'no-answer') return 'timeout'
  const [relayed, theirs] = [local, remote].map((sdp) => typesOf(sdp).includes('relay'))
  if (privacy === 'relay' && !relayed) return 'no-relay'
  if (relayed || theirs) return 'relay-failed'
  if (own && udpOf(own) === false) return 'udp-blocked'
  if (looksSymmetric(remote) || (own && natOf(own) === 'symmetric')) return 'symmetric-nat-no-relay'
  return 'no-route'
}

/** What it means, and what to do. */
export const WORDS: Record<FailureReason, string> = {
  'peer-gone': 'No node could reach the other page: it has probably gone.',
  timeout: "The other page got the offer, but didn't answer: it may be asleep or overloaded.",
  'connection-lost': 'The connection broke, and no other way was found.',
  'udp-blocked': 'This network lets no UDP through: a node that relays over TCP would help.',
  'symmetric-nat-no-relay': 'A router on the way gives each connection another port, and no node relays: a node with TURN would help.',
  'no-relay': "privacy: 'relay' needs a node that relays, and none does: turn TURN on at a node.",
  'relay-failed': "A relay was there, but the two pages' addresses didn't connect through it: a firewall may be in between.",
  'no-route': 'None of the addresses that the two pages have reach each other: a firewall may be in between. A node with TURN would help.',
}
