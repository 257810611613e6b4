/** A fetch that found nobody goes on with whoever is connected next. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { cidOf } from '../src/content/cid.js'
import type { Exchange } from '../src/content/exchange.js'
import { Search } from '../src/content/search.js'
import { BlockStore } from '../src/content/store.js'
import { Emitter } from '../src/emitter.js'
import type { Session } from '../src/session/session.js'
import type { Sessions, SessionsEvents } from '../src/session/sessions.js'

test('a room mate that is connected while nodes are still asked is asked at once', { timeout: 5_000 }, async () => {
  const content = new TextEncoder().encode('here')
  const root = await cidOf(content, true)
  const session = { peerId: 'mate' } as Session
  const mates: Session[] = []
  const sessions = new Emitter<SessionsEvents>()
  let locating = (): void => undefined
  const asked = new Promise<void>((resolve) => (locating = resolve))
  const search = new Search({
    root,
    sessions: sessions as unknown as Sessions,
    locator: {
      provide: async () => undefined,
      unprovide: async () => undefined,
      // Nodes that never answer.
      locate: async function* () {
        locating()
        await new Promise(() => undefined)
        yield* []
      },
    },
    mates: () => mates,
    exchange: () =>
      ({
        session,
        have: async () => [true],
        want: (_cid: unknown, done: (got: { block: Uint8Array }) => void) => {
          done({ block: content })
          return () => undefined
        },
      }) as unknown as Exchange,
    store: new BlockStore(),
  })
  const block = search.fetch.block(root)
  await asked
  mates.push(session)
  sessions.emit('connect', session)
  assert.deepEqual(await block, content)
  search.stop()
})
