/** The part of the client library that these pages use, and how they get it. */

export interface Member {
  readonly peerId: string
  readonly metadata?: unknown
  readonly connected: boolean
}

export interface Message {
  readonly type: string
  readonly body: unknown
  readonly peer: Member
}

export interface RoomEvents {
  join: Member
  leave: Member
  connect: Member
  disconnect: Member
  update: Member
  message: Message
}

export interface Room {
  readonly peers: ReadonlyMap<string, Member>
  readonly size: number
  on<Name extends keyof RoomEvents>(name: Name, listener: (event: RoomEvents[Name]) => void): () => void
  send(type: string, body: unknown, options?: { to?: string[] }): Promise<unknown>
  leave(): Promise<unknown>
}

/** A tie to a node. */
export interface Attachment {
  readonly peerId: string
  /** The multiaddr that was dialed. */
  readonly address: string
  readonly carrier: 'websocket' | 'webrtc-direct'
}

export type MeshState = 'connecting' | 'attached' | 'detached' | 'paused'

/** What works here and what doesn't. */
export interface Diagnosis {
  readonly udp?: boolean | undefined
  readonly nat: 'none' | 'cone' | 'symmetric' | 'unknown'
  readonly nodes: readonly { readonly carrier: Attachment['carrier']; readonly rtt: number }[]
  readonly turn: { readonly offered: boolean; readonly working: boolean }
  /** Milliseconds by which this device's clock is behind the network's. */
  readonly clockOffset: number
  readonly advice: readonly string[]
}

export interface Mesh {
  readonly peerId: string
  readonly state: MeshState
  readonly attachments: readonly Attachment[]
  on(name: 'state', listener: (state: MeshState) => void): () => void
  on(name: 'attachments', listener: () => void): () => void
  on(name: 'error', listener: (error: unknown) => void): () => void
  put(content: Blob): Promise<unknown>
  get(cid: string, options?: { onProgress?: () => void; signal?: AbortSignal }): Promise<Response>
  join(name: string, options?: { metadata?: unknown }): Promise<Room>
  diagnose(): Promise<Diagnosis>
  stop(): Promise<void>
}

interface Options {
  network?: string
  nodes?: string[]
}

interface Library {
  Velox: { start(options: Options): Promise<Mesh> }
}

/** How long nodes may take to answer by WebRTC-direct before their WebSockets are tried, too. */
const UDP_MS = 2_500

/**
 * Starts the library that this page's own server hands out. The origin names nodes by their
 * WebRTC-direct addresses; where those don't answer in time, as where no UDP gets through, they
 * are asked by their base URLs, `bases`, besides: the first to answer is taken.
 */
export async function startMesh(options: Options, bases: Promise<string[]>): Promise<Mesh> {
  const library = '/velox.js'
  const { Velox } = (await import(library)) as Library
  const direct = Velox.start(options)
  if (options.nodes) return direct
  const late = overdue(direct).then(async () => Velox.start({ ...options, nodes: await bases }))
  const both = [direct, late]
  try {
    const mesh = await Promise.any(both)
    for (const one of both) void one.then((other) => (other === mesh ? undefined : other.stop()), () => {})
    return mesh
  } catch (error) {
    throw (error as AggregateError).errors[0]
  }
}

/** Resolves when `mesh` has failed, or has taken too long; never if it comes in time. */
function overdue(mesh: Promise<Mesh>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, UDP_MS)
    mesh.then(() => clearTimeout(timer), () => resolve())
  })
}
