/** How one picture is fetched: from whom, in which order, and verified. */

import type { Mesh, Room } from './mesh.js'
import type { Source, Traffic } from './traffic.js'

export type Mode = 'peers-first' | 'origin-first' | 'off'

export interface Picture {
  readonly name: string
  readonly cid: string
  readonly bytes: number
  readonly width: number
  readonly height: number
  readonly title: string
}

export interface Fetched {
  readonly blob: Blob
  readonly source: Source
}

/** A peer that sends nothing for this long is given up: a session is open after 2 s at worst. */
const PEER_SILENCE_MS = 6_000
/** The origin is the last resort, so it gets longer. */
const ORIGIN_SILENCE_MS = 20_000

/** Whom a picture can be asked of; `mesh` is null where the network could not be joined. */
export interface Sources {
  readonly mesh: Promise<Mesh | null>
  /** The room, once it is known whether anybody else is in it; null where it could not be joined. */
  readonly company: Promise<Room | null>
  readonly traffic: Traffic
}

export async function fetchPicture(picture: Picture, mode: Mode, sources: Sources): Promise<Fetched> {
  if (mode === 'off') return fromOrigin(picture, sources)
  const [first, second] = mode === 'peers-first' ? [fromPeers, fromOrigin] : [fromOrigin, fromPeers]
  try {
    return await first(picture, sources)
  } catch (failure) {
    try {
      return await second(picture, sources)
    } catch (error) {
      // What the origin said is what somebody can do something about.
      throw mode === 'peers-first' ? error : failure
    }
  }
}

async function fromPeers(picture: Picture, { mesh, company, traffic }: Sources): Promise<Fetched> {
  const [velox, room] = await Promise.all([mesh, company])
  if (!velox || !room?.peers.size) throw new Error('Nobody else is here.')
  const silence = new Silence(PEER_SILENCE_MS)
  try {
    const response = await velox.get(picture.cid, { signal: silence.signal, onProgress: () => silence.broken() })
    const blob = await collect(response, 'peers', traffic, silence)
    return { blob, source: 'peers' }
  } finally {
    silence.end()
  }
}

async function fromOrigin(picture: Picture, { mesh, traffic }: Sources): Promise<Fetched> {
  const silence = new Silence(ORIGIN_SILENCE_MS)
  let blob: Blob
  try {
    // The HTTP cache would make the origin's bar lie.
    const response = await fetch(`/pictures/${picture.name}.jpg`, { cache: 'no-store', signal: silence.signal })
    if (!response.ok) throw new Error(`The origin answered ${response.status} ${response.statusText}`.trim() + '.')
    blob = await collect(response, 'origin', traffic, silence)
  } catch (error) {
    if (error instanceof TypeError) throw new Error('The origin does not answer.', { cause: error })
    throw error
  } finally {
    silence.end()
  }
  // `put` says what these bytes are, and hands them to whoever asks from now on.
  const velox = await mesh
  if (velox && String(await velox.put(blob)) !== picture.cid) {
    throw new Error('What the origin sent is not the picture that the gallery lists.')
  }
  return { blob, source: 'origin' }
}

async function collect(response: Response, source: Source, traffic: Traffic, silence: Silence): Promise<Blob> {
  if (!response.body) return new Blob([])
  const parts: BlobPart[] = []
  const reader = response.body.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return new Blob(parts, { type: 'image/jpeg' })
    silence.broken()
    traffic.arrived(source, value.byteLength)
    parts.push(value)
  }
}

/** Aborts its signal when nothing was heard for a while. */
class Silence {
  readonly #controller = new AbortController()
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(readonly limit: number) {
    this.broken()
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  broken(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#controller.abort(new Error('It stopped answering.')), this.limit)
  }

  end(): void {
    clearTimeout(this.#timer)
  }
}
