/** The chat: messages go straight from page to page, and nobody keeps them. */

import type { Mesh, Room } from './mesh.js'
import { avatar, hueOf, nameOf } from './names.js'
import { inWords } from './words.js'

const TYPE = 'chat'
const LONGEST = 2_000
/** Older lines are let go, so that a day-long room doesn't fill the page. */
const LINES = 500

export function drawEmptyChat(): void {
  const log = document.getElementById('chat-log')!
  const hint = document.createElement('li')
  hint.className = 'hint'
  hint.textContent = 'Nothing said yet. Messages go straight from page to page; no server sees or keeps them.'
  log.replaceChildren(hint)
}

/** Lets this page's visitor talk and listen in `room`. */
export function openChat(mesh: Mesh, room: Room): void {
  const form = document.getElementById('chat-form') as HTMLFormElement
  const input = document.getElementById('chat-text') as HTMLInputElement
  const send = document.getElementById('chat-send') as HTMLButtonElement
  const unread = unreadBadge()

  room.on('message', ({ type, body, peer }) => {
    const text = type === TYPE ? textOf(body) : undefined
    if (text === undefined) return
    say(peer.peerId, text)
    unread.add()
  })

  form.addEventListener('submit', (event) => {
    event.preventDefault()
    const text = input.value.trim()
    if (!text) return
    input.value = ''
    const line = say(mesh.peerId, text, true)
    if (!room.peers.size) note(line, 'Nobody else is here to read it.')
    // By name, so that who is being connected to gets it too, and who can't be reached is told of.
    room.send(TYPE, { text }, { to: [...room.peers.keys()] }).catch((error: unknown) => note(line, undelivered(error)))
  })
  send.disabled = false
}

function textOf(body: unknown): string | undefined {
  const text = (body as { text?: unknown } | null)?.text
  return typeof text === 'string' && text.trim() ? text.slice(0, LONGEST) : undefined
}

function say(peerId: string, text: string, own = false): HTMLElement {
  const log = document.getElementById('chat-log')!
  log.querySelector('.hint')?.remove()
  const line = document.createElement('li')
  line.className = own ? 'line own' : 'line'
  line.style.setProperty('--hue', String(hueOf(peerId)))
  const words = document.createElement('div')
  words.className = 'line-words'
  const head = document.createElement('span')
  head.className = 'line-name'
  head.textContent = own ? 'You' : nameOf(peerId)
  const body = document.createElement('p')
  body.textContent = text
  words.append(head, body)
  line.append(avatar(peerId), words)
  // Who has scrolled up to read stays there.
  const atEnd = own || log.scrollHeight - log.scrollTop - log.clientHeight < 60
  log.append(line)
  while (log.children.length > LINES) log.firstElementChild?.remove()
  if (atEnd) log.scrollTop = log.scrollHeight
  return line
}

function undelivered(error: unknown): string {
  const unreachable = (error as { code?: unknown } | null)?.code === 'unreachable'
  return `Not delivered. ${unreachable ? 'Somebody here could not be reached.' : inWords(error)}`
}

function note(line: HTMLElement, sentence: string): void {
  const words = document.createElement('span')
  words.className = 'line-note'
  words.textContent = sentence
  line.querySelector('.line-words')!.append(words)
  line.scrollIntoView({ block: 'nearest' })
}

/** Counts messages that came while the chat was out of sight, on the dock of small screens. */
function unreadBadge(): { add(): void } {
  const badge = document.getElementById('dock-chat')!
  let inSight = false
  let unread = 0
  new IntersectionObserver(([entry]) => {
    inSight = entry?.isIntersecting ?? false
    if (!inSight) return
    unread = 0
    badge.hidden = true
  }).observe(document.getElementById('chat-form')!)
  return {
    add() {
      if (inSight) return
      unread++
      badge.textContent = String(unread)
      badge.hidden = false
    },
  }
}
