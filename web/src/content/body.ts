/** A file as a stream of bytes: in order, with what comes next asked for ahead. */
import { bad, type Cid } from './cid.js'
import type { Progress } from './import.js'
import { AHEAD, AHEAD_LEAVES } from './limits.js'
import type { FileTree } from './tree.js'

export interface BodyHost {
  block(cid: Cid): Promise<Uint8Array>
  onProgress: ((progress: Progress) => void) | undefined
  /** All has been read, or it failed, or the reader gave up. */
  ended(error?: unknown): void
}

interface Slot {
  readonly size: number
  readonly bytes: Promise<Uint8Array>
}

/** The file's bytes. About `AHEAD` are asked for that the reader hasn't taken. */
export function bodyOf(tree: FileTree, host: BodyHost): ReadableStream<Uint8Array<ArrayBuffer>> {
  const slots: Slot[] = []
  let ahead = 0
  let loaded = 0
  let done = false
  let failure: unknown
  let filling = false
  let wake = (): void => undefined

  /** Asks ahead until there is enough, or the file ends. */
  const fill = async (): Promise<void> => {
    if (filling) return
    filling = true
    try {
      while (!done && (slots.length === 0 || (ahead < AHEAD && slots.length < AHEAD_LEAVES))) {
        const next = await tree.pieces.next()
        if (next.done) done = true
        else {
          const slot = 'leaf' in next.value ? leafSlot(next.value.leaf.cid, next.value.leaf.size) : inlineSlot(next.value.bytes)
          slots.push(slot)
          ahead += slot.size
        }
        wake()
      }
    } catch (error) {
      failure = error
      done = true
      wake()
    } finally {
      filling = false
    }
  }

  const leafSlot = (cid: Cid, size: number): Slot => {
    const bytes = host.block(cid).then((block) => {
      if (block.length !== size) throw bad("a leaf isn't as large as its parent says")
      loaded += size
      host.onProgress?.({ loaded, total: tree.size })
      return block
    })
    bytes.catch(() => undefined)
    return { size, bytes }
  }

  const inlineSlot = (bytes: Uint8Array): Slot => {
    loaded += bytes.length
    host.onProgress?.({ loaded, total: tree.size })
    return { size: bytes.length, bytes: Promise.resolve(bytes) }
  }

  return new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      async pull(controller) {
        try {
          void fill()
          while (slots.length === 0 && !done) await new Promise<void>((resolve) => (wake = resolve))
          const slot = slots.shift()
          if (!slot) {
            if (failure) throw failure
            host.ended()
            return controller.close()
          }
          const bytes = await slot.bytes
          ahead -= slot.size
          void fill()
          // A copy: what the reader does with it is no business of the store's.
          controller.enqueue(bytes.slice())
        } catch (error) {
          done = true
          host.ended(error)
          controller.error(error)
        }
      },
      cancel() {
        done = true
        host.ended()
      },
    },
    { highWaterMark: 0 },
  )
}
