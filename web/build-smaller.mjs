/** What keeps the client within its budget, beyond what esbuild and terser take by themselves. */
import { readFileSync } from 'node:fs'
import { minify } from 'terser'

/**
 * Properties that never leave the bundle, and may have shorter names: on no wire, in no storage, in
 * no public type, and not shared with velox-crypto.js or velox-diagnose.js.
 */
export const INTERNAL = new RegExp(
  `^(${[
    // web/src/attach
    ...['notBefore', 'proven', 'forgive', 'beside', 'silentSince', 'clockOffset'],
    ...['onEnd', 'onFinish', 'onClose', 'onBytes', 'onMessage', 'onChange', 'onState'],
    ...['onSleep', 'onWake', 'onVisibility', 'webSocket', 'peerConnection', 'failures'],
    ...['heard', 'probe', 'handshake', 'fingerprint'],
    // web/src/crypto
    ...['ephemeral', 'staticKey', 'initiator', 'remoteStatic', 'prologue'],
    // web/src/presence, signaling, session, content
    ...['retires', 'refreshAt', 'nextSeq', 'ownRecord', 'acquaintances', 'resealed', 'reseal'],
    ...['links', 'self', 'member', 'machine', 'exchange', 'loss', 'book', 'union', 'wants'],
    ...['locator', 'signals', 'suite', 'sources', 'fetched', 'faded', 'instance', 'asked', 'joined'],
    ...['settle', 'busy', 'sink', 'heading', 'acknowledged', 'learn', 'described', 'until', 'timer'],
    ...['options', 'introduce', 'expire', 'remember', 'refresh', 'release', 'opened', 'ended'],
    ...['drain', 'wanted', 'deadline', 'newest', 'host', 'bytes', 'root', 'source', 'bulk', 'keep', 'fail'],
    ...['failed', 'beat', 'renew', 'emit', 'list', 'first', 'active', 'onTick', 'handle', 'hold'],
    ...['queue', 'lacks', 'knows', 'attaches', 'inline', 'lost', 'finish', 'signerOf', 'codec', 'store'],
    ...['what', 'window', 'paused', 'remains', 'violated', 'messageSize', 'ready', 'flush', 'large', 'small'],
    ...['answered', 'offered', 'rename', 'progress', 'replied', 'staleKey', 'receiver', 'succeeded', 'bound'],
    ...['shelf', 'polite', 'sealing', 'deliver', 'unpin', 'mates', 'handleBulk', 'onEnvelope'],
    ...['holders', 'unwant', 'newSession', 'starving', 'starved', 'pinnedBound', 'pieces'],
    // noble-ciphers
    ...['blockLen', 'outputLen', 'nonceLength', 'tagLength', 'varSizeNonce', 'withAAD'],
    ...['counterLength', 'counterRight', 'allowShortKeys', 'extendNonceFn'],
  ].join('|')})$`,
)

/** noble's checks of its arguments' types, which TypeScript has made by then. */
const TYPE_CHECKS = ['abool', 'anumber', 'abytes', 'aobject', 'aexists', 'aoutput', 'checkOutput']

/**
 * noble-ciphers without those, and for little-endian machines alone: no browser runs on another.
 * Its tag comparison and its lengths' checks stay.
 */
export const leanCiphers = {
  name: 'lean-ciphers',
  setup(build) {
    build.onLoad({ filter: /@noble[\\/]ciphers[\\/][^\\/]*\.js$/ }, async ({ path }) => {
      const source = readFileSync(path, 'utf8')
      const { code } = await minify(source.replace(/export const isLE = [^;]*;/, 'export const isLE = true;'), {
        module: true,
        mangle: false,
        compress: { defaults: false, side_effects: true, unused: true, pure_funcs: TYPE_CHECKS },
        // Their annotations let esbuild leave out what nobody calls.
        format: { comments: 'all', preserve_annotations: true },
      })
      return { contents: code }
    })
  },
}
