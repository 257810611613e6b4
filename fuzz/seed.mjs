// Lays the test vectors into fuzz/corpus, one file a case, so that fuzzing starts from messages
// that are right (and from those that are nearly).
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const vectors = fileURLToPath(new URL('../docs/spec/vectors/', import.meta.url))
const corpus = fileURLToPath(new URL('corpus/', import.meta.url))
const targets = fileURLToPath(new URL('targets/', import.meta.url))

function lay (target, name, hex) {
  if (!existsSync(`${targets}${target}.rs`)) return
  const folder = `${corpus}${target}`
  mkdirSync(folder, { recursive: true })
  writeFileSync(`${folder}/${name.replace(/[^a-zA-Z0-9]+/g, '-')}`, Buffer.from(hex, 'hex'))
}

for (const file of readdirSync(vectors).filter(name => name.endsWith('.json'))) {
  for (const { name, type, value, hex, body, plaintext } of JSON.parse(readFileSync(vectors + file)).cases) {
    if (type === 'unixfs-file') lay('cid', name, Buffer.from(value.cid).toString('hex'))
    if (hex === undefined || hex.length > 40_000) continue
    if (type === 'frame-stream') lay('frame', name, '03' + hex)
    else if (type === 'noise-payload') lay('noise_payload', name, value.static_public + hex)
    else if (type === 'unixfs-file') lay('unixfs_node', name, hex)
    else lay(type.replaceAll('-', '_'), name, hex)
    if (body !== undefined) lay(type.replaceAll('-', '_'), `${name} body`, body)
    if (type === 'envelope') lay('parcel', name, '00' + hex)
    if (type === 'stale-key') lay('parcel', name, '01' + hex)
    if (plaintext !== undefined && type === 'envelope') lay('contents', name, plaintext)
  }
}
