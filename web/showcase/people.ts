/** The list of who is here: this page first, then the others in order of their names. */

import { ownNode } from './connection.js'
import type { Member, Mesh, Room } from './mesh.js'
import { avatar, nameOf, shortId } from './names.js'

/** What this page tells the others about itself when it joins: the node that it is attached to. */
export interface About {
  readonly node?: string
}

/** Keeps the list at what the room says. */
export function drawPeople(mesh: Mesh, room: Room): void {
  const list = document.getElementById('people-list')!
  const alone = document.getElementById('people-alone')!
  const counts = [document.getElementById('people-count')!, document.getElementById('dock-people')!]

  const draw = (): void => {
    const others = [...room.peers.values()].sort((a, b) => nameOf(a.peerId).localeCompare(nameOf(b.peerId)))
    list.replaceChildren(
      entry(mesh.peerId, 'You', ownNode(mesh), true),
      ...others.map((peer) => entry(peer.peerId, '', nodeOf(peer), peer.connected)),
    )
    alone.hidden = others.length > 0
    // Large rooms hand out a sample, so the size may exceed the list.
    const size = String(Math.max(room.size, others.length + 1))
    for (const place of counts) place.textContent = size
  }

  for (const change of ['join', 'leave', 'connect', 'disconnect', 'update'] as const) room.on(change, draw)
  mesh.on('attachments', draw)
  draw()
}

function nodeOf(peer: Member): string | undefined {
  const { node } = (peer.metadata ?? {}) as { node?: unknown }
  return typeof node === 'string' ? node : undefined
}

function entry(peerId: string, note: string, node: string | undefined, connected: boolean): HTMLElement {
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
  const place = node ? `on node ${node}` : `…${shortId(peerId)}`
  detail.textContent = connected ? place : `connecting… · ${place}`
  words.append(name, detail)
  item.append(avatar(peerId), words)
  return item
}
