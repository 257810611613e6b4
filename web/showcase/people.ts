/** The list of who is here: this page first, then the others in order of their names. */

import type { Member, Mesh, Room } from './mesh.js'
import { avatar, nameOf, shortId } from './names.js'

/** Keeps the list at what the room says. `nodeName` puts a node into words. */
export function drawPeople(mesh: Mesh, room: Room, nodeName: (peerId: string) => string): () => void {
  const list = document.getElementById('people-list')!
  const alone = document.getElementById('people-alone')!
  const counts = [document.getElementById('people-count')!, document.getElementById('dock-people')!]

  const draw = (): void => {
    const others = [...room.peers.values()].sort((a, b) => nameOf(a.peerId).localeCompare(nameOf(b.peerId)))
    list.replaceChildren(
      entry(mesh.peerId, 'You', where(mesh.attachments[0]?.node, nodeName), true),
      ...others.map((peer) =>
        entry(peer.peerId, '', where(peer.via?.[0], nodeName), peer.connected ?? false),
      ),
    )
    alone.hidden = others.length > 0
    // Large rooms hand out a sample, so the size may exceed the list.
    const size = String(Math.max(room.size, others.length + 1))
    for (const place of counts) place.textContent = size
  }

  for (const change of ['join', 'leave', 'connect', 'disconnect', 'update'] as const) room.on(change, draw)
  mesh.on('state', draw)
  draw()
  return draw
}

function where(node: string | undefined, nodeName: (peerId: string) => string): string {
  return node ? `on ${nodeName(node)}` : ''
}

function entry(peerId: Member['peerId'], note: string, place: string, connected: boolean): HTMLElement {
  const item = document.createElement('li')
  item.className = 'person'
  item.dataset['peer'] = peerId
  item.dataset['connected'] = String(connected)
  item.title = peerId
  const words = document.createElement('div')
  const name = document.createElement('span')
  name.className = 'person-name'
  name.textContent = nameOf(peerId)
  if (note) {
    const you = document.createElement('span')
    you.className = 'you'
    you.textContent = note
    name.append(' ', you)
  }
  const detail = document.createElement('span')
  detail.className = 'person-detail'
  const state = connected ? '' : 'connecting…'
  detail.textContent = [place, state].filter(Boolean).join(' · ') || `…${shortId(peerId)}`
  words.append(name, detail)
  item.append(avatar(peerId), words)
  return item
}
