import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { foldView, LogReplica } from '../../src/client/index.ts'
import type { Entry } from '../../src/protocol/index.ts'
import { ServerLog } from '../support/serverLog.ts'

const senders: Entry['sender'][] = [
  { kind: 'contact', id: '10000000-0000-4000-8000-000000000000' },
  { kind: 'agent', id: '20000000-0000-4000-8000-000000000000' },
]

type Act =
  | { readonly do: 'write' | 'edit' | 'delete'; readonly who: number; readonly what: number }
  /** Takes anything that was ever sent, also what an earlier connection sent, once more. */
  | { readonly do: 'hear' | 'hearAgain'; readonly which: number }
  | { readonly do: 'askAfter' | 'askBefore'; readonly limit: number }
  | { readonly do: 'hearHead' }

const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('write' as const), who: fc.nat(1), what: fc.nat() }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('edit', 'delete'), who: fc.nat(1), what: fc.nat() }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('hear', 'hearAgain'), which: fc.nat() }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('askAfter', 'askBefore'),
      limit: fc.integer({ min: 1, max: 5 }),
    }),
  },
  fc.constant({ do: 'hearHead' as const }),
)

/** A log, a replica, and all that is on its way between them. */
class Scene {
  readonly log = new ServerLog()
  readonly replica = new LogReplica()
  /** Deliveries under way: taken in any order, any number of times, or never. */
  readonly underWay: (() => void)[] = []
  #written = 0

  act(step: Act): void {
    if (step.do === 'write' || step.do === 'edit' || step.do === 'delete')
      this.#publish(step.do === 'write' ? 'text' : step.do, step.who, step.what)
    else if (step.do === 'hear') this.underWay.splice(step.which % (this.underWay.length || 1), 1)[0]?.()
    else if (step.do === 'hearAgain') this.underWay[step.which % (this.underWay.length || 1)]?.()
    else if (step.do === 'hearHead') this.replica.noteHead(this.log.head)
    else if (step.do === 'askAfter' || step.do === 'askBefore') this.#ask(step.do, step.limit)
  }

  open(limit: number): void {
    const { entries, head } = this.log.page({ limit })
    this.replica.open(entries, head)
  }

  settle(): void {
    this.replica.noteHead(this.log.head)
    while (this.replica.behind) {
      const { entries, head } = this.log.page({ after: this.replica.applied, limit: 3 })
      this.replica.receive(entries, head)
    }
    while (this.replica.first > 1)
      this.replica.prepend(this.log.page({ before: this.replica.first, limit: 3 }).entries)
  }

  #publish(type: 'text' | 'edit' | 'delete', who: number, what: number): void {
    const sender = senders[who] as Entry['sender']
    const targets = this.log.entries.filter(entry => entry.type === 'text' && !entry.deleted)
    const target = targets[what % (targets.length || 1)]
    if (type !== 'text' && !target) return
    const { entry } = this.log.append({
      sender,
      clientId: `c${this.#written++}`,
      type,
      text: type === 'delete' ? '' : `words ${what}`,
      parentId: type === 'text' ? undefined : target?.id,
    })
    this.underWay.push(() => this.replica.receive([entry], entry.seq))
  }

  /** The page is read now and arrives some time later, when the log may be another. */
  #ask(direction: 'askAfter' | 'askBefore', limit: number): void {
    if (direction === 'askAfter') {
      const { entries, head } = this.log.page({ after: this.replica.applied, limit })
      this.underWay.push(() => this.replica.receive(entries, head))
    } else {
      const { entries } = this.log.page({ before: this.replica.first, limit })
      this.underWay.push(() => this.replica.prepend(entries))
    }
  }
}

const view = (entries: readonly Entry[]) =>
  foldView({ entries, pending: [], marks: [], self: senders[0] as Entry['sender'] })

