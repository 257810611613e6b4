/** The page's own tie to the network: its state in the header, and how nodes are called. */

import type { Attachment, Mesh, MeshState } from './mesh.js'
import { shortId } from './names.js'

/** What the page tells others of its primary node, or undefined while there is none. */
export function ownNode(mesh: Mesh): string | undefined {
  const [primary] = mesh.attachments
  return primary && nodeName(primary)
}

/** "192.168.1.7:8081" of a multiaddr; "…x7Qd4f", the end of the PeerId, where that has none. */
function nodeName({ peerId, address }: Attachment): string {
  const [, family, host, , port] = address.split('/')
  if (!host || !port || !/^(ip[46]|dns[46]?)$/.test(family ?? '')) return `…${shortId(peerId)}`
  return family === 'ip6' ? `[${host}]:${port}` : `${host}:${port}`
}

/** Shows the state from now on. */
export function drawConnection(mesh: Mesh): void {
  const draw = (): void => {
    const others = mesh.attachments.length - 1
    const spare = others > 0 ? ` and ${others} more` : ''
    const by = CARRIERS[mesh.attachments[0]?.carrier ?? 'websocket']
    showState(mesh.state, mesh.state === 'attached' ? `Attached to ${ownNode(mesh) ?? 'a node'}${spare} by ${by}` : undefined)
  }
  mesh.on('state', draw)
  mesh.on('attachments', draw)
  draw()
}

const CARRIERS: Record<Attachment['carrier'], string> = { websocket: 'WebSocket', 'webrtc-direct': 'WebRTC' }

const WORDS: Record<MeshState, string> = {
  connecting: 'Connecting…',
  attached: 'Attached',
  paused: 'Paused',
  detached: 'No node in reach; trying again',
}

export function showState(state: MeshState, words: string = WORDS[state]): void {
  const place = document.getElementById('state')!
  place.dataset['state'] = state
  document.getElementById('state-text')!.textContent = words
}
