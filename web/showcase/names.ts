/** A name and a colour for a PeerId: the same in every page, so that people recognise one another. */

const MANNERS =
  'amber brisk calm candid coral crisp dapper eager early fabled fair gentle golden hazel honest jade keen kindly late lively lunar mellow merry misty noble opal patient plucky quiet rosy rustic silver sunny tawny tidal velvet vivid warm wise witty'.split(
    ' ',
  )
const CREATURES =
  'avocet badger beaver bittern curlew dipper dolphin dunlin egret falcon finch fox gannet gull hare heron ibis jay kestrel kite lark linnet lynx magpie marten merlin otter owl petrel pipit plover puffin raven robin seal shrike stoat swift tern wren'.split(
    ' ',
  )

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index++) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  }
  return value >>> 0
}

/** "Calm Heron". */
export function nameOf(peerId: string): string {
  const value = hash(peerId)
  const manner = MANNERS[value % MANNERS.length] ?? ''
  const creature = CREATURES[Math.floor(value / MANNERS.length) % CREATURES.length] ?? ''
  return [manner, creature].map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join(' ')
}

/** A hue in degrees. */
export function hueOf(peerId: string): number {
  return hash(`${peerId}/hue`) % 360
}

/** The last characters of a PeerId, enough to tell a few nodes apart. */
export function shortId(peerId: string): string {
  return peerId.slice(-6)
}

/** "CH" on a disc of the peer's colour. */
export function avatar(peerId: string): HTMLElement {
  const disc = document.createElement('span')
  disc.className = 'avatar'
  disc.style.setProperty('--hue', String(hueOf(peerId)))
  disc.setAttribute('aria-hidden', 'true')
  disc.textContent = nameOf(peerId).replace(/[^A-Z]/g, '')
  return disc
}
