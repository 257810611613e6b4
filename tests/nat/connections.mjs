/** The connections of a page: which way a session goes. Nothing of this is in the product. */

/** Before the page navigates. `extra` are ICE servers for sessions besides those that they have. */
export const watchConnections = (page, extra = []) => page.evaluateOnNewDocument(watch, extra)

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
  const Connection = window.RTCPeerConnection
  window.RTCPeerConnection = class extends Connection {
    constructor(configuration) {
      const iceServers = [...(configuration?.iceServers ?? []), ...extra]
      super(configuration?.iceServers ? { ...configuration, iceServers } : configuration)
    }
    createDataChannel(label, options) {
      if (label === 'velox') sessions.push(this)
      return super.createDataChannel(label, options)
    }
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
  window.sessions = { selected }
}
