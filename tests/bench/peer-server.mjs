/** PeerServer in a process of its own, on loopback. */

import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { until } from '../support/deadline.mjs'

const PROGRAM = fileURLToPath(new URL('../node_modules/peer/dist/bin/peerjs.js', import.meta.url))

/** Resolves to `{ port, stop }`. */
export async function startPeerServer() {
  const port = await freePort()
  const server = spawn(process.execPath, [PROGRAM, '--port', String(port), '--host', '127.0.0.1'], { stdio: 'ignore' })
  const kill = () => server.kill('SIGKILL')
  process.on('exit', kill)
  await until(async () => (await fetch(`http://127.0.0.1:${port}/`)).ok, 'PeerServer')
  return { port, stop: kill }
}

/** PeerServer doesn't say which port it got, so it has to be given one. */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  await new Promise((resolve) => server.close(resolve))
  return port
}
