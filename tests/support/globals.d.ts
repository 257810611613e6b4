// What our pages hang on `window` for tests to reach: no types of their own cross that border.
interface Window {
  /** Set by tests that count what pages do. */
  connections: RTCPeerConnection[]
  dials(): number
  network(online: boolean): void
  sends(): number
  look(away: boolean): void
  timers: { pending(): number; calls(): number; list(): string[] }
  visitor: any
  showcase: any
  bench: any
  direct: any
  perf: any
  connection: RTCPeerConnection
  connections: RTCPeerConnection[]
  joined: any
  stock: any
  sessions: any
  plain: any
  pulse: any
  tell: any
  ice: { servers: string[]; candidates: string[] }
  ready?: boolean
  opened?: number
  raw: any
  channel: any
  received: any
}
