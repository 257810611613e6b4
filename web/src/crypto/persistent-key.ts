/** An identity that outlives the page: its key in IndexedDB, held by one tab at a time. */
import { load, save } from '../attach/storage.js'
import { VeloxError } from '../errors.js'
import type { SigningKey, Suite } from './suite.js'

/**
 * The network's stored key, made and kept the first time, and what lets go of it. Rejects with
 * `in-use` where another tab holds it, `needs-https` on a plain http page, `unsupported` where
 * the runtime has no Web Locks or can't keep anything.
 */
export async function persistentKey(
  network: string,
  suite: Suite,
): Promise<{ key: SigningKey; release: () => void }> {
  const name = `identity:${network}`
  const release = await hold(`velox:${name}`)
  try {
    const stored = await load(name)
    // A key that was made before this browser had Ed25519 stays the key.
    const maker = stored instanceof Uint8Array ? (await import('./noble.js')).nobleSuite : suite
    const key = await maker.signingKey(stored)
    if (!stored) await save(name, key.stored)
    return { key, release }
  } catch (error) {
    release()
    throw new VeloxError('unsupported', "this browser can't keep an identity: use `identity: 'fresh'`", {
      cause: error,
    })
  }
}

async function hold(name: string): Promise<() => void> {
  const locks = globalThis.navigator?.locks
  if (!locks) {
    throw globalThis.isSecureContext === false
      ? new VeloxError('needs-https', "`identity: 'persistent'` needs a page on https or localhost")
      : new VeloxError('unsupported', "`identity: 'persistent'` needs Web Locks and IndexedDB")
  }
  return new Promise((resolve, reject) => {
    const held = locks.request(name, { ifAvailable: true }, (lock) => {
      if (lock) return new Promise<void>((release) => resolve(release))
      throw new VeloxError('in-use', "another tab holds this identity: close it, or use `identity: 'fresh'`")
    })
    held.catch(reject)
  })
}
