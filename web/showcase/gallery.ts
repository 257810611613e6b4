/** The grid of pictures: one tile each, of a fixed shape from the start. */

import { fetchPicture, type Mode, type Picture, type Sources } from './fetching.js'
import type { Source } from './traffic.js'
import { amount, inWords } from './words.js'

/** Enough to keep both a peer and the origin busy; browsers open six connections to an origin. */
const AT_ONCE = 6
const EXPECTED_PICTURES = 24

export interface Tile {
  readonly picture: Picture
  readonly button: HTMLButtonElement
  /** Set once the picture is shown. */
  url: string | undefined
  source: Source | undefined
}

/** Draws empty tiles before anything is known, so that nothing jumps when it is. */
export function drawPlaceholders(list: HTMLElement): void {
  list.replaceChildren(...Array.from({ length: EXPECTED_PICTURES }, () => drawTile('').item))
}

/** Draws a tile per picture; `open` is called when one that is loaded is chosen. */
export function drawTiles(list: HTMLElement, pictures: readonly Picture[], open: (tile: Tile) => void): Tile[] {
  const tiles: Tile[] = []
  const items = pictures.map((picture) => {
    const { item, button } = drawTile(picture.title)
    const tile: Tile = { picture, button, url: undefined, source: undefined }
    button.addEventListener('click', () => tile.url && open(tile))
    tiles.push(tile)
    return item
  })
  list.replaceChildren(...items)
  return tiles
}

/** Loads all the tiles, a few at once and in order. */
export async function loadTiles(tiles: readonly Tile[], mode: Mode, sources: Sources): Promise<void> {
  const waiting = tiles[Symbol.iterator]()
  const work = async (): Promise<void> => {
    for (const tile of waiting) await loadTile(tile, mode, sources)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
}

export async function loadTile(tile: Tile, mode: Mode, sources: Sources): Promise<void> {
  tile.button.dataset['state'] = 'loading'
  try {
    const { blob, source } = await fetchPicture(tile.picture, mode, sources)
    tile.url = URL.createObjectURL(blob)
    tile.source = source
    await show(tile)
    sources.traffic.shown(source)
  } catch (error) {
    refuse(tile, inWords(error))
    sources.traffic.missed()
  }
}

function drawTile(title: string): { item: HTMLElement; button: HTMLButtonElement } {
  const item = document.createElement('li')
  const button = document.createElement('button')
  button.type = 'button'
  button.className = 'tile'
  button.dataset['state'] = 'waiting'
  button.setAttribute('aria-disabled', 'true')
  button.setAttribute('aria-label', title ? `${title}, loading` : 'A picture, loading')
  item.append(button)
  return { item, button }
}

async function show(tile: Tile): Promise<void> {
  const { picture, button } = tile
  const image = document.createElement('img')
  image.width = picture.width
  image.height = picture.height
  image.alt = ''
  image.src = tile.url!
  await image.decode().catch(() => {
    throw new Error('It is not a picture that this browser can show.')
  })
  const label = document.createElement('span')
  label.className = 'tile-label'
  const title = document.createElement('span')
  title.textContent = picture.title
  const mark = document.createElement('span')
  mark.className = 'tile-source'
  mark.textContent = tile.source === 'peers' ? 'visitor' : 'origin'
  label.append(title, mark)
  button.replaceChildren(image, label)
  button.dataset['state'] = 'shown'
  button.dataset['source'] = tile.source
  button.removeAttribute('aria-disabled')
  const from = tile.source === 'peers' ? 'another visitor' : 'the origin'
  button.setAttribute('aria-label', `${picture.title}, ${amount(picture.bytes)} from ${from}. Enlarge`)
}

function refuse(tile: Tile, reason: string): void {
  const words = document.createElement('span')
  words.className = 'tile-error'
  const title = document.createElement('strong')
  title.textContent = tile.picture.title
  words.append(title, document.createTextNode(reason))
  tile.button.replaceChildren(words)
  tile.button.dataset['state'] = 'failed'
  tile.button.setAttribute('aria-label', `${tile.picture.title} could not be loaded: ${reason}`)
}
