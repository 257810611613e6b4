/** WebRTC-direct's pieces, without a browser. tests/ has them against other people's listeners. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { isAllowed, isPrivate, parseMultiaddr, type DirectAddress } from '../src/attach/address.js'
import * as message from '../src/attach/webrtc-direct/message.js'
import { AnswerReader, proposal, refuseIncoming } from '../src/attach/webrtc-direct/multistream.js'
import { noiseChannel, prologue } from '../src/attach/webrtc-direct/noise-channel.js'
import { answerOf, fingerprintOf, munge, passwordOf } from '../src/attach/webrtc-direct/sdp.js'
import { DirectStream } from '../src/attach/webrtc-direct/stream.js'
import { concat, fromUtf8, hex, utf8 } from '../src/wire/bytes.js'
import { frame } from '../src/wire/frame.js'
import { fieldsOf } from '../src/wire/protobuf.js'

const CERTHASH = 'uEiAw_J9GnCB0Gd_dCqtfJ6hslzyU5AVI25N1zKLpFZc7mQ'
const SERVER = '30fc9f469c207419dfdd0aab5f27a86c973c94e40548db9375cca2e915973b99'
const CLIENT = '3e79af40d6059617a0d83b83a52ce73b0c1f37a72c6043ad2969e2351bdca870'
const PEER = '12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5'
const fromHex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'))
const direct = (text: string): DirectAddress => parseMultiaddr(text) as DirectAddress

/** Two ends of a data channel, as far as streams use it. What one sends comes after what it does. */
class Channel {
  binaryType = ''
  onmessage: (event: { data: unknown }) => void = () => {}
  onclose: () => void = () => {}
  readonly sent: Uint8Array[] = []
  closed = false
  #other!: Channel
  #queue: (() => void)[] = []

  static pair(): [Channel, Channel] {
    const [a, b] = [new Channel(), new Channel()]
    a.#other = b
    b.#other = a
    b.#queue = a.#queue
    return [a, b]
  }

  send(bytes: Uint8Array): void {
    if (this.closed) throw new Error('closed')
    this.sent.push(bytes)
    this.#later(() => this.#other.onmessage({ data: bytes.slice().buffer }))
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    this.#later(() => {
      this.#other.closed = true
      this.#other.onclose()
    })
  }

  #later(step: () => void): void {
    if (this.#queue.push(step) > 1) return
    for (; this.#queue.length; this.#queue.shift()) this.#queue[0]()
  }
}

interface End {
  stream: DirectStream
  channel: Channel
  text: string
  happened: string[]
}

function end(channel: Channel): End {
  const stream = new DirectStream(channel as unknown as RTCDataChannel)
  const seen: End = { stream, channel, text: '', happened: [] }
  stream.onBytes = (bytes) => (seen.text += fromUtf8(bytes))
  stream.onFinish = () => seen.happened.push('finish')
  stream.onEnd = (reason) => seen.happened.push(reason)
  return seen
}

const ends = (): [End, End] => Channel.pair().map(end) as [End, End]

test('reads addresses of WebRTC-direct, with a SHA-256 certhash alone', () => {
  const at = `/ip4/1.2.3.4/udp/4001/webrtc-direct/certhash/${CERTHASH}`
  const address = direct(`${at}/p2p/${PEER}`)
  assert.equal(address.kind, 'webrtc-direct')
  assert.deepEqual([address.text, address.host, address.port, address.node], [at, '1.2.3.4', 4001, PEER])
  assert.equal(hex(address.fingerprint), SERVER)
  assert.equal(direct(at.replace('4001', '80')).port, 80)
  assert.equal(direct(at.replace('ip4/1.2.3.4', 'ip6/2001:db8::1')).host, '[2001:db8::1]')
  assert.ok(isPrivate(direct(at.replace('ip4/1.2.3.4', 'ip6/::1')).host))
  assert.ok(isAllowed(address))
  for (const bad of [
    at.replace(CERTHASH, ''),
    at.replace(CERTHASH, CERTHASH.slice(0, -1)),
    at.replace(CERTHASH, `${CERTHASH}A`),
    // SHA-1's code, and base58.
    at.replace('uEiA', 'uESA'),
    at.replace('uEiA', 'zEiA'),
    at.replace('4001', '0'),
    at.replace('4001', '65536'),
    at.replace('ip4/1.2.3.4', 'dns4/example.org'),
    at.replace('1.2.3.4', 'example.org'),
    at.replace('1.2.3.4', '1.2.3.4\r\na=x'),
    at.replace('ip4/1.2.3.4', 'ip6/no'),
    at.replace('udp', 'tcp'),
    `${at}/p2p/nobody`,
    `${at}/p2p-circuit`,
  ]) {
    assert.equal(parseMultiaddr(bad), undefined, bad)
  }
})

