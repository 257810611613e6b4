/** A button that says what works here and what doesn't. */

import type { Diagnosis, Mesh } from './mesh.js'
import { inWords } from './words.js'

const NAT: Record<Diagnosis['nat'], string> = {
  none: 'none',
  cone: 'the same port for everyone',
  symmetric: 'another port for each peer',
  unknown: 'not known: too few nodes answered',
}

const CARRIERS = { websocket: 'WebSocket', 'webrtc-direct': 'WebRTC' }

/** Lets the button ask `mesh` from now on. */
export function offerDiagnosis(mesh: Mesh): void {
  const button = document.getElementById('diagnose') as HTMLButtonElement
  button.disabled = false
  button.addEventListener('click', () => {
    button.disabled = true
    button.textContent = 'Checking…'
    void mesh
      .diagnose()
      .then(draw, (error: unknown) => drawAdvice([inWords(error)]))
      .finally(() => {
        button.disabled = false
        button.textContent = 'Check it'
        const dialog = document.getElementById('diagnosis') as HTMLDialogElement
        if (!dialog.open) dialog.showModal()
      })
  })
}

function draw(diagnosis: Diagnosis): void {
  const facts = document.getElementById('diagnosis-facts')!
  facts.replaceChildren(
    ...lines(diagnosis).flatMap(([name, value]) => {
      const [term, description] = [document.createElement('dt'), document.createElement('dd')]
      term.textContent = name
      description.textContent = value
      return [term, description]
    }),
  )
  drawAdvice(diagnosis.advice)
}

function lines({ udp, nat, nodes, turn, clockOffset }: Diagnosis): [name: string, value: string][] {
  const relay = turn.working ? 'there is one' : turn.offered ? 'offered, but not reached' : 'none offered'
  return [
    ['UDP', udp === undefined ? 'not known' : udp ? 'gets out and back' : 'blocked'],
    ['NAT', NAT[nat]],
    ...nodes.map(
      ({ carrier, rtt }, at): [string, string] => [`Node ${at + 1}`, `${Math.max(1, Math.round(rtt))} ms by ${CARRIERS[carrier]}`],
    ),
    ['Relay', relay],
    ['Clock', Math.abs(clockOffset) < 1_000 ? 'right' : `${Math.round(Math.abs(clockOffset) / 1_000)} s ${clockOffset > 0 ? 'slow' : 'fast'}`],
  ]
}

function drawAdvice(sentences: readonly string[]): void {
  const list = document.getElementById('diagnosis-advice')!
  list.replaceChildren(
    ...sentences.map((sentence) => {
      const item = document.createElement('li')
      item.textContent = sentence
      return item
    }),
  )
}
