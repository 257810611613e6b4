/**
 * Carries rooms' messages over sessions: small ones on the control channel, large ones on a bulk
 * channel of their own, where they don't hold up the small. One post serves all rooms.
 */
import { VeloxError } from '../errors.js'
import { drained, type BulkSender } from '../session/bulk.js'
import { BULK_BUFFERED } from '../session/limits.js'
import { head, type Said } from '../session/messages.js'
import type { BulkReceiver, Session } from '../session/session.js'
import type { Sessions } from '../session/sessions.js'
import { unpack, type Packed } from './body.js'
import { ARRIVING, BODY, INLINE, READ } from './limits.js'

/** What a message says besides its body. */
export type Heading = Omit<Said, 'format' | 'mime' | 'size' | 'body'>

/** Called with every message for a room; `size` is the body's, in bytes. */
export type Letterbox = (session: Session, heading: Heading & { size: number }, body: unknown) => void

const LABEL = 'velox/body'
const posts = new WeakMap<Sessions, Post>()

export class Post {
  readonly #boxes = new Map<string, Letterbox>()
  /** Small messages to one session go one after the other, and so do large ones. */
  readonly #lines = { small: new WeakMap<Session, Promise<void>>(), large: new WeakMap<Session, Promise<void>>() }
  #arriving = 0

  private constructor(sessions: Sessions) {
    sessions.handle('say', (session, said) => {
      if (!said.body || said.body.length !== said.size) throw new VeloxError('malformed', 'body-size')
      this.#deliver(session, said, [said.body])
    })
    sessions.handleBulk(LABEL, (session) => this.#receiver(session))
  }

  /** The one post of these sessions. */
  static of(sessions: Sessions): Post {
    let post = posts.get(sessions)
    if (!post) posts.set(sessions, (post = new Post(sessions)))
    return post
  }

  /** Opens a room's letterbox; returns its undo. */
  open(room: string, box: Letterbox): () => void {
    this.#boxes.set(room, box)
    return () => {
      if (this.#boxes.get(room) === box) this.#boxes.delete(room)
    }
  }

  /** Resolves when all of it is handed to the transport; rejects `closed`. */
  async send(session: Session, heading: Heading, body: Packed): Promise<void> {
    const { format, mime, size, content } = body
    const said: Said = { ...heading, format, size, ...(mime === undefined ? {} : { mime }) }
    if (size > INLINE) return inLine(this.#lines.large, session, () => write(session.bulk(LABEL), said, content, size))
    return inLine(this.#lines.small, session, async () => {
      const body = await bytesOf(content, 0, size)
      await session.ready()
      session.send({ say: { ...said, body } })
    })
  }

  #deliver(session: Session, said: Said, parts: Uint8Array[]): void {
    const body = unpack(said.format, said.mime, parts)
    this.#boxes.get(said.room)?.(session, said, body)
  }

  /** Puts bodies together that come on one bulk channel: a head, then the body, and again. */
  #receiver(session: Session): BulkReceiver {
    let said: Said | undefined
    let parts: Uint8Array[] = []
    let missing = 0
    let held = 0
    const release = (): void => {
      this.#arriving -= held
      held = 0
      parts = []
    }
    return {
      message: (bytes) => {
        if (!said) {
          said = readHead(bytes)
          if (said.body || said.size === 0 || said.size > BODY) throw new VeloxError('malformed', 'body-size')
          missing = said.size
          return
        }
        if (bytes.length === 0 || bytes.length > missing) throw new VeloxError('malformed', 'body-size')
        missing -= bytes.length
        // For a room that we aren't in, or with no memory left, it passes by unkept.
        if (this.#boxes.has(said.room) && this.#arriving + bytes.length <= ARRIVING) {
          parts.push(bytes)
          held += bytes.length
          this.#arriving += bytes.length
        }
        if (missing > 0) return
        const whole = held === said.size
        const [done, kept] = [said, parts]
        said = undefined
        release()
        if (whole) this.#deliver(session, done, kept)
      },
      end: release,
    }
  }
}

function readHead(bytes: Uint8Array): Said {
  try {
    return head.decode(bytes)
  } catch (cause) {
    throw new VeloxError('malformed', 'body-head', { cause })
  }
}

/** Runs `step` when what was in line before it is done, however that ended. */
function inLine(line: WeakMap<Session, Promise<void>>, session: Session, step: () => Promise<void>): Promise<void> {
  const before = line.get(session) ?? Promise.resolve()
  const done = before.catch(() => undefined).then(step)
  line.set(session, done)
  return done
}

async function write(bulk: BulkSender, said: Said, content: Uint8Array | Blob, size: number): Promise<void> {
  await bulk.message(head.encode(said))
  for (let at = 0; at < size; at += READ) await bulk.write(await bytesOf(content, at, Math.min(size, at + READ)))
  await drained(bulk.channel, BULK_BUFFERED)
}

async function bytesOf(content: Uint8Array | Blob, from: number, to: number): Promise<Uint8Array> {
  if (content instanceof Uint8Array) return content.subarray(from, to)
  return new Uint8Array(await content.slice(from, to).arrayBuffer())
}
