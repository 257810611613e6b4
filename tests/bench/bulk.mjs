/**
 * Bulk: `get` of 64 MiB by its CID, every block verified, beside a raw RTCDataChannel between the
 * same two pages at its best settings (64 KiB messages, at most 256 KiB buffered).
 */

import { chromium } from '../support/browsers.mjs'
import { Network } from '../support/nodes.mjs'
import { open, servePages, veloxAddress } from './pages.mjs'

const BYTES = 64 * 1024 * 1024

/** Resolves to `{ get, raw }`, arrays of MB/s. */
export async function bulk(runs, progress) {
  const network = new Network()
  const site = await servePages()
  try {
    const [a, b] = await network.start(2)
    const result = { get: [], raw: [] }
    for (let run = 0; run <= runs; run++) {
      // Fresh pages each time, since what was got once is cached.
      const browser = await chromium()
      try {
        const [sender, receiver] = await Promise.all(
          [a, b].map((node) => open(browser, veloxAddress(site, network, [node]))),
        )
        for (const page of [sender, receiver]) await page.evaluate(() => window.bench.start())
        const measures = { get: () => byGet(sender, receiver), raw: () => byChannel(sender, receiver) }
        for (const name of run % 2 ? ['get', 'raw'] : ['raw', 'get']) {
          const seconds = await measures[name]()
          if (run > 0) result[name].push(BYTES / 1e6 / seconds)
        }
      } finally {
        await browser.close()
      }
      progress(`bulk ${run}/${runs}`)
    }
    return result
  } finally {
    site.close()
    await network.close()
  }
}

async function byGet(sender, receiver) {
  const cid = await sender.evaluate(async (size) => {
    const bytes = new Uint8Array(size)
    for (let at = 0; at < size; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536))
    return String(await window.bench.velox.put(new Blob([bytes])))
  }, BYTES)
  await sender.evaluate(() => window.bench.join('bulk'))
  await receiver.evaluate(() => window.bench.meet('bulk'))
  return receiver.evaluate(
    async (id, size) => {
      const start = performance.now()
      const response = await window.bench.velox.get(id)
      const { byteLength } = await response.arrayBuffer()
      if (byteLength !== size) throw new Error(`got ${byteLength} bytes`)
      return (performance.now() - start) / 1000
    },
    cid,
    BYTES,
  )
}

/** Seconds that `bytes` take over a raw channel between two pages, in messages of `size`. */
export async function byChannel(sender, receiver, bytes = BYTES, size = 64 * 1024) {
  const offer = await sender.evaluate(async () => {
    window.raw = new RTCPeerConnection()
    window.channel = window.raw.createDataChannel('raw')
    await window.raw.setLocalDescription()
    await gathered(window.raw)
    return window.raw.localDescription.toJSON()

    function gathered(connection) {
      if (connection.iceGatheringState === 'complete') return undefined
      return new Promise((resolve) => {
        connection.onicegatheringstatechange = () => connection.iceGatheringState === 'complete' && resolve()
      })
    }
  })
  const answer = await receiver.evaluate(
    async (description, size) => {
      window.raw = new RTCPeerConnection()
      window.received = new Promise((resolve) => {
        window.raw.ondatachannel = ({ channel }) => {
          const parts = []
          let bytes = 0
          let start = 0
          channel.binaryType = 'arraybuffer'
          channel.onmessage = ({ data }) => {
            start ||= performance.now()
            parts.push(data)
            bytes += data.byteLength
            if (bytes === size) resolve((performance.now() - start) / 1000)
          }
        }
      })
      await window.raw.setRemoteDescription(description)
      await window.raw.setLocalDescription()
      await new Promise((resolve) => {
        const look = () => window.raw.iceGatheringState === 'complete' && resolve()
        window.raw.onicegatheringstatechange = look
        look()
      })
      return window.raw.localDescription.toJSON()
    },
    offer,
    bytes,
  )
  await sender.evaluate(
    async (description, size, each) => {
      const { raw, channel } = window
      const message = new Uint8Array(each)
      const most = 256 * 1024
      channel.bufferedAmountLowThreshold = most / 2
      const opened = new Promise((resolve) => (channel.onopen = resolve))
      await raw.setRemoteDescription(description)
      await opened
      for (let sent = 0; sent < size; sent += message.length) {
        if (channel.bufferedAmount >= most) await new Promise((resolve) => (channel.onbufferedamountlow = resolve))
        channel.send(message)
      }
    },
    answer,
    bytes,
    size,
  )
  const seconds = await receiver.evaluate(() => window.received)
  for (const page of [sender, receiver]) await page.evaluate(() => window.raw.close())
  return seconds
}
