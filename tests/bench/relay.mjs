/** What our TURN server relays, and what it costs, beside coturn under the same load. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../support/authority.mjs'
import { until } from '../support/deadline.mjs'
import { Program } from '../support/processes.mjs'
import { processorMs } from './usage.mjs'

const SECRET = 'north'
const SECONDS = 5
/** One, and as many as keep a core busy. */
const CLIENTS = [1, 8]

const examples = () => join(process.env.VELOX_BIN_DIR ?? '', 'examples')

const SERVERS = {
  velox: (port) => new Program('serve', [`127.0.0.1:${port}`, SECRET, 'own-host'], { command: join(examples(), 'serve') }),
  coturn: (port, folder) =>
    new Program(
      'turnserver',
      [
        ...['-n', '--use-auth-secret', `--static-auth-secret=${SECRET}`, '--realm=example.org'],
        ...['-L', '127.0.0.1', '-p', `${port}`, '--allow-loopback-peers', '--no-cli', '--no-tls', '--no-dtls'],
        ...['--log-file=/dev/null', '--pidfile', join(folder, 'pid'), '--userdb', join(folder, 'db')],
      ],
      { command: '/usr/bin/turnserver' },
    ),
}

/** Resolves to MB/s and processor seconds per GiB, by server and number of clients. */
export async function relay(runs, progress) {
  const results = { velox: {}, coturn: {} }
  for (const clients of CLIENTS) {
    for (const name of Object.keys(SERVERS)) results[name][clients] = { speed: [], cpu: [], lost: [] }
    for (let run = 0; run < runs; run++) {
      const names = Object.keys(SERVERS)
      for (const name of run % 2 ? names : names.reverse()) {
        progress(`relay: ${name}, ${clients} clients, ${run + 1}/${runs}`)
        const { bytes, seconds, lost, cpu } = await measure(name, clients)
        const { speed, cpu: cpus, lost: losses } = results[name][clients]
        speed.push(bytes / 1e6 / seconds)
        cpus.push((cpu / bytes) * 1024 ** 3)
        losses.push(lost)
      }
    }
  }
  return results
}

async function measure(name, clients) {
  const folder = mkdtempSync(join(tmpdir(), 'velox-relay-'))
  const port = await freePort()
  const server = SERVERS[name](port, folder)
  const load = () =>
    new Program('load', [`127.0.0.1:${port}`, SECRET, `${clients}`, `${SECONDS}`], { command: join(examples(), 'load') })
  try {
    // It listens when it relays.
    await until(async () => {
      const short = new Program('load', [`127.0.0.1:${port}`, SECRET, '1', '0'], { command: join(examples(), 'load') })
      return (await short.ended).code === 0
    }, `${name} to relay`, 20_000)
    const before = processorMs(server.pid)
    const result = await load().line((line) => JSON.parse(line), 'a result', (SECONDS + 20) * 1000)
    return { ...result, cpu: (processorMs(server.pid) - before) / 1000 }
  } finally {
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}
