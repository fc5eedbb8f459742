import type { CommandInput, ConversationState, Entry, Failure, Mark } from '../protocol/index.ts'
import type { Answer } from './answer.ts'
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
  /** What an agent is about to say, to be shown after the messages. When the log holds it, it is a message in the same change. */
  readonly answer: Answer | undefined
  /** The log itself, up to `applied`. */
  readonly entries: readonly Entry[]
  readonly applied: number
  readonly head: number
  readonly hasOlder: boolean
  readonly marks: readonly Mark[]
  readonly typing: readonly Sender[]
  readonly online: boolean
}

export const sameSender = (a: Sender | undefined, b: Sender | undefined): boolean =>
  a !== undefined && b !== undefined && a.id === b.id && a.kind === b.kind

/** One array for all, so that what is taken back twice is still the same. */
const none: Entry['parts'] = []
export const withdrawn = { parts: none, text: '', deleted: true } as const

export type Content = Pick<Entry, 'parts' | 'text'> & { readonly edited: true }

export const contentOf = ({ parts, text }: Pick<Entry, 'parts' | 'text'>): Content => ({
  ...{ parts, text, edited: true },
})

export const fromEntry = (entry: Entry, delivery: Delivery | null): Message => ({
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

export type SentMessage = Extract<Pending, { command: 'message.send' | 'conversation.reply' }>

export const fromPending = (item: SentMessage, self: Sender | undefined): Message => ({
  key: item.clientId,
  id: item.stored?.id ?? null,
  seq: item.stored?.seq ?? null,
  clientId: item.clientId,
  type: item.command === 'message.send' && item.input.note ? 'note' : 'text',
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

export const same = (a: Message, b: Message): boolean =>
  (Object.keys(a) as (keyof Message)[]).every(
    field =>
      a[field] === b[field] ||
      (field === 'sender' && sameSender(a.sender ?? undefined, b.sender ?? undefined)),
  )
