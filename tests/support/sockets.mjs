/** Whom a process is connected to, by the kernel's own tables (Linux). */

import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** Remote addresses of the process's TCP and connected UDP sockets. */
export function remotesOf(pid) {
  const own = new Set()
  for (const descriptor of readdirSync(`/proc/${pid}/fd`)) {
    let target = ''
    try {
      target = readlinkSync(`/proc/${pid}/fd/${descriptor}`)
    } catch {
      // Closed meanwhile.
    }
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1]
    if (inode) own.add(inode)
  }
  const remotes = new Set()
  for (const table of ['tcp', 'tcp6', 'udp', 'udp6']) {
    for (const line of readFileSync(`/proc/net/${table}`, 'utf8').split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/)
      const [address, port] = (fields[2] ?? '').split(':')
      if (!own.has(fields[9]) || !address || port === '0000') continue
      remotes.add(address.length === 8 ? ipv4(address) : ipv6(address))
    }
  }
  return [...remotes]
}

/** The kernel prints each 32-bit word as the machine (little-endian) has it. */
function ipv4(hex) {
  return [6, 4, 2, 0].map((at) => parseInt(hex.slice(at, at + 2), 16)).join('.')
}

function ipv6(hex) {
  const words = hex.match(/.{8}/g) ?? []
  const bytes = words.flatMap((word) => [6, 4, 2, 0].map((at) => word.slice(at, at + 2).toLowerCase()))
  if (bytes.slice(0, 10).every((byte) => byte === '00') && bytes[10] === 'ff') {
    return `::ffff:${bytes.slice(12).map((byte) => parseInt(byte, 16)).join('.')}`
  }
  if (bytes.slice(0, 15).every((byte) => byte === '00')) return `::${parseInt(bytes[15] ?? '0', 16)}`
  return Array.from({ length: 8 }, (_, at) => `${bytes[2 * at]}${bytes[2 * at + 1]}`).join(':')
}
