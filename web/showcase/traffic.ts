/** What was loaded from where, and the bars that show it. */

import { amount, count } from './words.js'

export type Source = 'peers' | 'origin'

/** Bytes of pictures that arrived, and pictures that are shown. Read by tests as `showcase.stats`. */
export class Traffic {
  originBytes = 0
  peerBytes = 0
  originPictures = 0
  peerPictures = 0
  failed = 0
  total = 0
  totalBytes = 0
  /** Whether other visitors can reach this page, and so be given what it has. */
  serves = false
  #draw: (() => void) | undefined
  #scheduled = false

  /** Pictures that are shown. */
  get pictures(): number {
    return this.originPictures + this.peerPictures
  }

  get done(): boolean {
    return this.total > 0 && this.pictures + this.failed >= this.total
  }

  /** `draw` runs at most once a frame, after changes. */
  watch(draw: () => void): void {
    this.#draw = draw
  }

  expect(pictures: number, bytes: number): void {
    this.total = pictures
    this.totalBytes = bytes
    this.#changed()
  }

  arrived(source: Source, bytes: number): void {
    if (source === 'peers') this.peerBytes += bytes
    else this.originBytes += bytes
    this.#changed()
  }

  shown(source: Source): void {
    if (source === 'peers') this.peerPictures++
    else this.originPictures++
    this.#changed()
  }

  missed(): void {
    this.failed++
    this.#changed()
  }

  #changed(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    const run = (): void => {
      this.#scheduled = false
      this.#draw?.()
    }
    // Hidden pages get no frames, and their bars are read by nobody but tests.
    if (document.hidden) queueMicrotask(run)
    else requestAnimationFrame(run)
  }
}

/** Keeps the two bars and the sentence below them at what `traffic` says. */
export function drawTraffic(traffic: Traffic): void {
  const summary = element('summary')
  const draw = (): void => {
    bar('peers', traffic.peerBytes, traffic.peerPictures, traffic)
    bar('origin', traffic.originBytes, traffic.originPictures, traffic)
    const sentence = describe(traffic).trim()
    // Live regions speak on every write, so only a new sentence is written.
    if (summary.textContent !== sentence) summary.textContent = sentence
  }
  traffic.watch(draw)
}

function bar(source: Source, bytes: number, pictures: number, traffic: Traffic): void {
  const share = traffic.totalBytes ? Math.min(1, bytes / traffic.totalBytes) : 0
  const track = element(`${source}-bar`)
  track.style.setProperty('--share', share.toFixed(4))
  track.setAttribute('aria-valuenow', String(Math.round(share * 100)))
  const text = `${amount(bytes)} · ${count(pictures, 'picture')}`
  track.setAttribute('aria-valuetext', text)
  element(`${source}-figure`).textContent = text
}

function describe(traffic: Traffic): string {
  if (!traffic.total) return 'Looking for the gallery…'
  if (!traffic.done) return `Loading ${count(traffic.total, 'picture')}…`
  const failed = traffic.failed ? `${count(traffic.failed, 'picture')} could not be loaded.` : ''
  if (!traffic.pictures) return failed
  const all = failed ? 'All the others' : 'Everything'
  if (!traffic.originBytes) return `${all} came from other visitors; the origin sent no picture at all. ${failed}`
  if (!traffic.peerBytes) return `${all} came from the origin. ${traffic.serves ? 'The next visitor can have it from you. ' : ''}${failed}`
  const share = Math.round((100 * traffic.peerBytes) / (traffic.peerBytes + traffic.originBytes))
  return `${share} % of the bytes came from other visitors. ${failed}`
}

function element(id: string): HTMLElement {
  return document.getElementById(id)!
}
