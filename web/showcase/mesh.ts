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
}

export type MeshState = 'connecting' | 'attached' | 'detached'

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
}

interface Library {
  Velox: { start(options: { network?: string; nodes?: string[] }): Promise<Mesh> }
}

/** Starts the library that this page's own server hands out. */
export async function startMesh(options: { network?: string; nodes?: string[] }): Promise<Mesh> {
  const library = '/velox.js'
  const { Velox } = (await import(library)) as Library
  return Velox.start(options)
}
