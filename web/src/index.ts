export { VeloxError, type VeloxErrorCode } from './errors.js'
