/**
 * Every pair of NAT kinds as a table in Markdown: `node nat/whole.mjs [document]`, about three
 * minutes. Puts it into the document, too, between its two comments.
 * Ends with 1 where a pair doesn't do what it is to do.
 */

import { readFile, writeFile } from 'node:fs/promises'
import { missing } from '../support/lab.mjs'
import { meet, shortcomings } from './meeting.mjs'
import { Scene } from './scene.mjs'
import { ALL_PAIRS, KINDS } from './theory.mjs'

const reason = missing()
if (reason) {
  console.error(`NAT table: NOT checked: ${reason}`)
  process.exit(1)
}

const lines = []
const scene = await Scene.start()
try {
  for (const pair of ALL_PAIRS) {
    const line = await meet(scene, pair)
    lines.push(line)
    const wrong = shortcomings(line)
    console.error(`${lines.length}/${ALL_PAIRS.length} ${pair.join(' × ')}: ${cell(line)} (${line.candidates.join(', ')}) ${wrong.join('; ')}`)
  }
} finally {
  await scene.close()
}

const markdown = table(lines)
console.log(markdown)
const document = process.argv[2]
if (document) {
  const text = await readFile(document, 'utf8')
  await writeFile(document, text.replace(/(<!-- table -->\n)[^]*(<!-- end of table -->)/, `$1${markdown}$2`))
}
const wrong = lines.filter((line) => shortcomings(line).length)
console.error(`${lines.length - wrong.length} of ${lines.length} pairs do what they are to do`)
process.exitCode = wrong.length ? 1 : 0

/** A row for who was there first, a column for who came second. */
function table(lines) {
  const rows = KINDS.map((first) => {
    const cells = KINDS.map((second) => cell(lines.find((line) => line.first === first && line.second === second)))
    return [`**${first}**`, ...cells]
  })
  const head = [['first \\ second', ...KINDS], ['---', ...KINDS.map(() => '---')]]
  return [...head, ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n') + '\n'
}

function cell(line) {
  return line.ms === undefined ? `**not connected**` : `${line.way} ${(line.ms / 1000).toFixed(2)} s`
}
