import type { Entry, Mark } from '../protocol/index.ts'
import type { Pending } from './outbox.ts'
import {
  type Content,
  contentOf,
  type Delivery,
  fromEntry,
  fromPending,
  type Message,
  type Sender,
  type SentMessage,
  same,
  sameSender,
  textOf,
  withdrawn,
} from './view.ts'

export interface Sources {
  readonly entries: readonly Entry[]
  readonly pending: readonly Pending[]
  readonly marks: readonly Mark[]
  readonly self: Sender | undefined
}

/** Which fold made a list: it goes on from there with what is new. */
const makers = new WeakMap<readonly Message[], Fold>()

/**
 * The view of a log. Messages that have not changed are the same objects as in `previous`, and it is itself the same if nothing has.
 * What is not new since `previous` is compared by its place alone, so that a long log costs no more with each entry.
 */
export function foldView(sources: Sources, previous: readonly Message[] = []): readonly Message[] {
  const maker = makers.get(previous)
  // A list that has been followed by another one already is begun anew.
  const fold = maker?.latest === previous ? maker : new Fold(previous)
  const messages = fold.take(sources)
  makers.set(messages, fold)
  return messages
}

interface Change {
  readonly content?: Content
  readonly failure?: Pending['failure']
}

/** What is under way about messages of the log. */
interface Overlay {
  readonly changes: ReadonlyMap<string, Change>
  readonly deletions: ReadonlyMap<string, Pending>
}

class Fold {
  latest: readonly Message[]
  /** What these messages were elsewhere; only until they are all made. */
  #known: ReadonlyMap<string, Message>
  #self: Sender | undefined
  #entries: readonly Entry[] = []
  #pending: readonly Pending[] = []
  #overlay: Overlay = { changes: new Map(), deletions: new Map() }
  #reach = { delivered: 0, read: 0 }
  /** Of the log, in its order. */
  #logged: Message[] = []
  #sends: readonly Message[] = []
  /** The entry of each message, and its edits by position, also of messages that are not loaded yet. */
  #origins = new Map<string, Entry>()
  #edits = new Map<string, Map<number, Entry>>()
  /** Messages in the list that may be other ones now. */
  readonly #stale = new Set<string>()

  constructor(previous: readonly Message[]) {
    this.latest = previous
    this.#known = byKey(previous)
  }