describe('replica', () => {
  test('L5 whatever is lost, repeated, late or out of order, it ends with the log of the server', () => {
    const property = fc.property(
      fc.array(act, { maxLength: 60 }),
      fc.array(act, { maxLength: 120 }),
      fc.integer({ min: 1, max: 10 }),
      (before, after, limit) => {
        const scene = new Scene()
        for (const step of before) scene.act(step)
        scene.open(limit)
        let applied = scene.replica.applied
        for (const step of after) {
          scene.act(step)
          expect(scene.replica.applied).toBeGreaterThanOrEqual(applied)
          applied = scene.replica.applied
          expect(scene.replica.entries.map(entry => entry.seq)).toEqual(
            Array.from(scene.replica.entries, (_, at) => scene.replica.first + at),
          )
        }
        scene.settle()
        expect(scene.replica.entries).toEqual(scene.log.entries)
        // Snapshot plus events equals a fresh snapshot, as log and as people see it.
        const fresh = new LogReplica()
        fresh.open(scene.log.entries, scene.log.head)
        expect(fresh.entries).toEqual(scene.replica.entries)
        expect(view(scene.replica.entries)).toEqual(view(fresh.entries))
      },
    )
    const seed = Date.now()
    console.log(`replica: seed ${seed}`)
    fc.assert(property, { seed, numRuns: 500 })
  })

  const log = new ServerLog()
  const write = (type: Entry['type'], text: string, parentId?: string) =>
    log.append({ sender: senders[0] as Entry['sender'], clientId: `c${log.head}`, type, text, parentId })
      .entry
  const first = write('text', 'first')
  const edit = write('edit', 'better', first.id)
  const later = write('text', 'later')
  const secondEdit = write('edit', 'best', first.id)
  const deletion = write('delete', '', first.id)
  const all = [first, edit, later, secondEdit, deletion]

  test('L5 an event right after the last applies, one further on waits and tells that something is missing', () => {
    const replica = new LogReplica()
    replica.open([first], 1)
    expect(replica.receive([edit], 2)).toEqual([edit])
    expect(replica.receive([secondEdit], 4)).toEqual([])
    expect([replica.applied, replica.head, replica.behind]).toEqual([2, 4, true])
    expect(replica.receive([later], 4)).toEqual([later, secondEdit])
    expect([replica.applied, replica.behind]).toEqual([4, false])
  })

  test('L5 however many wait ahead, the pages before them apply whole', () => {
    const long = new ServerLog()
    for (let at = 0; at < 1_500; at++)
      long.append({ sender: senders[1] as Entry['sender'], clientId: `${at}`, type: 'text', text: `${at}` })
    const replica = new LogReplica()
    replica.open([], 0)
    for (const entry of long.entries.slice(200)) replica.receive([entry], entry.seq)
    expect(replica.receive(long.entries.slice(0, 100), 1_500)).toHaveLength(100)
    expect(replica.receive(long.entries.slice(100, 200), 1_500)).toHaveLength(1_100)
    expect(replica.receive(long.entries.slice(1_200), 1_500)).toHaveLength(300)
    expect(replica.entries).toEqual(long.entries)
  })

  test('L5 a head alone tells it is behind, and an older one changes nothing', () => {
    const replica = new LogReplica()
    replica.open([first], 1)
    replica.noteHead(3)
    replica.noteHead(2)
    expect([replica.behind, replica.head]).toEqual([true, 3])
  })

  test('its entries stay the same array until something changes', () => {
    const replica = new LogReplica()
    replica.open([first], 1)
    const { entries } = replica
    replica.receive([first], 1)
    replica.noteHead(9)
    expect(replica.entries).toBe(entries)
    replica.receive([edit], 2)
    expect(replica.entries).not.toBe(entries)
  })

  test('a view shows the latest edit in its place, and no entry of its own for it', () => {
    const messages = view([first, edit, later, secondEdit])
    expect(messages.map(({ text, edited }) => ({ text, edited }))).toEqual([
      { text: 'best', edited: true },
      { text: 'later', edited: false },
    ])
  })

  test('what is deleted leaves no content, of the message or of its edits', () => {
    const replica = new LogReplica()
    replica.open(all, 5)
    const contents = JSON.stringify(replica.entries)
    for (const word of ['first', 'better', 'best']) expect(contents).not.toContain(word)
    expect(replica.entries).toEqual(log.entries)
    expect(view(replica.entries)[0]).toMatchObject({ text: '', parts: [], deleted: true, edited: false })
  })

  test('an older page that was read before a deletion does not bring the content back', () => {
    const replica = new LogReplica()
    replica.open([later, secondEdit, deletion], 5)
    replica.prepend([first, edit])
    expect(replica.entries).toEqual(log.entries)
  })

  test('a later page that shows a message taken back blanks it before its deletion arrives, and an old one does not undo it', () => {
    const replica = new LogReplica()
    replica.open([first], 1)
    const blank = { ...first, parts: [], text: '', deleted: true as const }
    replica.receive([blank], 5)
    expect(replica.entries).toEqual([blank])
    replica.receive([first], 5)
    expect(replica.entries).toEqual([blank])
  })

  test('messages that did not change stay the same objects', () => {
    const sources = { pending: [], marks: [], self: senders[0] as Entry['sender'] }
    const before = foldView({ ...sources, entries: [first, later] })
    const after = foldView({ ...sources, entries: [first, later, secondEdit] }, before)
    expect(after[1]).toBe(before[1])
    expect(after[0]).not.toBe(before[0])
    expect(after[0]?.key).toBe(before[0]?.key)
  })
})
