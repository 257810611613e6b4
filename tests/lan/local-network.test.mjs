/** A local network with no way out: nodes find each other, and pages take part. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '../support/deadline.mjs'
import { missing, Switch } from '../support/switch.mjs'

const PHONE = { width: 390, height: 844, deviceScaleFactor: 3, isMobile: true, hasTouch: true }

/** What Chromium asks its maker about by itself, whatever page it shows. */
const CHROMIUMS_OWN = / 53 (?!stun|turn)[\w.-]+\.(google|googleapis|gvt1|gstatic)\.com$/

/** A test on a switch of its own. */
function switched(name, hosts, body) {
  test(name, { timeout: 120_000 }, async () => {
    const reason = missing()
    if (reason) return console.log(`local network: NOT checked: ${reason}`)
    const lan = new Switch(hosts)
    try {
      await body(lan)
    } finally {
      await lan.close()
    }
  })
}

switched('nodes without a bootstrap node find those of their network, and no others', ['a', 'b', 'stranger'], async (lan) => {
  const start = (host, network) => {
    const http = `${lan.addresses.get(host)}:8080`
    const node = lan.velox(host, ['node', '--json', '--network', network, '--http', http, '--data-dir', `/tmp/${network}-${host}-${process.pid}`])
    return node.event('ready').then(({ peer_id: peerId }) => ({ host, http, peerId, node }))
  }
  const outside = await lan.watch()
  const [a, b, stranger] = await Promise.all([start('a', 'home'), start('b', 'home'), start('stranger', 'elsewhere')])
  const connected = async ({ host, http }) => JSON.parse(await lan.read(host, `http://${http}/api/v1/status`)).connections.peer_ids
  await until(async () => (await connected(a)).includes(b.peerId), 'a to be connected to b', 20_000)
  assert.deepEqual(await connected(a), [b.peerId])
  assert.deepEqual(await connected(stranger), [])
  assert.deepEqual(outside(), [])
})

switched('a phone takes part in the demo over plain http, and nobody looks outside', ['desk', 'laptop', 'phone'], async (lan) => {
  const outside = await lan.watch()
  // It sees.
  await lan.run('phone', 'send', process.execPath, ['-e', "require('dgram').createSocket('udp4').send('x', 9, '8.8.8.8', () => process.exit())"]).ended
  await until(async () => outside().length, 'a packet for outside to be seen')

  const demo = lan.velox('desk', ['demo', '--json', '--http', `${lan.addresses.get('desk')}:8080`])
  const { urls } = await demo.event('ready', 60_000)
  const visit = async (host, viewport) => {
    const page = await (await lan.chromium(host)).newPage()
    if (viewport) await page.setViewport(viewport)
    await page.goto(urls[0])
    await page.waitForFunction(() => window.showcase?.stats.done, { polling: 100, timeout: 60_000 })
    return { page, stats: await page.evaluate(() => ({ ...window.showcase.stats })) }
  }
  const laptop = await visit('laptop')
  assert.equal(laptop.stats.originPictures, 24)
  const phone = await visit('phone', PHONE)
  assert.equal(phone.stats.peerPictures, 24)
  assert.equal(phone.stats.originBytes, 0)
  await phone.page.type('#chat-text', 'from the sofa')
  await phone.page.keyboard.press('Enter')
  const heard = () => document.getElementById('chat-log').textContent.includes('from the sofa')
  await laptop.page.waitForFunction(heard, { polling: 100, timeout: 10_000 })
  assert.deepEqual(outside().slice(1).filter((line) => !CHROMIUMS_OWN.test(line)), [])
})
