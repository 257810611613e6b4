/** A real ACME authority, Debian's `pebble`, for which every name leads to this machine. */

import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { get } from 'node:https'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { until } from './deadline.mjs'
import { Program } from './processes.mjs'

/** A port of loopback that nobody has at present. */
export async function freePort() {
  const server = createServer()
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (!address || typeof address === 'string') throw new Error('no port')
  return address.port
}

export class Authority {
  /** What its own https is checked by, as a file. */
  root = ''
  directory = ''
  /** What its certificates are checked by. */
  issuer = ''

  /**
   * @param {import('./nodes.mjs').Network} network whose folder and end it shares
   * @param {{ tlsPort: number, seconds?: number }} how where it looks for who answers for a name,
   *   and how long its certificates last
   */
  static async start(network, { tlsPort, seconds = 3_600 }) {
    const authority = new Authority()
    const [dns, management, listen, manage, unused] = await Promise.all([1, 2, 3, 4, 5].map(freePort))
    const names = new Program(
      'pebble-challtestsrv',
      ['-dns01', `127.0.0.1:${dns}`, '-management', `127.0.0.1:${management}`, '-defaultIPv6', '', '-http01', '', '-https01', '', '-tlsalpn01', ''],
      { command: '/usr/bin/pebble-challtestsrv' },
    )
    network.keep(names)
    const { folder } = network
    const file = (name) => join(folder, name)
    authority.root = file('authority.pem')
    certify(folder)
    const config = {
      pebble: {
        listenAddress: `127.0.0.1:${listen}`,
        managementListenAddress: `127.0.0.1:${manage}`,
        certificate: file('pebble.pem'),
        privateKey: file('pebble.key'),
        httpPort: unused,
        tlsPort,
        certificateValidityPeriod: seconds,
      },
    }
    writeFileSync(file('pebble.json'), JSON.stringify(config))
    network.keep(
      new Program('pebble', ['-config', file('pebble.json'), '-dnsserver', `127.0.0.1:${dns}`], {
        command: '/usr/bin/pebble',
        env: { PEBBLE_VA_NOSLEEP: '1', PEBBLE_WFE_NONCEREJECT: '20' },
      }),
    )
    authority.directory = `https://127.0.0.1:${listen}/dir`
    const ca = readFileSync(authority.root)
    await until(() => fetchText(authority.directory, { ca }), 'the authority to answer', 20_000)
    authority.issuer = await fetchText(`https://127.0.0.1:${manage}/roots/0`, { ca })
    return authority
  }

  /** The configuration of a node that gets its certificate here. */
  config(port) {
    return `[https]
listen = ["127.0.0.1:${port}"]
[https.acme]
directory = "${this.directory}"
root = "${this.root}"
contact = "somebody@example.test"
`
  }
}

/** A certificate for the authority's own https, and one that signs it. */
function certify(folder) {
  const run = (...args) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  run('req', '-x509', ...key, '-keyout', 'authority.key', '-out', 'authority.pem', '-subj', '/CN=tests', '-days', '30')
  run('req', ...key, '-keyout', 'pebble.key', '-out', 'pebble.csr', '-subj', '/CN=pebble')
  writeFileSync(join(folder, 'pebble.ext'), 'subjectAltName=IP:127.0.0.1\n')
  const signed = ['-CA', 'authority.pem', '-CAkey', 'authority.key', '-CAcreateserial', '-extfile', 'pebble.ext']
  run('x509', '-req', '-in', 'pebble.csr', ...signed, '-out', 'pebble.pem', '-days', '30')
}

/** The body of a page whose certificate is checked. @returns {Promise<string>} */
export function fetchText(url, options) {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, ...options }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (text) => (body += text))
      response.on('end', () => (response.statusCode === 200 ? resolve(body) : reject(new Error(`${response.statusCode}: ${body}`))))
    })
    request.on('error', reject)
  })
}
