/** What the page says to people: errors, amounts, counts. */

const MEANINGS: Record<string, string> = {
  unreachable: 'No node of the network answers. Check that it is running, then load the page again.',
  timeout: 'It took too long to answer.',
  'not-found': 'Nobody here has it.',
  'bad-cid': 'What arrived is not what was asked for.',
  denied: 'The network refused this page.',
  'too-large': 'That is too large to send.',
  'needs-https': 'The browser allows this on https pages only.',
  unsupported: 'This browser lacks WebRTC or WebSocket, or they are switched off.',
  quota: 'The node is busy. Try again in a moment.',
  closed: 'The connection was closed.',
  paused: 'This page is paused.',
}

/** One sentence about an error, for people. */
export function inWords(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code
  if (typeof code === 'string' && MEANINGS[code]) return MEANINGS[code]
  if (error instanceof Error && error.message) return error.message
  return 'Something went wrong.'
}

/** "5.8 MB", in the units that browsers use for downloads. */
export function amount(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  const units = ['kB', 'MB', 'GB']
  let value = bytes / 1000
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`
}

/** "1 picture", "24 pictures". */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
