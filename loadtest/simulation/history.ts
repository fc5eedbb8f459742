import type { Entry } from '../../src/protocol/index.ts'

/** What one run left behind: everything that the checker judges by, and nothing that needs a server. */
export interface History {
  readonly sent: readonly Sent[]
  readonly acked: readonly Acked[]
  /** Sent, and refused for good. */
  readonly refused: readonly Refused[]
  /** Why the run was judged before everybody had everything, if it was: then nothing counts that may only be under way. */
  readonly unsettled: string | undefined
  /** Who has to hold which conversation at the end. */
  readonly followed: readonly Followed[]
  /** What every client holds at the end, one for each conversation it follows. */
  readonly logs: readonly ClientLog[]
  /** What clients held at other moments, such as before they were loaded anew: parts of the log, from wherever to as far as they had come. */
  readonly earlierLogs: readonly ClientLog[]
  /** Every entry that any client was told of, the first time. */
  readonly seen: readonly Seen[]
  /** The rows of the database at the end. */
  readonly stored: readonly StoredMessage[]
  readonly conversations: readonly StoredConversation[]
  /** Of every client that must not know of notes, all it ever received. */
  readonly visitorsSaw: readonly Sightings[]
}

/** A sender's name for what it sent is unique among what it sent to one conversation. */
export interface Named {
  readonly conversationId: string
  readonly senderId: string
  readonly clientId: string
}

/** In the order in which one client's person wrote. */
export interface Sent extends Named {
  readonly client: string
  /** What is new may never be refused; a change may, when what it is about was taken back meanwhile. */
  readonly deed: 'say' | 'change'
}

export interface Refused extends Named {
  readonly code: string
}

export interface Acked extends Named {
  readonly id: string
  /** Counted as the sender's audience counts. */
  readonly seq: number
  readonly audience: 'visitor' | 'member'
}

export interface Seen {
  readonly client: string
  readonly conversationId: string
  readonly id: string
}

export interface Followed {
  readonly client: string
  readonly audience: 'visitor' | 'member'
  readonly conversationId: string
}

export interface ClientLog extends Followed {
  readonly entries: readonly Entry[]
}

export interface StoredMessage {
  readonly id: string
  readonly conversationId: string
  readonly seq: number
  readonly publicSeq: number | null
  readonly type: string
  readonly role: string
  readonly text: string
  readonly parts: readonly unknown[]
  readonly senderKind: string
  readonly senderId: string
  readonly clientId: string
  readonly parentId: string | null
  readonly createdAt: string
  readonly deleted: boolean
}

/** What is stored of one conversation, in its order. */
export type Rows = readonly StoredMessage[]

export interface StoredConversation {
  readonly id: string
  readonly seq: number
  readonly publicSeq: number
}

export interface Sightings {
  readonly client: string
  /** Every text, id and time in what it received. */
  readonly words: ReadonlySet<string>
  /** By conversation, every position it was told of, and when first: in milliseconds, by the clock of the database's machine. */
  readonly positions: ReadonlyMap<string, ReadonlyMap<number, number>>
}
