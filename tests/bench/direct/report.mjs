/** The figures of WebRTC-direct as tables, each beside its reference and what it must reach. */

import { median, percentile, table } from '../figures.mjs'

export function report({ runs, browser, dials, held, fair, strangers, many }) {
  const { websocket, 'webrtc-direct': direct } = held
  const dialed = (values) => `${ms(median(values))}, p95 ${ms(percentile(values, 0.95))}`
  const each = (one) => (one.held - one.started) / one.count
  const left = (one) => (one.gone / one.warm - 1) * 100
  const { contact, garbage } = strangers
  const kept = (one) => mib(one.forgotten - one.before)
  return [
    `WebRTC-direct on loopback (${browser}; ${runs} pairs of dials)`,
    table(
      ['', 'must', 'WebRTC-direct', 'reference', 'which is'],
      [
        ['page: start → attached, ms', '≤ 120', dialed(dials['webrtc-direct']), dialed(dials.websocket), 'WebSocket'],
        [`memory of each of ${direct.count} held, KiB`, '≤ 120', each(direct).toFixed(0), each(websocket).toFixed(0), 'WebSocket'],
        [`idle ${direct.count}, % of a core`, '≤ 6', direct.idle.toFixed(1), websocket.idle.toFixed(1), `WebSocket; nobody ${direct.alone.toFixed(1)}`],
        [`${direct.count} gone, memory against the start`, '≤ +10 %', percent(left(direct)), percent(left(websocket)), 'WebSocket'],
        ['a spoofed first contact, ms of CPU', '≤ 0.15', contact.each.toFixed(3), garbage.each.toFixed(3), 'garbage'],
        ['what they leave after 5 s, MiB', '0', kept(contact), kept(garbage), 'garbage'],
        [`${many.count} held: failed, lost`, '0, 0', `${many.failed}, ${many.lost}`, '', ''],
        [`envelope beside ${many.count}, p99 ms`, '≤ 20', ms(percentile(many.crowded, 0.99)), ms(percentile(many.quiet, 0.99)), 'nobody else'],
      ],
    ),
    [
      `start: ${mib(direct.warm)} MiB after 50 had come and gone (${mib(direct.started)} before), ` +
        `${mib(direct.held)} with all, ${mib(direct.gone)} when they were gone; ` +
        `WebSocket ${mib(websocket.warm)} (${mib(websocket.started)}), ${mib(websocket.held)}, ${mib(websocket.gone)}`,
      `each held peer had ${direct.pings.toFixed(2)} pings a second (WebSocket ${websocket.pings.toFixed(2)})`,
      `memory of each of ${fair.count}, KiB: ${fair.browsers.toFixed(0)} of Chromium, ${fair.crowd.toFixed(0)} of velox-crowd`,
      `first contacts: ${contact.sent} of ${contact.bytes} bytes from ${contact.sources} addresses, ` +
        `${contact.answered} got past the limits per source; 25 s after them ` +
        `${mib(contact.returned - contact.before)} MiB more than before`,
      `${many.count}: ${(many.kib / many.count).toFixed(0)} KiB each, ${many.idle.toFixed(1)} % of a core; ` +
        `dial to welcome ${ms(median(many.ms))} ms, p99 ${ms(percentile(many.ms, 0.99))}; ` +
        `an envelope ${ms(median(many.crowded))} ms in the median, ${ms(median(many.quiet))} with nobody else`,
    ].join('\n'),
  ].join('\n\n')
}

function ms(value) {
  return value.toFixed(value < 10 ? 1 : 0)
}

function mib(kib) {
  return (kib / 1024).toFixed(1)
}

function percent(value) {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(1)} %`
}
