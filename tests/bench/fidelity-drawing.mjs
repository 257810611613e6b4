/** Distributions of two runs as an SVG: the share of samples below each time, a panel for each measure. */

import { median, percentile } from './figures.mjs'

const PANEL = { width: 440, height: 270 }
const INSET = { left: 72, right: 18, top: 62, bottom: 48 }
const GAP = 12

const STYLE = `
.ground { fill: #ffffff; }
text { fill: #1f2933; font: 12px system-ui, sans-serif; }
.title { font-size: 14px; font-weight: 600; }
.grid { stroke: #d5dbe1; }
.axis { stroke: #52606d; }
.curve { fill: none; stroke-width: 2; stroke-linejoin: round; }
.real { stroke: #0b62c4; }
.simulated { stroke: #c2410c; stroke-dasharray: 6 4; }
@media (prefers-color-scheme: dark) {
.ground { fill: #14181d; }
text { fill: #e4e9ee; }
.grid { stroke: #333c46; }
.axis { stroke: #9aa7b4; }
.real { stroke: #6cb2ff; }
.simulated { stroke: #ff9a5c; }
}
`

/** @param {{ title: string, real: number[], simulated: number[] }[]} panels samples in ms */
export function drawing(panels) {
  const width = panels.length * PANEL.width + (panels.length - 1) * GAP
  const said = panels.map((panel) => `${panel.title}: ${legend('real', panel.real)}; ${legend('simulated', panel.simulated)}`)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${PANEL.height}" width="${width}" height="${PANEL.height}" role="img">`,
    `<title>${said.join('. ')}</title>`,
    `<style>${STYLE}</style>`,
    `<rect class="ground" width="${width}" height="${PANEL.height}" rx="8"/>`,
    ...panels.map((panel, place) => `<g transform="translate(${place * (PANEL.width + GAP)} 0)">${draw(panel)}</g>`),
    '</svg>\n',
  ].join('\n')
}

const legend = (name, samples) => `${name}, median ${median(samples).toFixed(0)} ms`

function draw({ title, real, simulated }) {
  const right = PANEL.width - INSET.right
  const bottom = PANEL.height - INSET.bottom
  // A few stragglers would press the rest against the axis.
  const longest = Math.max(percentile(real, 0.995), percentile(simulated, 0.995))
  const step = niceStep(longest / 6)
  const end = step * Math.ceil(longest / step)
  const x = (ms) => INSET.left + ((right - INSET.left) * Math.min(ms, end)) / end
  const y = (share) => bottom - (bottom - INSET.top) * share
  const parts = [`<text class="title" x="${INSET.left}" y="22">${title}</text>`]
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    parts.push(line(share ? 'grid' : 'axis', INSET.left, y(share), right, y(share)))
    parts.push(`<text x="${INSET.left - 8}" y="${y(share) + 4}" text-anchor="end">${share * 100} %</text>`)
  }
  for (let ms = 0; ms <= end; ms += step) {
    parts.push(line(ms ? 'grid' : 'axis', x(ms), INSET.top, x(ms), bottom))
    parts.push(`<text x="${x(ms)}" y="${bottom + 17}" text-anchor="middle">${ms}</text>`)
  }
  const [middle, height] = [(INSET.left + right) / 2, (INSET.top + bottom) / 2]
  parts.push(`<text x="${middle}" y="${bottom + 37}" text-anchor="middle">ms</text>`)
  parts.push(`<text transform="translate(18 ${height}) rotate(-90)" text-anchor="middle">took no longer</text>`)
  for (const [place, [name, samples]] of Object.entries({ real, simulated }).entries()) {
    const from = INSET.left + place * 165
    parts.push(line(`curve ${name}`, from, 40, from + 26, 40))
    parts.push(`<text x="${from + 32}" y="44">${legend(name, samples)}</text>`)
    parts.push(`<path class="curve ${name}" d="${curve(samples, end, x, y)}"/>`)
  }
  return parts.join('\n')
}

/** Steps of an empirical distribution, at most 300 of them. */
function curve(samples, end, x, y) {
  const sorted = [...samples].sort((a, b) => a - b)
  const every = Math.max(1, Math.floor(sorted.length / 300))
  let path = `M${round(x(0))} ${round(y(0))}`
  let last = 0
  for (let place = 0; place < sorted.length; place += every) {
    if (sorted[place] > end) break
    last = (place + 1) / sorted.length
    path += `H${round(x(sorted[place]))}V${round(y(last))}`
  }
  return sorted[sorted.length - 1] > end ? `${path}H${round(x(end))}` : `${path}V${round(y(1))}H${round(x(end))}`
}

const line = (classes, x1, y1, x2, y2) =>
  `<line class="${classes}" x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}"/>`

const round = (value) => Math.round(value * 10) / 10

/** The next of 1, 2, 5, 10, 20, … that is no smaller. */
function niceStep(least) {
  const power = 10 ** Math.floor(Math.log10(Math.max(least, 1)))
  return power * [1, 2, 5, 10].find((factor) => factor * power >= least)
}
