/** The discovery document, `/.well-known/velox.json`: all that a page needs to join. */
import { VeloxError } from '../errors.js'
import { fromBase64Url } from '../wire/bytes.js'
import * as limits from '../wire/limits.js'
import { isPeerId } from '../wire/peer-id.js'
import { NodeRecord } from '../wire/records.js'
import type { Verify } from '../wire/signed.js'
import { FETCH_TIMEOUT } from './defaults.js'

/** Nodes that are read from one document or message: no more than anybody needs. */
const MAX_NODES = 32

export interface DiscoveryDocument {
  network: string
  /** The node that serves it. */
  peerId: string
  /** Signed node records, not yet verified; the serving node's first. */
  records: Uint8Array[]
  /** The node's clock, ms. */
  time: number
  /** Whether the server of the document takes attachments itself: an origin that isn't a node doesn't. */
  attaches: boolean
}

/** The document of the node or origin at `base`. Rejects with `unreachable` or `malformed`. */
export async function fetchDocument(base: string, signal?: AbortSignal): Promise<DiscoveryDocument> {
  const url = new URL('/.well-known/velox.json', base)
  const timeout = AbortSignal.timeout(FETCH_TIMEOUT)
  let document: unknown
  try {
    const response = await fetch(url, {
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      cache: 'no-cache',
    })
    if (!response.ok) throw new Error(`HTTP ${response.status}`)
    document = await response.json()
  } catch (error) {
    // Node says "fetch failed", and why in the cause.
    const { message, cause } = error as Error
    const why = cause instanceof Error ? `${message}: ${cause.message}` : message
    throw new VeloxError('unreachable', `GET ${url.href}: ${why}`, { cause: error })
  }
  const { network, peerId, node, nodes, time, attach } = document as Record<string, unknown>
  if (typeof network !== 'string' || typeof peerId !== 'string' || !isPeerId(peerId)) {
    throw new VeloxError('malformed', `${url.href} isn't a discovery document`)
  }
  const records = [node, ...(Array.isArray(nodes) ? nodes : [])].slice(0, MAX_NODES)
  return {
    network,
    peerId,
    records: records.flatMap((record) => {
      try {
        return typeof record === 'string' ? [fromBase64Url(record)] : []
      } catch {
        return []
      }
    }),
    time: typeof time === 'number' ? time : Date.now(),
    attaches: typeof attach === 'string',
  }
}

/** Those records that their nodes signed, for this network, and that haven't expired. */
export async function verifiedNodes(
  verify: Verify,
  records: Uint8Array[],
  network: string,
  now: number,
): Promise<NodeRecord[]> {
  const verified = await Promise.all(
    records.slice(0, MAX_NODES).map((record) =>
      NodeRecord.verify(verify, record).then(
        ({ body }) => body,
        () => undefined,
      ),
    ),
  )
  return verified.filter(
    (record): record is NodeRecord =>
      record?.network === network &&
      record.expires > now - limits.CLOCK_SKEW_MS &&
      record.expires < now + limits.NODE_RECORD_LIFE_MS + limits.CLOCK_SKEW_MS,
  )
}
