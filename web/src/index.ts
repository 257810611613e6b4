/** Velox Mesh in the browser: `Velox.start` is where everything begins. */
export { VeloxError, type VeloxErrorCode } from './errors.js'
export {
  Velox,
  type AttachmentStatus,
  type StartOptions,
  type VeloxEvents,
  type VeloxState,
  type VeloxStats,
  type WebSocketConstructor,
} from './velox.js'
