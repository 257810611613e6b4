/** Browsers, real nodes, real sessions: what a page does with the library. Skipped where no node is built. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { openPage, type Opened } from './browser.js'
import type * as pageCode from './pages/velox.js'
import { program, RealNetwork } from './support/real-nodes.js'

declare const window: { test: typeof pageCode }

describe('the whole client', { skip: !program && 'no velox program is built' }, () => {
  const network = new RealNetwork(`whole-${process.pid}`)
  let opened: Opened
  before(async () => {
    for (let count = 0; count < 3; count++) await network.start()
    opened = await openPage('velox')
  })
  after(async () => {
    await opened.close()
    network.close()
  })

  test('peers at three nodes meet, talk and get files from each other', { timeout: 90_000 }, async (t) => {
    const bases = network.nodes.map(({ http }) => http)
    const { met, ...story } = await opened.page.evaluate(
      (name, urls) => window.test.story(name, urls),
      network.name,
      bases,
    )
    t.diagnostic(`join to all connected: ${Math.round(met)} ms`)
    assert.deepEqual(story, {
      heard: [{ hello: 'all' }, { hello: 'all' }],
      fromMate: 3_000_000,
      reply: 6,
      gone: 'the one that stopped',
    })
  })

  test(
    'a peer in no room gets a file from a provider that nodes locate',
    { timeout: 30_000 },
    async () => {
      const size = await opened.page.evaluate(
        (name, urls) => window.test.located(name, urls),
        network.name,
        network.nodes.map(({ http }) => http),
      )
      assert.equal(size, 3_000_000)
    },
  )
})
