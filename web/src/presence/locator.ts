/** Who has a resource: announcing this peer as a provider, and asking for others. */
import type { Link, Links } from '../attach/links.js'
import { VeloxError } from '../errors.js'
import type { LocalPeer } from '../local-peer.js'
import type { Locator, Member } from '../ports.js'
import type { FromNode } from '../wire/attach.js'
import { PROVIDE_TIMEOUT, REFRESH, REFRESH_JITTER } from './defaults.js'
import { attachList, believe, memberOf, resourceRoom, signLeave, signRecord } from './records.js'

const EMPTY = new Uint8Array()

/** What is waited for under a request's id. */
type Answer = (message: FromNode, link: Link) => void

export class NodeLocator implements Locator {
  /** When each announced resource's record is renewed, by `Date.now()`. */
  readonly #provided = new Map<string, number>()
  readonly #answers = new Map<number, Answer>()
  readonly #undo: (() => void)[]
  #nextId = 1
  #attached = ''

  constructor(
    private readonly self: LocalPeer,
    private readonly links: Links,
  ) {
    this.#undo = [
      links.onMessage((message, link) => {
        const body = Object.values(message)[0] as { id?: unknown }
        if (typeof body.id === 'number') this.#answers.get(body.id)?.(message, link)
      }),
      links.onChange(() => this.#linksChanged()),
      links.onTick(() => this.#refresh()),
    ]
  }

  /** Resolves when a node has confirmed it; rejects with its refusal, or `timeout`. */
  async provide(cid: string): Promise<void> {
    this.#attached = attachList(this.links).join()
    let timer: ReturnType<typeof setTimeout> | undefined
    const id = this.#nextId++
    const confirmed = new Promise<void>((resolve, reject) => {
      const asked = new Set(this.links.list())
      this.#answers.set(id, (message, link) => {
        if ('done' in message) resolve()
        if ('refused' in message && asked.delete(link) && !asked.size) {
          const { code, text } = message.refused
          reject(new VeloxError(code === 'quota' || code === 'bad-cid' ? code : 'denied', text))
        }
      })
      timer = setTimeout(
        () => reject(new VeloxError('timeout', `no node has confirmed the announcement of ${cid}`)),
        PROVIDE_TIMEOUT,
      )
    })
    try {
      await Promise.all([confirmed, this.#announce(cid, id)])
    } catch (error) {
      this.#provided.delete(cid)
      throw error
    } finally {
      clearTimeout(timer)
      this.#answers.delete(id)
    }
  }

  async unprovide(cid: string): Promise<void> {
    if (!this.#provided.delete(cid)) return
    const { bytes } = await signLeave(this.self, resourceRoom(cid))
    for (const link of this.links.list()) link.send({ unprovide: { record: bytes } })
  }

  /** Asks every node; yields each provider once. */
  async *locate(cid: string, signal?: AbortSignal): AsyncIterable<Member> {
    const id = this.#nextId++
    const asked = new Set(this.links.list())
    const seen = new Set([this.self.peerId])
    const found: Promise<Member[]>[] = []
    let wake = (): void => {}
    const off = this.links.onChange(() => {
      for (const link of asked) if (!this.links.list().includes(link)) asked.delete(link)
      wake()
    })
    const onAbort = (): void => wake()
    signal?.addEventListener('abort', onAbort)
    this.#answers.set(id, (message, link) => {
      if ('providers' in message) {
        found.push(this.#believe(cid, message.providers.records))
        if (message.providers.last) asked.delete(link)
      } else if ('refused' in message) {
        asked.delete(link)
      }
      wake()
    })
    for (const link of asked) link.send({ locate: { id, cid } })
    try {
      while (!signal?.aborted) {
        const next = found.shift()
        if (next) {
          for (const member of await next) {
            if (!seen.has(member.peerId)) yield member
            seen.add(member.peerId)
          }
        } else if (!asked.size) {
          return
        } else {
          await new Promise<void>((resolve) => (wake = resolve))
        }
      }
    } finally {
      off()
      signal?.removeEventListener('abort', onAbort)
      this.#answers.delete(id)
    }
  }

  stop(): void {
    for (const undo of this.#undo) undo()
  }

  async #believe(cid: string, records: Uint8Array[]): Promise<Member[]> {
    const room = resourceRoom(cid)
    const now = this.links.now()
    const believed = await Promise.all(
      records.map((bytes) => believe(this.self, room, bytes, now)),
    )
    return believed.flatMap((record) => (record ? [memberOf(record.body)] : []))
  }

  async #announce(cid: string, id = this.#nextId++): Promise<void> {
    const jitter = 1 + REFRESH_JITTER * (2 * Math.random() - 1)
    this.#provided.set(cid, Date.now() + REFRESH * jitter)
    const { bytes, body } = await signRecord(this.self, this.links, resourceRoom(cid), EMPTY)
    if (!this.#provided.has(cid)) return
    for (const link of this.links.list()) {
      if (body.attach.includes(link.node)) link.send({ provide: { id, record: bytes } })
    }
  }

  #refresh(): void {
    const now = Date.now()
    if (!this.links.list().length) return
    for (const [cid, at] of this.#provided) if (at <= now) void this.#announce(cid)
  }

  #linksChanged(): void {
    const attached = attachList(this.links).join()
    if (attached === this.#attached || !attached) return
    this.#attached = attached
    for (const cid of this.#provided.keys()) void this.#announce(cid)
  }
}
