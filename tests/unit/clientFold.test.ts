import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { foldView, LogReplica, type Message } from '../../src/client/index.ts'
import type { Pending } from '../../src/client/outbox.ts'
import type { Entry, Mark } from '../../src/protocol/index.ts'
import { ServerLog } from '../support/serverLog.ts'

const self: Entry['sender'] = { kind: 'contact', id: randomUUID() }
const other: Entry['sender'] = { kind: 'agent', id: randomUUID() }

const step = fc.record({
  do: fc.constantFrom('write', 'write', 'edit', 'delete', 'older', 'mark', 'queue', 'settle', 'merge'),
  which: fc.nat(1_000),
})
type Step = typeof step extends fc.Arbitrary<infer One> ? One : never

/** A log that is followed, with what others have read and what is under way to it. */
class Scene {
  readonly log = new ServerLog()
  readonly replica = new LogReplica()
  marks: readonly Mark[] = []
  pending: readonly Pending[] = []
  self: Entry['sender'] | undefined = self

  constructor() {
    for (let at = 0; at < 12; at++) this.#append('text', at)
    for (const which of [3, 5, 11]) this.#append('edit', which)
    const { entries, head } = this.log.page({ limit: 5 })
    this.replica.open(entries, head)
  }

  act({ do: what, which }: Step): void {
    if (what === 'write') this.#append('text', which)
    else if (what === 'edit' || what === 'delete') this.#append(what, which)
    else if (what === 'older')
      this.replica.prepend(this.log.page({ before: this.replica.first, limit: 4 }).entries)
    else if (what === 'mark') {
      const reader = which % 3 === 0 ? self : other
      this.marks = [{ reader, delivered: which % (this.log.head + 1), read: which % 7 }]
    } else if (what === 'queue') this.#queue(which)
    else if (what === 'settle') this.pending = this.pending.slice(1)
    else this.self = which % 2 === 0 ? self : undefined
  }

  get sources() {
    const { marks, pending } = this
    return { entries: this.replica.entries, marks, pending, self: this.self }
  }

  #append(type: 'text' | 'edit' | 'delete', which: number): void {
    const texts = this.log.entries.filter(entry => entry.type === 'text' && !entry.deleted)
    const parentId = type === 'text' ? undefined : texts[which % texts.length]?.id
    if (type !== 'text' && parentId === undefined) return
    const sender = which % 2 === 0 ? self : other
    const { entry } = this.log.append({
      sender,
      clientId: randomUUID(),
      type,
      text: `${type} ${which}`,
      parentId,
    })
    this.replica.receive([entry], entry.seq)
  }

  #queue(which: number): void {
    const parts = [{ type: 'text' as const, text: `queued ${which}` }]
    const messageId = this.log.entries[which % this.log.head]?.id ?? ''
    const draft = [
      { command: 'message.send', input: { parts } },
      { command: 'message.edit', input: { messageId, parts } },
      { command: 'message.delete', input: { messageId } },
    ][which % 3] as Pending
    const failed = { state: 'failed', failure: { code: 'forbidden', message: '', retryable: false } } as const
    const state = which % 5 === 0 ? failed : ({ state: 'queued' } as const)
    const name = { clientId: randomUUID(), order: '', createdAt: new Date(0).toISOString() }
    this.pending = [...this.pending, { ...draft, ...name, ...state }]
  }
}

describe('the view of a log that goes on', () => {
  test('is what a new view of the same would be, and leaves alone what has not changed', () => {
    const property = fc.property(fc.array(step, { minLength: 10, maxLength: 60 }), steps => {
      const scene = new Scene()
      let shown: readonly Message[] = []
      for (const one of steps) {
        scene.act(one)
        const before = shown
        shown = foldView(scene.sources, before)
        expect(shown).toEqual(foldView(scene.sources))
        const known = new Map(before.map(message => [message.key, message]))
        for (const message of shown) {
          const earlier = known.get(message.key)
          // The same may have been said anew, or failed anew.
          const isSaidAnew = earlier?.parts !== message.parts || earlier.failure !== message.failure
          if (earlier !== message && !isSaidAnew) expect(earlier).not.toEqual(message)
        }
        expect(foldView(scene.sources, shown)).toBe(shown)
        // One that went on elsewhere meanwhile is still good to begin from.
        expect(foldView(scene.sources, before)).toEqual(shown)
      }
    })
    const seed = Date.now()
    console.log(`fold: seed ${seed}`)
    fc.assert(property, { seed, numRuns: 150 })
  })

  test('looks into what is new, and not again into what was there', () => {
    let looks = 0
    const count = 4_000
    const entryAt = (seq: number): Entry => ({
      ...{ id: `m${seq}`, seq, type: 'text', role: 'user', parts: [], sender: other, clientId: `c${seq}` },
      ...{ parentId: null, createdAt: new Date(0).toISOString() },
      get text() {
        looks++
        return `${seq}`
      },
    })
    const replica = new LogReplica()
    replica.open([], 0)
    let shown: readonly Message[] = []
    const go = (from: number, to: number) => {
      replica.receive(
        Array.from({ length: to - from }, (_, at) => entryAt(from + at + 1)),
        count,
      )
      shown = foldView({ entries: replica.entries, pending: [], marks: [], self }, shown)
    }
    for (let at = 0; at < count; at += 100) go(at, at + 100)
    expect(shown).toHaveLength(count)
    expect(looks).toBeLessThanOrEqual(2 * count)
    looks = 0
    go(count, count + 1)
    expect(looks).toBeLessThanOrEqual(2)
  })
})
