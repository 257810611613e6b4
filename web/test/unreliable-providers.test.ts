/** Which peer is asked for which block: lacking, lying, stalling and lost ones, several at once. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { cidOf, type Cid } from '../src/content/cid.js'
import type { Exchange, Got, Loss } from '../src/content/exchange.js'
import { Fetch } from '../src/content/fetch.js'
import { WINDOW_FIRST } from '../src/content/limits.js'
import { VeloxError } from '../src/errors.js'

/** A peer whose answers the test gives. */
class Peer {
  readonly asked: { cid: string; done: (got: Got) => void }[] = []
  readonly exchange: Exchange

  constructor(readonly peerId: string) {
    this.exchange = {
      session: { peerId },
      want: (cid: Cid, done: (got: Got) => void) => {
        const want = { cid: cid.text, done }
        this.asked.push(want)
        return () => this.answer(cid.text, { loss: 'cancelled' })
      },
    } as unknown as Exchange
  }

  get waiting(): string[] {
    return this.asked.map(({ cid }) => cid)
  }

  answer(cid: string, got: Got): void {
    const at = this.asked.findIndex((want) => want.cid === cid)
    if (at >= 0) this.asked.splice(at, 1)[0].done(got)
  }

  give(cid: string): void {
    this.answer(cid, { block: new TextEncoder().encode(cid) })
  }

  lose(cid: string, loss: Loss): void {
    this.answer(cid, { loss })
  }
}

interface Scene {
  fetch: Fetch
  cids: Cid[]
  starved: () => number
  got: string[]
}

async function scene(blocks: number): Promise<Scene> {
  const cids = await Promise.all(Array.from({ length: blocks }, (_, at) => cidOf(Uint8Array.of(at), true)))
  let starved = 0
  const got: string[] = []
  const fetch = new Fetch({
    held: () => undefined,
    keep: (cid) => got.push(cid),
    starved: () => starved++,
    fed: () => undefined,
    now: () => 0,
  })
  return { fetch, cids, starved: () => starved, got }
}

test('blocks are asked for in order, as many at once as the window has room for', async () => {
  const { fetch, cids } = await scene(20)
  const peer = new Peer('one')
  fetch.add(peer.exchange)
  const all = cids.map((cid) => fetch.block(cid))
  assert.deepEqual(peer.waiting, cids.slice(0, WINDOW_FIRST).map(({ text }) => text))
  peer.give(cids[0].text)
  // One came quickly, so that there is room for it and for one more.
  assert.equal(peer.waiting.length, WINDOW_FIRST + 1)
  for (const { text } of cids) peer.give(text)
  assert.equal((await Promise.all(all)).length, 20)
})

test('several peers are asked at once, none for the same', async () => {
  const { fetch, cids } = await scene(12)
  const [one, two] = [new Peer('one'), new Peer('two')]
  fetch.add(one.exchange)
  fetch.add(two.exchange)
  void Promise.all(cids.map((cid) => fetch.block(cid)))
  assert.equal(one.waiting.length, 6)
  assert.equal(two.waiting.length, 6)
  assert.equal(new Set([...one.waiting, ...two.waiting]).size, 12)
})

test('what is needed twice is asked for once', async () => {
  const { fetch, cids } = await scene(1)
  const peer = new Peer('one')
  fetch.add(peer.exchange)
  const twice = [fetch.block(cids[0]), fetch.block(cids[0])]
  assert.equal(peer.waiting.length, 1)
  peer.give(cids[0].text)
  await Promise.all(twice)
})

for (const loss of ['wrong', 'stalled', 'closed'] as const) {
  test(`of a peer that is ${loss}, all wants go elsewhere`, async () => {
    const { fetch, cids } = await scene(4)
    const [bad, good] = [new Peer('bad'), new Peer('good')]
    fetch.add(bad.exchange)
    const all = Promise.all(cids.map((cid) => fetch.block(cid)))
    fetch.add(good.exchange)
    assert.equal(good.waiting.length, 0)
    bad.lose(cids[1].text, loss)
    assert.deepEqual(bad.waiting, [])
    assert.deepEqual([...good.waiting].sort(), cids.map(({ text }) => text).sort())
    for (const { text } of cids) good.give(text)
    await all
  })
}

test('a peer that lied is never asked again; one that stalled is, when nobody else is left', async () => {
  const { fetch, cids, starved } = await scene(1)
  const [liar, staller] = [new Peer('liar'), new Peer('staller')]
  fetch.add(liar.exchange)
  const block = fetch.block(cids[0])
  liar.lose(cids[0].text, 'wrong')
  assert.equal(starved(), 1)
  fetch.add(liar.exchange)
  assert.deepEqual(liar.waiting, [])
  for (let stalls = 0; stalls < 3; stalls++) {
    fetch.add(staller.exchange)
    assert.equal(staller.waiting.length, 1)
    staller.lose(cids[0].text, 'stalled')
  }
  fetch.add(staller.exchange)
  assert.deepEqual(staller.waiting, [], 'three times is enough')
  fetch.fail(new VeloxError('not-found', 'nobody has it'))
  await assert.rejects(block, { code: 'not-found' })
})

test('a block that a peer lacks is asked of another, the rest still of the first', async () => {
  const { fetch, cids } = await scene(2)
  const [some, all] = [new Peer('some'), new Peer('all')]
  fetch.add(some.exchange)
  const both = Promise.all(cids.map((cid) => fetch.block(cid)))
  some.lose(cids[0].text, 'lack')
  assert.deepEqual(some.waiting, [cids[1].text])
  fetch.add(all.exchange)
  assert.deepEqual(all.waiting, [cids[0].text])
  all.give(cids[0].text)
  some.give(cids[1].text)
  await both
})

test('the end of a fetch cancels what is asked and rejects what is needed', async () => {
  const { fetch, cids } = await scene(2)
  const peer = new Peer('one')
  fetch.add(peer.exchange)
  const blocks = cids.map((cid) => fetch.block(cid))
  fetch.fail(new VeloxError('aborted', 'enough'))
  assert.deepEqual(peer.waiting, [])
  for (const block of blocks) await assert.rejects(block, { code: 'aborted' })
  await assert.rejects(fetch.block(cids[0]), { code: 'aborted' })
})
