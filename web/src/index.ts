/** Velox Mesh in the browser: `Velox.start` is where everything begins. */
export { VeloxError, type VeloxErrorCode } from './errors.js'
export type { Diagnosis, Failure, ReachedNode } from './diagnosis/diagnosis.js'
export type { Nat } from './diagnosis/nat.js'
export type { FailureReason, TriedPair } from './diagnosis/reasons.js'
export type { Message, RequestOptions, Room, RoomEvents, RoomFailure, RoomPeer, SendOptions } from './room/room.js'
export {
  Velox,
  type AttachmentStatus,
  type JoinOptions,
  type StartOptions,
  type VeloxEvents,
  type VeloxState,
  type VeloxStats,
  type WebSocketConstructor,
} from './velox.js'
