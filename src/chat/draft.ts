import type { HandOver, Scope } from '../kernel/index.ts'
import type { ConversationState } from '../protocol/index.ts'
import type { LockedConversation, NewEntry, TargetEntry } from './logStore.ts'

/** Who answers from an entry on (L7). */
export interface Ownership extends Pick<ConversationState, 'owner' | 'assignedMemberId' | 'status'> {
  /** Where people are called: why. What they should know is read under the lock. */
  readonly handOver?: Omit<HandOver, 'brief'>
}

/** The same, and who decided it. */
export interface Decision extends Ownership {
  readonly by: Scope
}

/** An entry on its way into the log. */
export type Draft = Omit<NewEntry, 'id' | 'public'> & {
  /** Moves the conversation with this entry, and raises its epoch: nothing that was begun before is stored after it (L7). */
  readonly ownership?: Decision
  /** Whether visitors see it; an edit is seen by whoever sees what it edits. */
  readonly public: boolean | 'like its target'
  /** Throws what refuses this entry; sees its conversation and target under the lock, so that what it saw still holds at the commit. */
  readonly guard: (conversation: LockedConversation, target: TargetEntry | undefined) => void
}
