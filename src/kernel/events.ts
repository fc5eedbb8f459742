import type { Entry } from '../protocol/index.ts'
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
}

/** New entries of one log, consecutive, as members see them. */
export interface Appended {
  readonly type: 'appended'
  readonly conversationId: string
  readonly entries: readonly Entry[]
}

/** Status, owner or another property of a conversation is not what it was. */
export interface ConversationChanged {
  readonly type: 'conversation.changed'
  readonly conversationId: string
}

export type DomainEvent = Changed | Appended | ConversationChanged

/**
 * How a room tells rooms above it that something happened.
 *
 * - `during`: runs inside the transaction of the change, in order of registration; its failure undoes the change.
 * - `after`: runs once the transaction has committed; its failure is logged and changes nothing.
 */
export interface DomainEvents<Transaction> {
  during(listener: (scope: Scope, tx: Transaction, event: DomainEvent) => Promise<void>): void
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
