import type { ConversationState, Entry } from '../protocol/index.ts'
import type { Scope } from './scope.ts'

/** A change of stored data, with what was there and what is there now; secrets are left out by whoever reports it. */
export interface Changed {
  readonly type: 'changed'
  /** For example `contact.updated`. */
  readonly action: string
  readonly resourceType: string
  readonly resourceId: string
  readonly oldValues: Record<string, unknown> | null
  readonly newValues: Record<string, unknown> | null
  /** Whose change it is, where one transaction has the changes of several. */
  readonly by?: Scope
}

/** New entries of one log, consecutive, as members see them. */
export interface Appended {
  readonly type: 'appended'
  readonly conversationId: string
  readonly entries: readonly Entry[]
  /** Who is to answer what was asked; null where that is not AI. */
  readonly agentId: string | null
}

/** Status, owner or another property of a conversation is not what it was. */
export interface ConversationChanged {
  readonly type: 'conversation.changed'
  readonly conversationId: string
}

/** Why people are called, and what they should know before they read it all. */
export interface HandOver {
  readonly reason: (typeof handOverReasons)[number]
  readonly detail: string
  /** The higher, the more urgent. */
  readonly priority: number
  readonly runId: string | null
  readonly brief: Brief
}

export const handOverReasons = [
  'asked_for_person',
  'no_answer',
  'low_confidence',
  'model_failed',
  'budget_exhausted',
  'turn_limit',
  'rule',
  'no_agent',
  'member_took_over',
] as const

export interface Brief {
  readonly summary: string
  readonly asked: string
  readonly tried: readonly string[]
  readonly contact: Readonly<Record<string, string>>
}

/** From now on somebody else answers (L7). Told while what it is about is locked, before it is written. */
export interface ConversationMoved extends Pick<ConversationState, 'owner' | 'assignedMemberId' | 'status'> {
  readonly type: 'conversation.moved'
  readonly conversationId: string
  readonly contactId: string | null
  readonly by: Entry['sender']
  readonly epoch: number
  readonly before: Pick<ConversationState, 'owner' | 'assignedMemberId'>
  readonly handOver?: HandOver
}

/**
 * Something that was said, and that agents and briefs may have read, was edited or deleted by whoever said it; in this transaction, which the
 * log has already. Who keeps anything else that was made of it lets go of it here, so that no crash and nobody's delay can save it.
 */
export interface WordsTakenBack {
  readonly type: 'words.taken_back'
  /** One for each conversation: what is stored together is told together, because all of it is locked until everybody has let go. */
  readonly places: readonly TakenBackPlace[]
}

export interface TakenBackPlace {
  readonly conversationId: string
  /** The position of what was taken back; the first one, where there are several. */
  readonly seq: number
  /** The position of the last question up to there: an answer to this or a later one may have known the words, one to an earlier one cannot. */
  readonly askedSeq: number
  /** When it was said, by the clock of the database. */
  readonly saidAt: string
}

/** A contact goes, in this transaction, and what it has is its successor's. */
export interface ContactMerged {
  readonly type: 'contact.merged'
  readonly contactId: string
  readonly successorId: string
}

/** A contact goes, in this transaction, and nobody comes after it; told while it is still there. */
export interface ContactLeaves {
  readonly type: 'contact.leaves'
  readonly contactId: string
}

/** A member is removed or suspended, in this transaction; told while the row is there and locked. */
export interface MemberLeaves {
  readonly type: 'member.leaves'
  readonly memberId: string
}

/** An agent is deleted, in this transaction; told while it is still there. */
export interface AgentLeaves {
  readonly type: 'agent.leaves'
  readonly agentId: string
}

/** A budget has reached a share of its limit at which somebody is to be told; once in its period. */
export interface BudgetAlert {
  readonly type: 'budget.alert'
  readonly alertId: string
  readonly budgetId: string
  readonly period: 'day' | 'month'
  readonly threshold: number
  readonly severity: 'notice' | 'warning' | 'exhausted'
  readonly spentUsd: number
  readonly limitUsd: number
}

/** A visitor has said what they think of a conversation, or thinks something else of it now. */
export interface SurveyRated {
  readonly type: 'survey.rated'
  readonly surveyId: string
  readonly conversationId: string
  readonly contactId: string | null
  readonly rating: number
}

/** Status or progress of a source of knowledge is not what it was, or the source is gone. */
export interface SourceChanged {
  readonly type: 'source.changed'
  readonly sourceId: string
}

/** What is told inside the transaction as well. */
export type EventWithin =
  | Changed
  | ConversationChanged
  | ConversationMoved
  | WordsTakenBack
  | ContactMerged
  | ContactLeaves
  | MemberLeaves
  | AgentLeaves
  | BudgetAlert
  | SourceChanged
  | SurveyRated
export type DomainEvent = EventWithin | Appended

/**
 * How a room tells rooms above it that something happened.
 *
 * - `during`: runs inside the transaction of the change, in order of registration; its failure undoes the change. All but entries are
 *   told like this: what is said in a conversation leaves with its commit already on the way.
 * - `after`: runs once the transaction has committed; its failure is logged and changes nothing.
 */
export interface DomainEvents<Transaction> {
  during(listener: (scope: Scope, tx: Transaction, event: EventWithin) => Promise<void>): void
  after(listener: (scope: Scope, event: DomainEvent) => void): void
}

/** The fields that differ, as they were and as they are: what the audit trail keeps of an update. */
export function difference<Row extends object>(
  before: Row,
  after: Row,
): Pick<Changed, 'oldValues' | 'newValues'> & { readonly changed: boolean } {
  const oldValues: Record<string, unknown> = {}
  const newValues: Record<string, unknown> = {}
  for (const field of Object.keys(after) as (keyof Row & string)[]) {
    if (field === 'updatedAt' || JSON.stringify(before[field]) === JSON.stringify(after[field])) continue
    oldValues[field] = before[field]
    newValues[field] = after[field]
  }
  return { oldValues, newValues, changed: Object.keys(newValues).length > 0 }
}
