/** One picture, large, in a dialog; arrow keys go to its neighbours. */

import type { Tile } from './gallery.js'
import { amount } from './words.js'

/** `tiles` is asked each time, since they are drawn after the page. Returns what opens the viewer. */
export function viewer(tiles: () => readonly Tile[]): (tile: Tile) => void {
  const dialog = document.getElementById('viewer') as HTMLDialogElement
  const image = document.getElementById('viewer-image') as HTMLImageElement
  const title = document.getElementById('viewer-title')!
  const facts = document.getElementById('viewer-facts')!
  const cid = document.getElementById('viewer-cid')!
  let current: Tile | undefined

  const show = (tile: Tile): void => {
    current = tile
    const { picture } = tile
    image.width = picture.width
    image.height = picture.height
    image.src = tile.url!
    image.alt = picture.title
    title.textContent = picture.title
    const from = tile.source === 'peers' ? 'another visitor' : 'the origin'
    facts.textContent = `${amount(picture.bytes)} from ${from}, ${picture.width} × ${picture.height}`
    cid.textContent = picture.cid
    if (!dialog.open) dialog.showModal()
  }
  const step = (by: number): void => {
    const shown = tiles().filter((tile) => tile.url)
    const index = current ? shown.indexOf(current) : -1
    const next = shown[(index + by + shown.length) % shown.length]
    if (next) show(next)
  }

  document.getElementById('viewer-previous')!.addEventListener('click', () => step(-1))
  document.getElementById('viewer-next')!.addEventListener('click', () => step(1))
  document.getElementById('viewer-close')!.addEventListener('click', () => dialog.close())
  dialog.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowLeft') step(-1)
    if (event.key === 'ArrowRight') step(1)
  })
  // A click beside the picture lands on the dialog itself.
  dialog.addEventListener('click', (event) => event.target === dialog && dialog.close())
  dialog.addEventListener('close', () => current?.button.focus())
  return show
}
