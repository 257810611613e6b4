/**
 * The node's dashboard: its status by duty, asked of `/api/v1/status` and drawn as it comes.
 *
 * The page knows no duty by name: what the status holds is what is shown, so that a node can
 * report more without a new page.
 */

import { drawDuty, drawFacts, type Json } from './draw.js'

const EVERY_MS = 2_000

async function ask(): Promise<Record<string, Json>> {
  const response = await fetch('/api/v1/status', { cache: 'no-store' })
  if (!response.ok) throw new Error(`The node answered ${response.status}.`)
  const status: unknown = await response.json()
  if (typeof status !== 'object' || status === null || Array.isArray(status)) {
    throw new Error('The node answered something else than its status.')
  }
  return status as Record<string, Json>
}

function draw(status: Record<string, Json>): void {
  const facts: [string, Json][] = []
  const duties: [string, Json][] = []
  for (const entry of Object.entries(status)) {
    const [, value] = entry
    const short = value === null || typeof value !== 'object' || (Array.isArray(value) && value.every(isText))
    ;(short ? facts : duties).push(entry)
  }
  drawFacts(document.getElementById('facts')!, facts)
  const place = document.getElementById('duties')!
  const open = new Set([...place.querySelectorAll('section')].map((section) => section.dataset['duty']))
  const names = duties.map(([name]) => name)
  // Cards are kept while the duties stay the same, so that focus and scrolling survive a refresh.
  if (open.size !== names.length || names.some((name) => !open.has(name))) place.replaceChildren()
  for (const [name, value] of duties) drawDuty(place, name, value)
}

function isText(value: Json): boolean {
  return typeof value === 'string'
}

function say(state: 'attached' | 'detached', words: string): void {
  document.getElementById('state')!.dataset['state'] = state
  const text = document.getElementById('state-text')!
  if (text.textContent !== words) text.textContent = words
}

async function refresh(): Promise<void> {
  try {
    draw(await ask())
    say('attached', 'Running')
  } catch (error) {
    // What fetch throws when nobody listens names no cause that helps.
    const silent = error instanceof TypeError || !(error instanceof Error)
    say('detached', silent ? 'The node does not answer; asking again' : error.message)
  }
}

async function run(): Promise<void> {
  for (;;) {
    if (!document.hidden) await refresh()
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS))
  }
}

void run()
