/** Why sessions fail, out of what is seen of them; and what is between a page and its nodes. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { advise, type Diagnosis } from '../src/diagnosis/diagnosis.js'
import { natOf, udpOf, type Gathered, type Probe } from '../src/diagnosis/nat.js'
import { looksSymmetric, pairsOf, reasonOf, type Evidence } from '../src/diagnosis/reasons.js'

const mapped = (port: number, base = 'wifi'): Gathered => ({ type: 'srflx', address: '203.0.113.1', port, base })
const host: Gathered = { type: 'host', address: 'x.local', port: 1, base: 'wifi' }
const relay = (relayProtocol: string): Gathered => ({ type: 'relay', address: '198.51.100.1', port: 2, base: 'wifi', relayProtocol })
const probe = (candidates: Gathered[], parts: Partial<Probe> = {}): Probe => ({
  ...{ servers: 2, complete: true, errors: 0 },
  candidates: [host, ...candidates],
  ...parts,
})

test('one mapped port for two servers is a cone, two are symmetric, none is no NAT', () => {
  assert.equal(natOf(probe([mapped(5000)])), 'cone')
  assert.equal(natOf(probe([mapped(5000), mapped(5001)])), 'symmetric')
  assert.equal(natOf(probe([])), 'none')
  assert.equal(natOf(probe([mapped(5000), mapped(5001, 'ethernet')])), 'cone', 'two networks have a port each')
})

test('what too few servers say, or only some of them, is unknown', () => {
  assert.equal(natOf(probe([mapped(5000)], { servers: 1 })), 'unknown')
  assert.equal(natOf(probe([mapped(5000)], { errors: 1 })), 'unknown')
  assert.equal(natOf(probe([mapped(5000)], { complete: false })), 'unknown')
  assert.equal(natOf(probe([], { errors: 2 })), 'unknown')
})

test('UDP is out where a server answered by it, and nothing is known without servers', () => {
  assert.equal(udpOf(probe([mapped(5000)], { errors: 1, complete: false })), true)
  assert.equal(udpOf(probe([])), true)
  assert.equal(udpOf(probe([relay('udp')], { errors: 1 })), true)
  assert.equal(udpOf(probe([relay('tcp')], { errors: 2 })), false)
  assert.equal(udpOf(probe([], { complete: false })), false)
  assert.equal(udpOf(probe([], { servers: 0 })), undefined)
})

const line = (port: number, type = 'srflx', rest = 'raddr 0.0.0.0 rport 0'): string =>
  `a=candidate:1 1 udp 1677729535 203.0.113.9 ${port} typ ${type} ${rest} generation 0 network-id 1\r\n`

test('a description with two ports of one NAT for one socket is of a symmetric NAT', () => {
  assert.equal(looksSymmetric(line(1000)), false)
  assert.equal(looksSymmetric(line(1000) + line(1001)), true)
  assert.equal(looksSymmetric(line(1000) + line(1001, 'host', '')), false)
  assert.equal(looksSymmetric(line(1000, 'srflx', 'raddr 10.0.0.1 rport 7') + line(1001, 'srflx', 'raddr 10.0.0.1 rport 8')), false)
})

test('a failed session has one reason, the nearest to its cause', () => {
  const failed: Evidence = { code: 'no-connection', opened: false, privacy: 'direct', remote: line(1000), local: line(1, 'host') }
  const reason = (parts: Partial<Evidence>, own = probe([mapped(5000)])): string => reasonOf({ ...failed, ...parts }, own)
  assert.equal(reason({ code: 'unreachable' }), 'peer-gone')
  assert.equal(reason({ code: 'no-answer' }), 'timeout')
  assert.equal(reason({ code: 'silent', opened: true }), 'connection-lost')
  assert.equal(reason({ privacy: 'relay', local: '' }), 'no-relay')
  assert.equal(reason({ local: line(1, 'host') + line(2, 'relay') }), 'relay-failed')
  assert.equal(reason({ remote: line(1, 'relay') }), 'relay-failed')
  assert.equal(reason({}, probe([], { errors: 2 })), 'udp-blocked')
  assert.equal(reason({}, probe([mapped(5000), mapped(5001)])), 'symmetric-nat-no-relay')
  assert.equal(reason({ remote: line(1000) + line(1001) }), 'symmetric-nat-no-relay')
  assert.equal(reason({}), 'no-route')
})

test('the pairs that were tried are told by their kinds, each once', () => {
  assert.deepEqual(pairsOf({ local: line(1, 'host') + line(2, 'host') + line(3), remote: line(4, 'relay') }), [
    { local: 'host', remote: 'relay' },
    { local: 'srflx', remote: 'relay' },
  ])
  assert.deepEqual(pairsOf({ local: line(1), remote: '' }), [])
})

test('advice names what is wrong, or that nothing is', () => {
  const node = { peerId: 'node', carrier: 'websocket' as const, rtt: 20 }
  const well: Omit<Diagnosis, 'advice'> = {
    ...{ udp: true, nat: 'cone', nodes: [node, node], clockOffset: 3 },
    turn: { offered: true, working: true },
  }
  const says = (parts: Partial<Diagnosis>, pattern: RegExp): void => {
    const advice = advise({ ...well, ...parts })
    assert.ok(advice.length === 1 && pattern.test(advice[0]), advice.join(' | '))
  }
  says({}, /^All is well/)
  says({ nodes: [node] }, /start a second/)
  says({ nodes: [] }, /No node is attached/)
  says({ udp: false, nat: 'unknown' }, /sessions go through relays/)
  says({ udp: false, nat: 'unknown', turn: { offered: false, working: false } }, /turn TURN on/)
  says({ nat: 'symmetric', turn: { offered: false, working: false } }, /another port/)
  says({ turn: { offered: true, working: false } }, /TURN ports/)
  says({ nodes: [{ ...node, rtt: 900 }, { ...node, rtt: 901 }] }, /far away/)
  says({ clockOffset: -180_000 }, /clock is wrong/)
})
