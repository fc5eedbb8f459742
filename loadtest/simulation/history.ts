import type { Entry } from '../../src/protocol/index.ts'

/** What one run left behind: everything that the checker judges by, and nothing that needs a server. */
export interface History {
  readonly sent: readonly Sent[]
  readonly acked: readonly Acked[]
  /** Sent, and refused for good. */
  readonly refused: readonly Named[]
  /** What every client holds at the end, one for each conversation it follows. */
  readonly logs: readonly ClientLog[]
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
}

export interface Acked extends Named {
  readonly id: string
  /** Counted as the sender's audience counts. */
  readonly seq: number
  readonly audience: 'visitor' | 'member'
}

export interface ClientLog {
  readonly client: string
  readonly audience: 'visitor' | 'member'
  readonly conversationId: string
  readonly entries: readonly Entry[]
}

export interface StoredMessage {
  readonly id: string
  readonly conversationId: string
  readonly seq: number
  readonly publicSeq: number | null
  readonly type: string
  readonly text: string
  readonly senderId: string
  readonly clientId: string
  readonly parentId: string | null
  readonly createdAt: string
  readonly deleted: boolean
}

export interface StoredConversation {
  readonly id: string
  readonly seq: number
  readonly publicSeq: number
}

export interface Sightings {
  readonly client: string
  /** Every text, id and time in what it received. */
  readonly words: ReadonlySet<string>
  /** The highest position it was told of, by conversation. */
  readonly highest: ReadonlyMap<string, number>
}
