/** Presence without nodes, for tests in a page: one object that all peers of the page share. */
import type { Member, Presence, PresenceChange } from '../../src/ports.js'

type Listener = (change: PresenceChange) => void

export class World {
  readonly rooms = new Map<string, Map<string, Member>>()
  readonly #listeners = new Map<string, Map<string, Set<Listener>>>()

  members(room: string): Map<string, Member> {
    let members = this.rooms.get(room)
    if (!members) this.rooms.set(room, (members = new Map()))
    return members
  }

  tell(room: string, except: string, change: PresenceChange): void {
    for (const [peerId, listeners] of this.#listeners.get(room) ?? []) {
      if (peerId !== except) for (const listener of listeners) listener(change)
    }
  }

  /** The presence that the peer with this record has. */
  of(self: Member): Presence {
    return {
      join: async (room, metadata) => {
        const members = this.members(room)
        const type = members.has(self.peerId) ? 'update' : 'join'
        const member = { ...self, room, metadata }
        members.set(self.peerId, member)
        this.tell(room, self.peerId, type === 'join' ? { type, member, snapshot: false } : { type, member })
      },
      leave: async (room) => {
        const members = this.members(room)
        const member = members.get(self.peerId)
        members.delete(self.peerId)
        if (member) this.tell(room, self.peerId, { type: 'leave', member })
      },
      members: (room) => this.members(room),
      size: (room) => this.members(room).size,
      onChange: (room, listener) => {
        const byPeer = this.#listeners.get(room) ?? new Map<string, Set<Listener>>()
        this.#listeners.set(room, byPeer)
        const listeners = byPeer.get(self.peerId) ?? new Set()
        byPeer.set(self.peerId, listeners.add(listener))
        return () => void listeners.delete(listener)
      },
    }
  }
}
