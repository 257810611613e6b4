/** What NATs of each kind allow, by RFC 4787's words: which pairs of browsers can connect directly. */

/** Whether UDP passes, whether each destination has a mapping of its own, and whom the filter lets in. */
const BEHAVIOUR = {
  'full-cone': { udp: true, apart: false, filters: 'nobody' },
  restricted: { udp: true, apart: false, filters: 'address' },
  'port-restricted': { udp: true, apart: false, filters: 'port' },
  symmetric: { udp: true, apart: true, filters: 'port' },
  'udp-blocked': { udp: false, apart: false, filters: 'port' },
  'carrier-grade': { udp: true, apart: false, filters: 'port' },
}

export const KINDS = Object.keys(BEHAVIOUR)

/** Every pair, in both orders: who joins second offers in another way. */
export const ALL_PAIRS = KINDS.flatMap((first) => KINDS.map((second) => [first, second]))

/** A few pairs that have every kind, and both ways, in them. */
export const SOME_PAIRS = [
  ['full-cone', 'restricted'],
  ['port-restricted', 'port-restricted'],
  ['carrier-grade', 'full-cone'],
  ['symmetric', 'restricted'],
  ['port-restricted', 'symmetric'],
  ['symmetric', 'symmetric'],
  ['udp-blocked', 'port-restricted'],
]

/**
 * Each learns the other's outer port at the server, and both speak first. The outer port of one
 * whose mappings are apart is another towards its peer, which only a filter that asks for no port
 * lets in; it is then learnt from what came in.
 *
 * @returns {'direct' | 'relay'}
 */
export function expected(first, second) {
  const [a, b] = [BEHAVIOUR[first], BEHAVIOUR[second]]
  const hears = (one, other) => !(other.apart && one.filters === 'port')
  return a.udp && b.udp && hears(a, b) && hears(b, a) ? 'direct' : 'relay'
}
