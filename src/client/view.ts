import type { CommandInput, ConversationState, Entry, Failure, Mark } from '../protocol/index.ts'
import type { Pending } from './outbox.ts'

export type Sender = Entry['sender']

/** How far something this client's person wrote has come. */
export type Delivery = 'queued' | 'sent' | 'stored' | 'delivered' | 'read' | 'failed'

/** What a person sees of one entry, with its edits and deletion, and whatever of it is still under way. */
export interface Message {
  /** Stays the same from the moment it is shown. */
  readonly key: string
  /** Null until the log holds it. */
  readonly id: string | null
  readonly seq: number | null
  readonly clientId: string
  readonly type: Entry['type']
  readonly role: Entry['role'] | null
  /** Null: this client's own, before it ever was connected. */
  readonly sender: Sender | null
  readonly parts: Entry['parts']
  readonly text: string
  readonly parentId: string | null
  readonly createdAt: string
  readonly edited: boolean
  readonly deleted: boolean
  /** Null: someone else wrote it. */
  readonly delivery: Delivery | null
  /** Why it, or a change to it, was not taken. */
  readonly failure: Failure | null
}

export interface ConversationSnapshot {
  /** Null while a conversation that was started here has not reached the server. */
  readonly id: string | null
  /** Why it cannot be followed. */
  readonly refusal: Failure | null
  /** False: what is shown may be out of date. */
  readonly live: boolean
  readonly conversation: ConversationState | null
  readonly messages: readonly Message[]
  /** The log itself, up to `applied`. */
  readonly entries: readonly Entry[]
  readonly applied: number
  readonly head: number
  readonly hasOlder: boolean
  readonly marks: readonly Mark[]
  readonly typing: readonly Sender[]
  readonly online: boolean
}

export interface Sources {
  readonly entries: readonly Entry[]
  readonly pending: readonly Pending[]
  readonly marks: readonly Mark[]
  readonly self: Sender | undefined
}

export const sameSender = (a: Sender | undefined, b: Sender | undefined): boolean =>
  a !== undefined && b !== undefined && a.id === b.id && a.kind === b.kind

/** The view of a log. Messages that have not changed are the same objects as in `previous`. */
export function foldView(sources: Sources, previous: readonly Message[] = []): readonly Message[] {
  const { changes, deletions, sends } = sortOut(sources)
  const reached = reachedByOthers(sources)
  const known = new Map(previous.map(message => [message.key, message]))
  const keep = (message: Message) => {
    const before = known.get(message.key)
    return before && same(before, message) ? before : message
  }
  const logged = sources.entries
    .filter(({ type }) => type !== 'edit' && type !== 'delete')
    .map(entry => {
      const own = sameSender(entry.sender, sources.self)
      const message = fromEntry(entry, own ? reached(entry.seq) : null)
      const deletion = deletions.get(entry.id)
      if (message.deleted) return keep(message)
      if (deletion && deletion.state !== 'failed')
        return keep({ ...message, parts: none, text: '', deleted: true })
      const failure = deletion?.failure ?? changes.get(entry.id)?.failure ?? null
      return keep({ ...message, ...changes.get(entry.id)?.content, failure })
    })
  return [...logged, ...sends.map(item => keep(fromPending(item, sources.self)))]
}

/** One array for all, so that what is taken back twice is still the same. */
const none: Entry['parts'] = []

interface Change {
  readonly content?: { readonly parts: Entry['parts']; readonly text: string; readonly edited: true }
  readonly failure?: Failure | undefined
}

function sortOut({ entries, pending }: Sources) {
  const changes = new Map<string, Change>()
  const deletions = new Map<string, Pending>()
  const sends: SentMessage[] = []
  for (const { type, parentId, parts, text, deleted } of entries) {
    if (type === 'edit' && parentId && !deleted)
      changes.set(parentId, { content: { parts, text, edited: true } })
  }
  for (const item of pending) {
    if (item.command === 'message.send') sends.push(item)
    else if (item.command === 'message.delete') deletions.set(item.input.messageId, item)
    else {
      const { messageId, parts } = item.input
      const content = { parts, text: textOf(parts), edited: true } as const
      const refused = { ...changes.get(messageId), failure: item.failure }
      changes.set(messageId, item.state === 'failed' ? refused : { content })
    }
  }
  return { changes, deletions, sends }
}

/** A message has been received, or read, as soon as one other reader has. */
function reachedByOthers({ marks, self }: Sources): (seq: number) => Delivery {
  const others = marks.filter(({ reader }) => !sameSender(reader, self))
  const delivered = Math.max(0, ...others.map(mark => mark.delivered))
  const read = Math.max(0, ...others.map(mark => mark.read))
  return seq => (seq <= read ? 'read' : seq <= delivered ? 'delivered' : 'stored')
}

const fromEntry = (entry: Entry, delivery: Delivery | null): Message => ({
  key: delivery === null ? entry.id : entry.clientId,
  id: entry.id,
  seq: entry.seq,
  clientId: entry.clientId,
  type: entry.type,
  role: entry.role,
  sender: entry.sender,
  parts: entry.parts,
  text: entry.text,
  parentId: entry.parentId,
  createdAt: entry.createdAt,
  edited: false,
  deleted: entry.deleted === true,
  delivery,
  failure: null,
})

type SentMessage = Extract<Pending, { command: 'message.send' }>

const fromPending = (item: SentMessage, self: Sender | undefined): Message => ({
  key: item.clientId,
  id: item.stored?.id ?? null,
  seq: item.stored?.seq ?? null,
  clientId: item.clientId,
  type: item.input.note ? 'note' : 'text',
  role: null,
  sender: self ?? null,
  parts: item.input.parts,
  text: textOf(item.input.parts),
  parentId: item.input.parentId ?? null,
  createdAt: item.stored?.createdAt ?? item.createdAt,
  edited: false,
  deleted: false,
  delivery: item.state,
  failure: item.failure ?? null,
})

export const textOf = (parts: CommandInput<'message.send'>['parts']): string =>
  parts.flatMap(part => (part.type === 'text' ? [part.text] : [])).join('\n')

const same = (a: Message, b: Message): boolean =>
  (Object.keys(a) as (keyof Message)[]).every(
    field =>
      a[field] === b[field] ||
      (field === 'sender' && sameSender(a.sender ?? undefined, b.sender ?? undefined)),
  )