test("has the noise prologue of the specification's vector", () => {
  assert.equal(
    hex(prologue(fromHex(CLIENT), fromHex(SERVER))),
    `6c69627032702d7765627274632d6e6f6973653a1220${CLIENT}1220${SERVER}`,
  )
})

const OFFER = [
  'v=0',
  'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
  'a=ice-ufrag:abcd',
  'a=ice-pwd:+/secret',
  'a=fingerprint:sha-256 3E:79:AF:40:D6:05:96:17:A0:D8:3B:83:A5:2C:E7:3B:0C:1F:37:A7:2C:60:43:AD:29:69:E2:35:1B:DC:A8:70',
  'a=setup:actpass',
  '',
].join('\r\n')

test("handshake 2 reads the browser's own words and changes none", () => {
  assert.equal(passwordOf(OFFER), '+/secret')
  assert.equal(hex(fingerprintOf(OFFER)), CLIENT)
})

test('handshake 1 changes user name and password of the offer, and nothing else', () => {
  const munged = munge(OFFER, 'libp2p+webrtc+v1/x')
  const changed = munged.split('\r\n').filter((line) => !OFFER.split('\r\n').includes(line))
  assert.deepEqual(changed, ['a=ice-ufrag:libp2p+webrtc+v1/x', 'a=ice-pwd:libp2p+webrtc+v1/x'])
  assert.equal(munged.split('\r\n').length, OFFER.split('\r\n').length)
})

test("says what the server's answer would be", () => {
  const at = `/ip6/2001:db8::1/udp/4001/webrtc-direct/certhash/${CERTHASH}`
  const lines = answerOf(direct(at), 'libp2p+webrtc+v2/secret').split('\r\n')
  for (const line of [
    'c=IN IP6 2001:db8::1',
    'a=ice-lite',
    'a=setup:passive',
    'a=ice-ufrag:libp2p+webrtc+v2/secret',
    'a=ice-pwd:libp2p+webrtc+v2/secret',
    'a=max-message-size:16384',
    `a=fingerprint:sha-256 ${SERVER.toUpperCase().match(/../g)!.join(':')}`,
  ]) {
    assert.ok(lines.includes(line), line)
  }
  assert.ok(lines.some((line) => /^a=candidate:1 1 UDP \d+ 2001:db8::1 4001 typ host$/.test(line)))
})

test('stream messages: what is written is read, and fits', () => {
  const payload = new Uint8Array(message.MAX_PAYLOAD).fill(7)
  const written = message.dataMessage(payload)
  assert.equal(written.length, message.MAX_MESSAGE)
  assert.deepEqual(message.readMessage(written.subarray(2)).data, payload)
  for (const flag of [message.FIN, message.STOP_SENDING, message.RESET, message.FIN_ACK]) {
    assert.equal(message.readMessage(message.flagMessage(flag).subarray(1)).flag, flag)
  }
  assert.deepEqual(message.readMessage(new Uint8Array()), { flag: undefined, data: undefined })
  // A field that nobody knows yet.
  assert.equal(message.readMessage(fromHex('18010800')).flag, message.FIN)
})

test('stream messages that are cut off or no protobuf are malformed', () => {
  for (const bad of ['08', '0a', '1205aa', '12ffffffff7f', '0aff', '0900', '12', '1201', 'ffffffffffff', '1000', '0a00']) {
    assert.throws(() => message.readMessage(fromHex(bad)), { code: 'malformed' }, bad)
  }
  const whole = message.dataMessage(utf8('whole')).subarray(1)
  for (let length = 1; length < whole.length; length++) {
    assert.equal(fieldsOf(whole.subarray(0, length)), undefined)
  }
})

test('a stream carries bytes both ways, in messages that fit', () => {
  const [a, b] = ends()
  const long = 'velox'.repeat(10_000)
  a.stream.send(utf8(long))
  b.stream.send(utf8('answer'))
  assert.equal(b.text, long)
  assert.equal(a.text, 'answer')
  assert.ok(a.channel.sent.length > 3)
  assert.ok(a.channel.sent.every(({ length }) => length <= 16_384))
})

test('each half closes by itself; with both acknowledged the channel closes', () => {
  const [a, b] = ends()
  a.stream.finish()
  a.stream.send(utf8('too late'))
  assert.deepEqual(b.happened, ['finish'])
  b.stream.send(utf8('more'))
  assert.equal(a.text, 'more')
  assert.equal(b.text, '')
  assert.ok(!a.channel.closed)
  b.stream.finish()
  assert.deepEqual(a.happened, ['finish', 'closed'])
  assert.equal(b.happened.length, 2)
  assert.ok(a.channel.closed)
})

