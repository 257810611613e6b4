/** The page's own tie to the network: its state in the header, and how nodes are called. */

import type { Attachment, Mesh, MeshState } from './mesh.js'
import { shortId } from './names.js'

/** Where a node answers, as far as this page has learnt it; nodes have no other name. */
const places = new Map<string, string>()

/** "node at 192.168.1.7:8081", or "node …x7Qd4f" where the page doesn't know its address. */
export function nodeName(peerId: string): string {
  const place = places.get(peerId)
  return place ? `node at ${place}` : `node …${shortId(peerId)}`
}

function learn(attachments: readonly Attachment[]): void {
  for (const { node, url } of attachments) {
    if (!node || !url) continue
    try {
      places.set(node, new URL(url).host)
    } catch {
      // A multiaddr: the PeerId has to do.
    }
  }
}

/** Shows the state from now on. */
export function drawConnection(mesh: Mesh): void {
  const draw = (): void => {
    learn(mesh.attachments)
    const [primary, ...others] = mesh.attachments
    const node = primary?.node ? nodeName(primary.node) : 'a node'
    const spare = others.length ? ` and ${others.length} more` : ''
    showState(mesh.state, mesh.state === 'attached' ? `Attached to ${node}${spare}` : undefined)
  }
  mesh.on('state', draw)
  draw()
}

const WORDS: Record<MeshState, string> = {
  connecting: 'Connecting…',
  attached: 'Attached',
  detached: 'No node in reach; trying again',
}

export function showState(state: MeshState, words: string = WORDS[state]): void {
  const place = document.getElementById('state')!
  place.dataset['state'] = state
  document.getElementById('state-text')!.textContent = words
}
