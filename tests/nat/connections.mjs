/** The connections of a page: which way a session goes. Nothing of this is in the product. */

import { until } from '../support/deadline.mjs'

/** Before the page navigates. `extra` are ICE servers for sessions besides those that they have. */
export const watchConnections = (page, extra = []) => page.evaluateOnNewDocument(watch, extra)

/** In which a session that began over a relay finds the direct way, and stays on it. */
const SETTLED_MS = 5_000

/**
 * Waits until the newest session of the two pages goes that way, as long as that may take; then
 * says how it goes.
 */
export async function settled(wanted, ...pages) {
  /** @type {Awaited<ReturnType<typeof wayBetween>>} */
  let found
  const asWanted = async () => (found = await wayBetween(...pages)).way === wanted
  await until(asWanted, `a session that goes ${wanted}`, SETTLED_MS).catch(() => {})
  return found
}

/** What became of the sessions of a page: `{ at, what }`, `at` by `Date.now()`. */
export const historyOf = (page) => page.evaluate(() => window.sessions.history)

/**
 * How the newest session of each of the two pages goes, by the candidates that it has selected.
 *
 * @returns {Promise<{ way: 'direct' | 'relay' | 'none', candidates: string[] }>}
 */
export async function wayBetween(...pages) {
  const pairs = await Promise.all(pages.map((page) => page.evaluate(() => window.sessions.selected())))
  // A relay of one side may be a stranger's address to the other, so both are asked.
  const relayed = pairs.some((pair) => pair?.includes('relay'))
  return {
    way: pairs.some((pair) => !pair) ? 'none' : relayed ? 'relay' : 'direct',
    candidates: pairs.map((pair) => pair?.join('-') ?? 'none'),
  }
}

/** Runs in the page. A session is known by its control channel. */
function watch(extra) {
  const sessions = []
  const history = []
  const Connection = window.RTCPeerConnection
  window.RTCPeerConnection = class extends Connection {
    constructor(configuration) {
      const iceServers = [...(configuration?.iceServers ?? []), ...extra]
      super(configuration?.iceServers ? { ...configuration, iceServers } : configuration)
    }
    createDataChannel(label, options) {
      if (label === 'velox') observe(this)
      return super.createDataChannel(label, options)
    }
  }
  const observe = (session) => {
    const number = sessions.push(session)
    const note = (what) => history.push({ at: Date.now(), what: `session ${number} ${what}` })
    note('is made')
    session.addEventListener('connectionstatechange', () => note(session.connectionState))
    session.addEventListener('iceconnectionstatechange', () => note(`ICE ${session.iceConnectionState}`))
    session.addEventListener('signalingstatechange', () => note(session.signalingState))
    session.addEventListener('icecandidate', ({ candidate }) => candidate && note(`finds ${candidate.candidate}`))
  }
  const selected = async () => {
    const session = sessions.filter(({ connectionState }) => connectionState === 'connected').at(-1)
    const stats = await session?.getStats()
    for (const transport of stats?.values() ?? []) {
      const pair = transport.type === 'transport' && stats.get(transport.selectedCandidatePairId)
      if (!pair) continue
      return [pair.localCandidateId, pair.remoteCandidateId].map((id) => stats.get(id)?.candidateType)
    }
    return undefined
  }
  window.sessions = { history, selected }
}
