import type { Entry } from '../protocol/index.ts'

/** Entries that came before those they follow; more than this are asked for again instead. */
const mostAhead = 1_000

/**
 * One conversation's log as far as this client holds it (L5): consecutive entries from `first` to `applied`. Whatever
 * arrives twice, late, out of order or from an earlier connection changes nothing it should not: an entry is the same under
 * its seq wherever it comes from, `applied` never moves back, and the one thing that can happen to an entry, that its content
 * is taken back, happens once and stays.
 */
export class LogReplica {
  #entries: Entry[] = []
  #first = 1
  #head = 0
  #started = false
  #ahead = new Map<number, Entry>()
  /** Where each message and its edits are; and what the deletions seen so far took back. */
  #placesOf = new Map<string, Set<number>>()
  #withdrawn = new Set<string>()
  #snapshot: readonly Entry[] | undefined

  /** Whether it is known where the window begins. Until then there is no position to continue after. */
  get started(): boolean {
    return this.#started
  }

  get first(): number {
    return this.#first
  }

  get applied(): number {
    return this.#first + this.#entries.length - 1
  }

  /** The newest position anyone has told of. */
  get head(): number {
    return Math.max(this.#head, this.applied)
  }

  get behind(): boolean {
    return this.#started && this.applied < this.#head
  }

  /** The same array as long as nothing changes. */
  get entries(): readonly Entry[] {
    this.#snapshot ??= [...this.#entries]
    return this.#snapshot
  }

  /** Whether another entry is held under that position: then what is held is no part of this log. */
  contradicts({ seq, id }: { readonly seq: number; readonly id: string }): boolean {
    const held = this.#entries[seq - this.#first]
    return held !== undefined && held.id !== id
  }

  /** Nothing is held any more, nor known. */
  startAnew(): void {
    this.#entries = []
    this.#first = 1
    this.#head = 0
    this.#started = false
    this.#ahead = new Map()
    this.#placesOf = new Map()
    this.#withdrawn = new Set()
    this.#snapshot = undefined
  }

  noteHead(head: number): void {
    this.#head = Math.max(this.#head, head)
  }

  /** The answer to opening without a position decides where the window begins; any later one is a page like others. */
  open(entries: readonly Entry[], head: number): readonly Entry[] {
    if (!this.#started) {
      this.#started = true
      this.#first = entries[0]?.seq ?? head + 1
    }
    return this.receive(entries, head)
  }

  /** Takes entries from an event or a page, and returns those it now holds for the first time. */
  receive(entries: readonly Entry[], head: number): readonly Entry[] {
    this.noteHead(head)
    const applied: Entry[] = []
    for (const entry of entries) {
      this.noteHead(entry.seq)
      if (this.#started && entry.seq === this.applied + 1) applied.push(this.#apply(entry))
      else if (!this.#started || entry.seq > this.applied) this.#keepAhead(entry)
      else if (entry.deleted) this.#blank(entry.seq)
    }
    return this.#started ? [...applied, ...this.#applyAhead()] : []
  }

  /** Takes a page of older entries, as far as it reaches the window without a hole. */
  prepend(entries: readonly Entry[]): readonly Entry[] {
    const bySeq = new Map(entries.map(entry => [entry.seq, entry]))
    const older: Entry[] = []
    for (let entry = bySeq.get(this.#first - 1); entry; entry = bySeq.get(entry.seq - 1)) older.unshift(entry)
    if (older.length === 0 || !this.#started) return []
    this.#entries = [...older, ...this.#entries]
    this.#first -= older.length
    for (const entry of older) this.#index(entry)
    return older
  }

  #keepAhead(entry: Entry): void {
    if (this.#ahead.size < mostAhead) this.#ahead.set(entry.seq, entry)
  }

  #applyAhead(): readonly Entry[] {
    const applied: Entry[] = []
    for (let next = this.#ahead.get(this.applied + 1); next; next = this.#ahead.get(this.applied + 1))
      applied.push(this.#apply(next))
    for (const seq of this.#ahead.keys()) if (seq <= this.applied) this.#ahead.delete(seq)
    return applied
  }

  #apply(entry: Entry): Entry {
    this.#entries.push(entry)
    this.#index(entry)
    return entry
  }

  #index(entry: Entry): void {
    this.#snapshot = undefined
    const about = entry.type === 'edit' && entry.parentId ? entry.parentId : entry.id
    const places = this.#placesOf.get(about) ?? new Set()
    this.#placesOf.set(about, places.add(entry.seq))
    // An older page may have been read before the deletion that is held already.
    if (this.#withdrawn.has(about)) this.#blank(entry.seq)
    if (entry.type === 'delete' && entry.parentId) this.#withdraw(entry.parentId)
  }

  /** Taking a message back takes its edits with it: they hold the same content. */
  #withdraw(id: string): void {
    this.#withdrawn.add(id)
    for (const seq of this.#placesOf.get(id) ?? []) this.#blank(seq)
  }

  #blank(seq: number): void {
    const entry = this.#entries[seq - this.#first]
    if (!entry || entry.deleted) return
    this.#entries[seq - this.#first] = { ...entry, parts: [], text: '', deleted: true }
    this.#snapshot = undefined
  }
}
