/**
 * Why things don't work, in words: `velox.diagnose()`, and the reasons of failed sessions. A file of
 * its own in dist/, loaded when somebody asks or a session fails.
 */
import { natOf, probe, udpOf, type Nat, type Probe } from './nat.js'
import { needsProbe, pairsOf, reasonOf, WORDS, type FailureReason, type TriedPair } from './reasons.js'

/** A node that this page is attached to. */
export interface ReachedNode {
  peerId: string
  carrier: 'webrtc-direct' | 'websocket'
  /** Milliseconds of a round trip. */
  rtt: number
}

export interface Diagnosis {
  /** Whether UDP gets out and back; undefined where no node could be asked. */
  udp: boolean | undefined
  nat: Nat
  /** Nodes that this page is attached to, the primary first. */
  nodes: ReachedNode[]
  /** Whether nodes offer to relay, and whether a relay could be had, within 5 s. */
  turn: { offered: boolean; working: boolean }
  /** Milliseconds by which this device's clock is behind the network's. */
  clockOffset: number
  /** What to do, in sentences; one that says so where all is well. */
  advice: string[]
}

export interface Circumstances {
  rtc: typeof RTCPeerConnection | undefined
  ice: RTCIceServer[]
  nodes: ReachedNode[]
  /** The network's time less this device's, ms. */
  offset: number
  privacy: 'direct' | 'relay' | undefined
}

/** A clock further off than this is refused by nodes. */
const CLOCK_TOLERANCE = 120_000
/** Milliseconds of a round trip above which introductions are slow. */
const SLOW = 400
/** For how long a probe's result stands for sessions that fail, ms. */
const FRESH = 60_000

export async function diagnose({ rtc, ice, nodes, offset }: Circumstances): Promise<Diagnosis> {
  const found = rtc ? await probe(rtc, ice) : undefined
  const direct = nodes.some(({ carrier }) => carrier === 'webrtc-direct')
  const diagnosis = {
    udp: direct || (found && udpOf(found)),
    nat: found ? natOf(found) : ('unknown' as const),
    nodes,
    turn: {
      offered: ice.some(({ urls }) => [urls].flat().some((url) => /^turns?:/.test(url))),
      working: !!found?.candidates.some(({ type }) => type === 'relay'),
    },
    clockOffset: Math.round(offset),
  }
  return { ...diagnosis, advice: advise(diagnosis, !!rtc) }
}

export function advise({ udp, nat, nodes, turn, clockOffset }: Omit<Diagnosis, 'advice'>, hasWebRtc = true): string[] {
  const relays = turn.offered && turn.working
  const advice: string[] = []
  const say = (holds: boolean, sentence: string): void => void (holds && advice.push(sentence))
  say(!hasWebRtc, 'This browser has no WebRTC, or has it switched off: allow it, or use another browser.')
  say(!nodes.length, 'No node is attached: check the network connection, and that the nodes run.')
  say(nodes.length === 1, 'Only one node is attached: start a second one, so that losing one goes unnoticed.')
  say(udp === false && relays, 'UDP is blocked here, so sessions go through relays: ask whoever runs this network to let UDP out.')
  say(udp === false && !relays, 'UDP is blocked here and no relay works: let UDP out, or turn TURN on at a node.')
  say(nat === 'symmetric' && !relays, 'The router here gives each connection another port: turn TURN on at a node, or sessions with some peers will fail.')
  say(turn.offered && !turn.working, 'Nodes offer to relay, but no relay could be had: check that their TURN ports are open.')
  say(nodes.length > 0 && Math.min(...nodes.map(({ rtt }) => rtt)) > SLOW, 'The nearest node is far away: one nearer to your visitors would introduce them faster.')
  say(Math.abs(clockOffset) > CLOCK_TOLERANCE, "This device's clock is wrong by more than two minutes: set it.")
  return advice.length ? advice : ['All is well.']
}

/** A session that failed, as an application hears of it. */
export interface Failure {
  reason: FailureReason
  /** What it means, and what to do. */
  message: string
  /** Kinds of pairs of addresses that there were to try, each once; none where no answer came. */
  pairs: TriedPair[]
}

/** What is left of a session that failed. */
export interface Remains {
  code: string
  opened: boolean
  connection: RTCPeerConnection
}

let probed: { at: number; probe: Promise<Probe> } | undefined

export async function explain(
  { code, opened, connection }: Remains,
  { rtc, ice, privacy }: Pick<Circumstances, 'rtc' | 'ice' | 'privacy'>,
): Promise<Failure> {
  const [local, remote] = [connection.localDescription, connection.remoteDescription].map((text) => text?.sdp ?? '')
  const evidence = { code, opened, privacy, local, remote }
  const reason = reasonOf(evidence, needsProbe(evidence) && rtc ? await probeOnce(rtc, ice) : undefined)
  return { reason, message: WORDS[reason], pairs: pairsOf(evidence) }
}

/** Sessions mostly fail several at a time, and for one reason. */
function probeOnce(rtc: typeof RTCPeerConnection, ice: RTCIceServer[]): Promise<Probe> {
  const now = performance.now()
  if (!probed || now - probed.at > FRESH) probed = { at: now, probe: probe(rtc, ice) }
  return probed.probe
}
