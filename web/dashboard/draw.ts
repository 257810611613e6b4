/** Draws any JSON so that people can read it: facts, figures, tables. */

import { shortId } from '../showcase/names.js'
import { amount } from '../showcase/words.js'

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json }

/** Rows beyond these are counted, not drawn. */
const ROWS = 100

export function drawFacts(list: HTMLElement, facts: [string, Json][]): void {
  list.replaceChildren(
    ...facts.map(([key, value]) => {
      const pair = element('div')
      const values = Array.isArray(value) && value.length ? value : [value]
      pair.append(element('dt', label(key)), ...values.map((one) => element('dd', words(key, one))))
      return pair
    }),
  )
}

/** Draws a duty's card into `place`, or redraws the one that is there. */
export function drawDuty(place: HTMLElement, name: string, value: Json): void {
  let card = place.querySelector<HTMLElement>(`section[data-duty="${CSS.escape(name)}"]`)
  if (!card) {
    card = element('section')
    card.className = 'card duty'
    card.dataset['duty'] = name
    const title = element('h2', label(name))
    title.id = `duty-${name}`
    card.setAttribute('aria-labelledby', title.id)
    card.append(title, element('div'))
    place.append(card)
  }
  const body = card.lastElementChild!
  const scrolled = [...body.querySelectorAll('.scroller')].map((box) => box.scrollTop)
  body.replaceChildren(...draw(name, value))
  body.querySelectorAll('.scroller').forEach((box, index) => (box.scrollTop = scrolled[index] ?? 0))
}

function draw(key: string, value: Json): HTMLElement[] {
  if (Array.isArray(value)) return [value.length ? rows(key, value) : hint('None.')]
  if (value === null || typeof value !== 'object') return [element('p', words(key, value))]
  const entries = Object.entries(value)
  if (!entries.length) return [hint('None.')]
  // An object of objects is a table by another name: its keys are the first column.
  if (entries.every(([, inner]) => isRecord(inner))) {
    return [rows(key, entries.map(([name, inner]) => ({ name, ...(inner as Record<string, Json>) })))]
  }
  const plain = entries.filter(([, inner]) => inner === null || typeof inner !== 'object')
  const nested = entries.filter(([, inner]) => inner !== null && typeof inner === 'object')
  const drawn: HTMLElement[] = []
  if (plain.length) {
    const list = element('dl')
    list.className = 'figures'
    drawFacts(list, plain)
    drawn.push(list)
  }
  for (const [name, inner] of nested) drawn.push(element('h3', label(name)), ...draw(name, inner))
  return drawn
}

function rows(key: string, values: Json[]): HTMLElement {
  const box = element('div')
  box.className = 'scroller'
  box.tabIndex = 0
  box.setAttribute('role', 'region')
  box.setAttribute('aria-label', label(key))
  const shown = values.slice(0, ROWS)
  if (shown.every(isRecord)) {
    box.append(table(shown as Record<string, Json>[]))
  } else {
    const list = element('ul')
    for (const value of shown) list.append(element('li', words(key, value)))
    box.append(list)
  }
  if (values.length > ROWS) box.append(hint(`and ${values.length - ROWS} more`))
  return box
}

function table(records: Record<string, Json>[]): HTMLElement {
  const columns = [...new Set(records.flatMap((record) => Object.keys(record)))]
  const drawn = element('table')
  const head = element('tr')
  for (const column of columns) {
    const cell = element('th', label(column))
    cell.setAttribute('scope', 'col')
    head.append(cell)
  }
  const top = element('thead')
  top.append(head)
  const body = element('tbody')
  for (const record of records) {
    const row = element('tr')
    for (const column of columns) {
      const value = record[column] ?? null
      const text = words(column, value)
      const cell = element('td', isPeerId(text) ? `\u2026\u2060${shortId(text)}` : text)
      if (isPeerId(text)) cell.title = text
      if (typeof value === 'number') cell.className = 'number'
      row.append(cell)
    }
    body.append(row)
  }
  drawn.append(top, body)
  return drawn
}

/** "max_rooms" → "Max rooms"; the unit goes with the value. */
function label(key: string): string {
  const text = key
    .replace(/_(secs|seconds|ms|millis)$/, '')
    .replace(/_/g, ' ')
    .replace(/\baddrs\b/, 'addresses')
    .replace(/\bids\b/, 'IDs')
    .replace(/\b(dht|http|rtt|id|ws|cid|cids|ip|quic|tcp)\b/g, (word) => word.toUpperCase())
  return text.charAt(0).toUpperCase() + text.slice(1)
}

function words(key: string, value: Json): string {
  if (value === null) return '–'
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (typeof value === 'number') return figure(key, value)
  if (typeof value === 'string') return value
  if (Array.isArray(value)) return value.length ? value.map((inner) => words(key, inner)).join(', ') : '–'
  return Object.entries(value)
    .map(([name, inner]) => `${label(name)}: ${words(name, inner)}`)
    .join(', ')
}

function figure(key: string, value: number): string {
  if (/(^|_)bytes(_|$)/.test(key)) return amount(value)
  if (/_(ms|millis)$/.test(key)) return `${rounded(value)} ms`
  if (/_(secs|seconds)$|^uptime$/.test(key)) return duration(value)
  return rounded(value)
}

function rounded(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: value < 10 ? 2 : 0 })
}

function duration(seconds: number): string {
  if (seconds < 60) return `${Math.floor(seconds)} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`
}

/** Base58 of an Ed25519 key's PeerId. */
function isPeerId(text: string): boolean {
  return /^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/.test(text)
}

function isRecord(value: Json): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function hint(text: string): HTMLElement {
  const line = element('p', text)
  line.className = 'hint'
  return line
}

function element(name: string, text?: string): HTMLElement {
  const made = document.createElement(name)
  if (text !== undefined) made.textContent = text
  return made
}
