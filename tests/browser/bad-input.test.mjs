/** What cannot work ends at once, with an exit code and one line that says what to do. */

import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { within } from '../support/deadline.mjs'
import { Program } from '../support/processes.mjs'
import { staged } from '../support/stage.mjs'

const QUIET = ['--listen', '/ip4/127.0.0.1/tcp/0', '--http', '127.0.0.1:0']

/** Runs a program that ought to give up: resolves to its exit code and what it wrote to stderr. */
async function refused(network, name, args) {
  const program = network.keep(new Program(name, args))
  const { code } = await within(program.ended, `${name} ${args.join(' ')} to give up`)
  assert.deepEqual(program.lines, [], 'it never said that it is ready')
  return { code, error: program.log.trim() }
}

/** What the program itself says last, its log left aside. */
function oneLine(error) {
  const lines = error.split('\n').filter((line) => line && !/^\S+Z +INFO /.test(line))
  assert.equal(lines.length, 1, `one line, not:\n${error}`)
  return lines[0]
}

staged('an HTTP port that is taken', async (stage) => {
  const network = stage.network()
  const holder = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => holder.once('listening', resolve))
  const { port } = /** @type {import('node:net').AddressInfo} */ (holder.address())
  const args = ['node', '--json', '--network', network.name, '--data-dir', join(network.folder, 'a')]
  const { code, error } = await refused(network, 'velox', [...args, ...QUIET.slice(0, 2), '--http', `127.0.0.1:${port}`])
  assert.equal(code, 1)
  assert.match(oneLine(error), new RegExp(`127\\.0\\.0\\.1:${port}.*--http`))

  const listen = await refused(network, 'velox', [
    ...[...args, '--http', '127.0.0.1:0', '--listen', `/ip4/127.0.0.1/tcp/${port}`],
  ])
  assert.equal(listen.code, 1)
  assert.match(oneLine(listen.error), new RegExp(`/tcp/${port}.*--listen`))
  holder.close()
})

staged('a key file that holds no key, and one that cannot be read', async (stage) => {
  const network = stage.network()
  for (const spoil of [(path) => writeFileSync(path, 'not a key'), (path) => mkdirSync(path)]) {
    const folder = join(network.folder, `spoilt-${network.programs.length}`)
    mkdirSync(folder)
    spoil(join(folder, 'identity.key'))
    const args = ['node', '--json', '--network', network.name, '--data-dir', folder, ...QUIET]
    const { code, error } = await refused(network, 'velox', args)
    assert.equal(code, 1)
    assert.match(oneLine(error), /identity\.key/)
  }
})

staged('a data directory that another node uses', async (stage) => {
  const network = stage.network()
  const node = await network.startNode()
  const args = ['node', '--json', '--network', network.name, '--data-dir', node.folder, ...QUIET]
  const { code, error } = await refused(network, 'velox', args)
  assert.equal(code, 1)
  assert.match(oneLine(error), /in use.*--data-dir/)
})

staged('a bootstrap address that is none', async (stage) => {
  const network = stage.network()
  const args = ['node', '--json', '--network', network.name, '--data-dir', join(network.folder, 'a'), ...QUIET]
  const { code, error } = await refused(network, 'velox', [...args, '--bootstrap', 'bootstrap.example.org'])
  assert.equal(code, 2, 'a usage error')
  assert.match(error, /--bootstrap/)
})

staged('a flag that does not exist, and a setting that does not exist', async (stage) => {
  const network = stage.network()
  const flag = await refused(network, 'velox', ['node', '--netwrok', 'x'])
  assert.equal(flag.code, 2)
  assert.match(flag.error, /--netwrok/)
  const args = ['node', '--json', ...QUIET, ...network.configure('[attach]\nmaximum = 3\n')]
  const setting = await refused(network, 'velox', args)
  assert.equal(setting.code, 1)
  assert.match(oneLine(setting.error), /maximum/)
})

staged('a bootstrap node that answers nobody, or is somebody else: the node runs and says so', async (stage) => {
  const network = stage.network()
  await network.startBootstrap()
  const [address] = network.bootstrap
  const stranger = '12D3KooWGzBkoh6VcjVZ4nhNvH8KmNyKZBCUwKu3Gkcj4m8CpWk5'
  for (const wrong of ['/ip4/127.0.0.1/tcp/9', address.replace(/\/p2p\/.*/, `/p2p/${stranger}`)]) {
    network.bootstrap = [wrong]
    const node = await network.startNode()
    await node.program.complaint(/bootstrap/i, 'a line about the bootstrap node')
    assert.ok(node.program.log.includes(wrong), 'it names the address')
  }
})

staged('a bootstrap node of another network: the node runs, says so, and networks never mix', async (stage) => {
  const theirs = stage.network()
  await theirs.start(1)
  const ours = stage.network()
  ours.bootstrap = theirs.bootstrap
  const node = await ours.startNode()
  const line = await node.program.complaint(/network/i, 'a line about the other network')
  assert.ok(line.includes(theirs.name) || line.includes(ours.name), line)

  const alice = await stage.visitor(node)
  const bob = await stage.visitor(theirs.nodes[0])
  await Promise.all([alice.ask('join', 'lobby'), bob.ask('join', 'lobby')])
  const carol = await stage.visitor(node)
  await carol.ask('join', 'lobby')
  await carol.ask('connected', alice.peerId)
  assert.equal(await carol.page.evaluate((id) => window.visitor.room.peers.has(id), bob.peerId), false)
})
