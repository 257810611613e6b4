/**
 * The showcase: a gallery that its visitors serve to one another, who is here, and a chat.
 *
 * Everything that the page needs it asks of its own origin: the list of pictures, the client
 * library, and which nodes to attach to.
 */

import { openChat, drawEmptyChat } from './chat.js'
import { chosenMode, drawChoices } from './choices.js'
import { company } from './company.js'
import { drawConnection, ownNode, showState } from './connection.js'
import { offerDiagnosis } from './diagnosis.js'
import type { Picture } from './fetching.js'
import { drawPlaceholders, drawTiles, loadTiles, type Tile } from './gallery.js'
import { startMesh, type Mesh, type Room } from './mesh.js'
import { notice } from './notices.js'
import { drawPeople, type About } from './people.js'
import { drawTraffic, Traffic } from './traffic.js'
import { viewer } from './viewer.js'
import { inWords } from './words.js'

interface Gallery {
  readonly room: string
  readonly pictures: readonly Picture[]
  /** Members of the room when the list was asked for, where the origin knows. */
  readonly members?: number
  /** Ports of the nodes' HTTP, on the origin's own host. */
  readonly ports?: readonly number[]
}

/** What tests and the curious can look at from the console. */
interface Showcase {
  velox: Mesh | null
  room: Room | null
  readonly stats: Traffic
}

declare global {
  interface Window {
    showcase: Showcase
  }
}

async function loadGallery(): Promise<Gallery> {
  const response = await fetch('/gallery.json', { cache: 'no-store' }).catch((cause: unknown) => {
    throw new Error('The list of pictures could not be loaded: the origin does not answer. Load the page again.', { cause })
  })
  if (!response.ok) throw new Error(`The list of pictures could not be loaded: the origin answered ${response.status}.`)
  return (await response.json()) as Gallery
}

async function start(showcase: Showcase, gallery: Promise<Gallery>): Promise<Mesh | null> {
  try {
    // The origin says which network and nodes; `?node=<base URL>` attaches this page elsewhere.
    const nodes = new URLSearchParams(location.search).getAll('node')
    const bases = gallery.then(({ ports = [] }) => ports.map((port) => `http://${location.hostname}:${port}`))
    const mesh = await startMesh(nodes.length ? { nodes } : {}, bases)
    showcase.velox = mesh
    drawConnection(mesh)
    offerDiagnosis(mesh)
    mesh.on('error', (error) => void notice(inWords(error)))
    return mesh
  } catch (error) {
    showState('detached', 'Not attached')
    notice(`This page could not join the network, so it loads from the origin alone. ${inWords(error)}`)
    return null
  }
}

async function enter(showcase: Showcase, mesh: Mesh | null, gallery: Gallery): Promise<Room | null> {
  if (!mesh) return null
  try {
    const about = (): About => ({ node: ownNode(mesh) })
    const room = await mesh.join(gallery.room, { metadata: about() })
    showcase.room = room
    showcase.stats.serves = true
    drawPeople(mesh, room)
    openChat(mesh, room)
    await company(room, gallery.members)
    return room
  } catch (error) {
    notice(`This page could not enter the room, so it loads from the origin alone. ${inWords(error)}`)
    return null
  }
}

async function run(): Promise<void> {
  const traffic = new Traffic()
  const showcase: Showcase = (window.showcase = { velox: null, room: null, stats: traffic })
  const mode = chosenMode()
  const list = document.getElementById('pictures')!
  drawPlaceholders(list)
  drawTraffic(traffic)
  drawChoices(mode)
  drawEmptyChat()

  let tiles: Tile[] = []
  const open = viewer(() => tiles)
  const loading = loadGallery()
  const mesh = start(showcase, loading)
  const gallery = await loading
  const entered = mesh.then((velox) => enter(showcase, velox, gallery))

  const { pictures } = gallery
  tiles = drawTiles(list, pictures, open)
  traffic.expect(
    pictures.length,
    pictures.reduce((sum, picture) => sum + picture.bytes, 0),
  )
  await loadTiles(tiles, mode, { mesh, company: entered, traffic })
}

run().catch((error: unknown) => {
  document.getElementById('summary')!.textContent = 'The gallery could not be loaded.'
  notice(inWords(error))
})
