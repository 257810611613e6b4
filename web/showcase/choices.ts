/** How the visitor wants pictures loaded. It lives in the address, so that it survives loading again. */

import type { Mode } from './fetching.js'

export function chosenMode(): Mode {
  const mode = new URLSearchParams(location.search).get('mode')
  return mode === 'origin-first' || mode === 'off' ? mode : 'peers-first'
}

/** Sets the switch and the order to `mode`, and loads the page again when asked to. */
export function drawChoices(mode: Mode): void {
  const form = document.getElementById('choices') as HTMLFormElement
  const peers = document.getElementById('peer-loading') as HTMLInputElement
  const order = document.getElementById('order') as HTMLFieldSetElement
  const first = form.elements.namedItem('mode') as RadioNodeList

  peers.checked = mode !== 'off'
  first.value = mode === 'off' ? 'peers-first' : mode
  order.disabled = mode === 'off'

  form.addEventListener('change', () => {
    order.disabled = !peers.checked
    const address = new URL(location.href)
    const chosen = peers.checked ? first.value : 'off'
    if (chosen === 'peers-first') address.searchParams.delete('mode')
    else address.searchParams.set('mode', chosen)
    history.replaceState(null, '', address)
  })
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    location.reload()
  })
}
