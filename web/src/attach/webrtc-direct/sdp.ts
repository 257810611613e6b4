/**
 * The SDP of WebRTC-direct. The two ends exchange none: each knows what the other would say. The
 * server takes the ICE password from the user name of the first STUN request.
 * https://github.com/libp2p/specs/blob/master/webrtc/webrtc-direct.md
 */
import { hex } from '../../wire/bytes.js'
import type { DirectAddress } from '../address.js'

/** Handshake versions, as the server's ICE user name begins. */
export const PREFIX = 'libp2p+webrtc+v'

/** The answer of the server at `address` whose ICE user name and password are both `ufrag`. */
export function answerOf({ host, port, fingerprint }: DirectAddress, ufrag: string): string {
  const ip = host.replace(/[[\]]/g, '')
  const version = ip === host ? 4 : 6
  return [
    'v=0',
    `o=- 0 0 IN IP${version} ${ip}`,
    's=-',
    't=0 0',
    'a=ice-lite',
    `m=application ${port} UDP/DTLS/SCTP webrtc-datachannel`,
    `c=IN IP${version} ${ip}`,
    'a=mid:0',
    'a=setup:passive',
    `a=ice-ufrag:${ufrag}`,
    `a=ice-pwd:${ufrag}`,
    `a=fingerprint:sha-256 ${hex(fingerprint).toUpperCase().replace(/..(?!$)/g, '$&:')}`,
    'a=sctp-port:5000',
    'a=max-message-size:16384',
    `a=candidate:1 1 UDP 1 ${ip} ${port} typ host`,
    'a=end-of-candidates',
    '',
  ].join('\r\n')
}

/** An offer with `ufrag` for ICE user name and password, as handshake version 1 wants it. */
export const munge = (offer: string, ufrag: string): string =>
  offer.replace(/(a=ice-(?:ufrag|pwd):).*/g, `$1${ufrag}`)

/** The ICE password of a browser's description. */
export const passwordOf = (sdp: string): string => /a=ice-pwd:(.+)/.exec(sdp)![1]

/** The SHA-256 fingerprint of a browser's certificate, which its description tells: 32 bytes. */
export const fingerprintOf = (sdp: string): Uint8Array =>
  Uint8Array.from(/a=fingerprint:sha-256 (.+)/i.exec(sdp)![1].split(':'), (byte) => parseInt(byte, 16))
