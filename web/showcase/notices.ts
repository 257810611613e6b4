/** Errors that concern the whole page, said at its top until they are dismissed or no longer hold. */

const box = (): HTMLElement => document.getElementById('notices')!

/** Shows a sentence once; returns its undo. */
export function notice(sentence: string): () => void {
  for (const shown of box().children) {
    if (shown.firstChild?.textContent === sentence) return () => shown.remove()
  }
  const line = document.createElement('p')
  line.className = 'notice'
  const text = document.createElement('span')
  text.textContent = sentence
  const dismiss = document.createElement('button')
  dismiss.type = 'button'
  dismiss.className = 'quiet'
  dismiss.textContent = '×'
  dismiss.setAttribute('aria-label', 'Dismiss')
  dismiss.addEventListener('click', () => line.remove())
  line.append(text, dismiss)
  box().append(line)
  return () => line.remove()
}
