/** Signaling between the pages of one origin, for tests: a BroadcastChannel. */
import type { Incoming, Member, Signals } from '../../src/ports.js'
import { peerIdOf } from '../../src/wire/peer-id.js'

interface Carried {
  to: string
  envelope: Incoming
}

export function broadcastSignals(name = 'signals'): Signals & { member: Member } {
  const peerId = peerIdOf(crypto.getRandomValues(new Uint8Array(32)))
  const member: Member = {
    peerId,
    room: 'room',
    key: crypto.getRandomValues(new Uint8Array(32)),
    via: [],
    metadata: undefined,
    seq: 1,
  }
  const channel = new BroadcastChannel(name)
  let seq = 0
  return {
    peerId,
    member,
    iceServers: () => [],
    onEnvelope: (listener) => {
      const take = ({ data }: MessageEvent<Carried>): void => {
        if (data.to === peerId) listener(data.envelope)
      }
      channel.addEventListener('message', take)
      return () => channel.removeEventListener('message', take)
    },
    send: async (to, session, kind) => {
      channel.postMessage({ to: to.peerId, envelope: { from: member, session, seq: ++seq, kind } } satisfies Carried)
    },
  }
}
