/** The answering side of one session's content: hands out blocks, one after the other. */
import { VeloxError } from '../errors.js'
import { CIDS } from '../session/messages.js'
import type { Session } from '../session/session.js'
import { BLOCKS, blockHead } from './block-stream.js'
import { cidFromBytes } from './cid.js'
import { WANTS_SERVED } from './limits.js'

export interface Shelf {
  has(cid: string): boolean
  get(cid: string): Uint8Array | undefined
}

export class Server {
  /** What was asked for and not yet sent, by the want's number, in order. */
  readonly #queue = new Map<number, string>()
  #serving = false

  constructor(
    private readonly session: Session,
    private readonly shelf: Shelf,
    private readonly onBytes: (bytes: number) => void,
  ) {
    session.onClose(() => this.#queue.clear())
  }

  have({ id, cids }: { id: number; cids: Uint8Array[] }): void {
    const held = Uint8Array.from(cids, (bytes) => (this.shelf.has(text(bytes)) ? 1 : 0))
    if (this.session.open) this.session.send({ has: { id, held } })
  }

  want({ id, cids }: { id: number; cids: Uint8Array[] }): void {
    if (this.#queue.size + cids.length > WANTS_SERVED) throw new VeloxError('malformed', 'too-many-wants')
    cids.forEach((bytes, at) => this.#queue.set(id + at, text(bytes)))
    if (!this.#serving) void this.#serve()
  }

  cancel(ids: number[]): void {
    for (const id of ids) this.#queue.delete(id)
  }

  async #serve(): Promise<void> {
    this.#serving = true
    try {
      let lacking: number[] = []
      for (;;) {
        const [next] = this.#queue
        if (lacking.length === CIDS || (!next && lacking.length > 0)) {
          this.session.send({ lack: lacking })
          lacking = []
        }
        if (!next) break
        const [id, cid] = next
        this.#queue.delete(id)
        const block = this.shelf.get(cid)
        if (block) await this.#send(id, block)
        else lacking.push(id)
      }
    } catch {
      // The session ended; whoever asked asks somebody else.
      this.#queue.clear()
    } finally {
      this.#serving = false
    }
  }

  async #send(id: number, block: Uint8Array): Promise<void> {
    const bulk = this.session.bulk(BLOCKS)
    await bulk.message(blockHead(id, block.length))
    await bulk.write(block)
    this.onBytes(block.length)
  }
}

/** The store's key of a CID; whoever asks for what is no CID of ours breaks the protocol. */
function text(bytes: Uint8Array): string {
  try {
    return cidFromBytes(bytes).text
  } catch {
    throw new VeloxError('malformed', 'no-cid')
  }
}