  take({ entries, pending, marks, self }: Sources): readonly Message[] {
    const another = self !== this.#self && !sameSender(self, this.#self)
    if (another) this.#restart()
    this.#self = self
    if (pending !== this.#pending || another) this.#takePending(pending)
    this.#takeMarks(marks)
    this.#takeEntries(entries)
    for (const id of this.#stale) this.#refresh(id)
    this.#stale.clear()
    this.#known = new Map()
    const { latest } = this
    const count = this.#logged.length
    const unchanged =
      count + this.#sends.length === latest.length &&
      latest.every((one, at) => one === (at < count ? this.#logged[at] : this.#sends[at - count]))
    if (!unchanged) this.latest = this.#logged.concat(this.#sends)
    return this.latest
  }

  /** From the beginning, but with the messages that there were. */
  #restart(): void {
    this.#known = byKey(this.latest)
    this.#entries = []
    this.#logged = []
    this.#origins = new Map()
    this.#edits = new Map()
  }

  #takePending(pending: readonly Pending[]): void {
    const before = this.#overlay
    const sent = byKey(this.#sends)
    const { overlay, sends } = sortOut(pending)
    this.#pending = pending
    this.#overlay = overlay
    for (const { changes, deletions } of [before, overlay])
      for (const ids of [changes, deletions]) for (const id of ids.keys()) this.#stale.add(id)
    this.#sends = sends.map(item => {
      const message = fromPending(item, this.#self)
      return keep(sent.get(message.key) ?? this.#known.get(message.key), message)
    })
  }

  /** A message has been received, or read, as soon as one other reader has. */
  #takeMarks(marks: readonly Mark[]): void {
    const others = marks.filter(({ reader }) => !sameSender(reader, this.#self))
    const before = this.#reach
    const now = {
      delivered: Math.max(0, ...others.map(mark => mark.delivered)),
      read: Math.max(0, ...others.map(mark => mark.read)),
    }
    this.#reach = now
    const moved = (['delivered', 'read'] as const).filter(field => now[field] !== before[field])
    const from = Math.min(...moved.map(field => Math.min(now[field], before[field])))
    // Up to there nothing is different: marks are usually near the end.
    for (let at = this.#logged.length - 1; at >= 0; at--) {
      const message = this.#logged[at]
      if (!message || (message.seq ?? 0) <= from) return
      if (message.delivery === null) continue
      this.#logged[at] = keep(message, { ...message, delivery: this.#reached(message.seq ?? 0) })
    }
  }

  #takeEntries(entries: readonly Entry[]): void {
    const before = this.#entries
    if (entries === before) return
    const older = before[0] ? entries.findIndex(({ seq }) => seq === before[0]?.seq) : 0
    for (let at = 0; at < before.length; at++) {
      const entry = entries[older + at]
      if (entry === before[at]) continue
      if (entry?.seq !== before[at]?.seq || !entry) {
        this.#restart()
        this.#takeEntries(entries)
        return
      }
      // The one thing that can happen to an entry: it was taken back.
      this.#index(entry)
    }
    this.#entries = entries
    const above = entries.slice(0, older)
    const below = entries.slice(older + before.length)
    for (const entry of above) this.#index(entry)
    for (const entry of below) this.#index(entry)
    if (above.length > 0) this.#logged = [...this.#made(above), ...this.#logged]
    for (const message of this.#made(below)) this.#logged.push(message)
  }

  /** What it is about may look different now. */
  #index(entry: Entry): void {
    if (entry.type === 'edit') {
      const id = entry.parentId ?? ''
      const edits = this.#edits.get(id) ?? new Map<number, Entry>()
      this.#edits.set(id, edits.set(entry.seq, entry))
      this.#stale.add(id)
    } else if (entry.type !== 'delete') {
      if (this.#origins.has(entry.id)) this.#stale.add(entry.id)
      this.#origins.set(entry.id, entry)
    }
  }

  #made(entries: readonly Entry[]): Message[] {
    return entries.filter(isMessage).map(entry => {
      const message = this.#make(entry)
      return keep(this.#known.get(message.key), message)
    })
  }

  #refresh(id: string): void {
    const entry = this.#origins.get(id)
    if (!entry) return
    const at = placeOf(this.#logged, entry.seq)
    const message = this.#make(entry)
    this.#logged[at] = keep(this.#logged[at], message)
  }

  #make(entry: Entry): Message {
    const own = sameSender(entry.sender, this.#self)
    const message = fromEntry(entry, own ? this.#reached(entry.seq) : null)
    if (message.deleted) return message
    const deletion = this.#overlay.deletions.get(entry.id)
    if (deletion && deletion.state !== 'failed') return { ...message, ...withdrawn }
    const change = this.#overlay.changes.get(entry.id)
    const content = change?.content ?? this.#edited(entry.id)
    const failure = deletion?.failure ?? change?.failure ?? null
    return content || failure ? { ...message, ...content, failure } : message
  }

  /** By its latest edit that still says something. */
  #edited(id: string): Content | undefined {
    let latest: Entry | undefined
    for (const edit of this.#edits.get(id)?.values() ?? [])
      if (!edit.deleted && edit.seq > (latest?.seq ?? 0)) latest = edit
    return latest && contentOf(latest)
  }

  #reached(seq: number): Delivery {
    const { delivered, read } = this.#reach
    return seq <= read ? 'read' : seq <= delivered ? 'delivered' : 'stored'
  }
}

const isMessage = ({ type }: Entry): boolean => type !== 'edit' && type !== 'delete'

const keep = (before: Message | undefined, now: Message): Message =>
  before && same(before, now) ? before : now

const byKey = (messages: readonly Message[]): ReadonlyMap<string, Message> =>
  new Map(messages.map(message => [message.key, message]))

function placeOf(messages: readonly Message[], seq: number): number {
  let [low, high] = [0, messages.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((messages[middle]?.seq ?? 0) < seq) low = middle + 1
    else high = middle
  }
  return low
}

function sortOut(pending: readonly Pending[]): { overlay: Overlay; sends: SentMessage[] } {
  const changes = new Map<string, Change>()
  const deletions = new Map<string, Pending>()
  const sends: SentMessage[] = []
  for (const item of pending) {
    if (item.command === 'message.send' || item.command === 'conversation.reply') sends.push(item)
    else if (item.command === 'message.delete') deletions.set(item.input.messageId, item)
    else {
      const { messageId, parts } = item.input
      const content = contentOf({ parts, text: textOf(parts) })
      const refused = { ...changes.get(messageId), failure: item.failure }
      changes.set(messageId, item.state === 'failed' ? refused : { content })
    }
  }
  return { overlay: { changes, deletions }, sends }
}
