/**
 * What a test asks of a page: `window.visitor`. Everything that waits does so by the library's
 * events, so that the times it returns are the library's and not a poll's.
 */

class Visitor {
  /** Everything that the room said, in order: `{ event, peer, at }`. */
  history = []
  /** Messages: `{ type, body, from, at }`. */
  messages = []
  errors = []
  #changed = new Set()

  /** Loads the library from a node and starts it. Returns the page's PeerId. */
  async start({ library, ...options }) {
    const { Velox } = await import(library)
    this.velox = await Velox.start(options)
    this.velox.on('error', (error) => this.errors.push(String(error?.message ?? error)))
    this.velox.on('state', () => this.#tell())
    return this.velox.peerId
  }

  /** Returns how many milliseconds joining took. */
  async join(name, metadata) {
    const start = performance.now()
    this.joinedAt = start
    this.room = await this.velox.join(name, metadata === undefined ? {} : { metadata })
    for (const event of ['join', 'leave', 'connect', 'disconnect']) {
      this.room.on(event, (peer) => {
        this.history.push({ event, peer: peer.peerId, at: performance.now() })
        this.#tell()
      })
    }
    this.room.on('message', ({ type, body, peer }) => {
      this.messages.push({ type, body, from: peer.peerId, at: performance.now() })
      this.#tell()
    })
    return performance.now() - start
  }

  /** Waits until the peer is listed; returns the milliseconds since `join` was called. */
  async lists(peerId, ms) {
    await this.when(() => this.room.peers.has(peerId), `${peerId} to be listed`, ms)
    return performance.now() - this.joinedAt
  }

  /** Waits until there is an open session with the peer; milliseconds since `join`. */
  async connected(peerId, ms) {
    await this.when(() => this.room.peers.get(peerId)?.connected, `a session with ${peerId}`, ms)
    return performance.now() - this.joinedAt
  }

  async gone(peerId, ms) {
    await this.when(() => !this.room.peers.has(peerId), `${peerId} to be gone`, ms)
  }

  /** Waits for a message from the peer whose body is `body`. */
  async hears(peerId, body, ms) {
    const wanted = JSON.stringify(body)
    const match = (message) => message.from === peerId && JSON.stringify(message.body) === wanted
    await this.when(() => this.messages.some(match), `"${wanted}" from ${peerId}`, ms)
  }

  say(body, options) {
    return this.room.send('chat', body, options)
  }

  /** Puts `size` bytes that `seed` determines. */
  async put(size, seed = 1) {
    return String(await this.velox.put(new Blob([bytes(size, seed)])))
  }

  /** Gets a CID and says whether it is what `put(size, seed)` was given. */
  async get(cid, size, seed = 1) {
    const response = await this.velox.get(cid)
    const got = new Uint8Array(await response.arrayBuffer())
    const wanted = bytes(size, seed)
    return got.length === wanted.length && got.every((byte, index) => byte === wanted[index])
  }

  /** The error's code, or undefined if there was none. */
  async codeOf(promise) {
    try {
      await promise
      return undefined
    } catch (error) {
      return error.code ?? String(error)
    }
  }

  attached(count, ms) {
    return this.when(() => this.velox.attachments.length >= count, `${count} attachments`, ms)
  }

  /** Waits until that node is no attachment, and there are `count` others. */
  replaced(nodeId, count, ms) {
    const others = () => this.velox.attachments.filter(({ peerId }) => peerId !== nodeId)
    const holds = () => others().length === this.velox.attachments.length && others().length >= count
    return this.when(holds, `${count} attachments, none of them to ${nodeId}`, ms)
  }

  /** Resolves when `holds` is true, which is asked at every event of the library. */
  when(holds, what, ms = 20_000) {
    return new Promise((resolve, reject) => {
      const check = () => {
        if (!holds()) return
        this.#changed.delete(check)
        clearTimeout(timer)
        clearInterval(tick)
        resolve()
      }
      const timer = setTimeout(() => {
        this.#changed.delete(check)
        clearInterval(tick)
        reject(new Error(`waited ${ms} ms for ${what}; so far: ${JSON.stringify(this.history.slice(-20))}`))
      }, ms)
      // For the little that has no event, such as the number of attachments.
      const tick = setInterval(check, 100)
      this.#changed.add(check)
      check()
    })
  }

  #tell() {
    for (const check of [...this.#changed]) check()
  }
}

/** Bytes that don't compress and don't repeat (xorshift32). */
function bytes(size, seed) {
  const words = new Uint32Array(Math.ceil(size / 4))
  let state = seed || 1
  for (let index = 0; index < words.length; index++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    words[index] = state
  }
  return new Uint8Array(words.buffer, 0, size)
}

window.visitor = new Visitor()
window.dispatchEvent(new Event('visitor'))