test('a reset ends both ends, once', () => {
  const [a, b] = ends()
  a.stream.reset()
  a.stream.reset()
  a.stream.finish()
  a.stream.send(utf8('late'))
  assert.deepEqual(b.happened, ['reset by the other end'])
  assert.deepEqual(a.happened, [])
})

test('who is asked to stop sending stops, and still acknowledges', () => {
  const [a, b] = ends()
  b.channel.send(message.flagMessage(message.STOP_SENDING))
  a.stream.send(utf8('unwanted'))
  assert.equal(b.text, '')
  b.stream.finish()
  assert.deepEqual(a.happened, ['finish'])
})

test('nonsense resets the stream and throws nothing', () => {
  for (const nonsense of [
    frame(fromHex('ff')),
    // Longer than any message may be: refused by its length alone.
    fromHex('ffff03'),
    fromHex('ffffffffff'),
    frame(new Uint8Array(16_385)),
  ]) {
    const [a, b] = ends()
    b.channel.send(nonsense)
    assert.equal(a.happened.length, 1)
    assert.ok(a.channel.closed)
  }
  const [a, b] = ends()
  a.channel.onmessage({ data: 'text' })
  b.stream.send(utf8('fine'))
  assert.equal(a.text, 'fine')
})

test('messages that are cut in pieces, or come together, are read alike', () => {
  const [a, b] = ends()
  const bytes = concat(message.dataMessage(utf8('one ')), message.dataMessage(utf8('two')))
  for (const byte of bytes) b.channel.send(Uint8Array.of(byte))
  b.channel.send(bytes)
  assert.equal(a.text, 'one twoone two')
})

test('reads the answer to a proposal, however it is cut, and hands on what follows', () => {
  const bytes = concat(proposal('/velox/attach/1'), utf8('rest'))
  assert.equal(fromUtf8(bytes.subarray(0, 37)), '\x13/multistream/1.0.0\n\x10/velox/attach/1\n')
  for (let at = 0; at <= bytes.length; at++) {
    const reader = new AnswerReader('/velox/attach/1')
    const rest = concat(reader.read(bytes.subarray(0, at)), reader.read(bytes.subarray(at)))
    assert.equal(fromUtf8(rest), 'rest')
  }
  const refused = concat(proposal('x').subarray(0, 20), frame(utf8('na\n')))
  assert.throws(() => new AnswerReader('/velox/attach/1').read(refused), {
    code: 'unsupported',
    message: /doesn't speak \/velox\/attach\/1/,
  })
})

test('whatever a node proposes is not available here', () => {
  const peerConnection = {} as RTCPeerConnection
  refuseIncoming(peerConnection)
  const offered = (): End => {
    const [own, others] = Channel.pair()
    peerConnection.ondatachannel!({ channel: own } as unknown as RTCDataChannelEvent)
    return end(others)
  }
  const node = offered()
  node.stream.send(proposal('/ipfs/id/1.0.0'))
  assert.equal(node.text, '\x13/multistream/1.0.0\n\x03na\n')
  node.stream.send(frame(utf8('/another/1\n')))
  assert.match(node.text, /na\n\x03na\n$/)
  node.stream.finish()
  assert.deepEqual(node.happened, ['finish', 'closed'])
  // As many as fit are open at once.
  const many = Array.from({ length: 40 }, offered)
  const open = many.filter(({ channel }) => !channel.closed)
  assert.equal(open.length, 16)
  open[0].stream.reset()
  assert.ok(!offered().channel.closed)
  // Who doesn't speak multistream-select is reset.
  open[1].stream.send(new Uint8Array(3_000).fill(0x7f))
  open[2].stream.send(fromHex('ffffffff'))
  assert.ok(open[2].channel.closed)
})

test('noise messages are found by their lengths, however they are cut', () => {
  const [a, b] = ends()
  const messages: string[] = []
  const socket = noiseChannel(a.stream)
  socket.onMessage = (each) => messages.push(fromUtf8(each))
  b.stream.send(fromHex('00'))
  b.stream.send(concat(fromHex('05'), utf8('hel')))
  b.stream.send(utf8('lo'))
  b.stream.send(concat(fromHex('0003'), utf8('you')))
  assert.deepEqual(messages, ['hello', 'you'])
  let reason = ''
  socket.onClose = (text) => (reason = text)
  b.channel.close()
  assert.ok(reason)
})
