import { notFound, type Scope } from '../kernel/index.ts'
import type { senderKinds } from '../protocol/index.ts'

/** Of a log, `all` is what members see and `public` what visitors and guests do. */
export type View = 'all' | 'public'

export const viewOf = ({ actor }: Scope): View =>
  actor.kind === 'visitor' || actor.kind === 'guest' ? 'public' : 'all'

/**
 * Whether a conversation is open to an actor. To someone else's the answer is the same as to none. Members and keys were asked
 * for their permission before.
 */
export function requireEntry(
  { actor }: Scope,
  conversation: { readonly id: string; readonly contactId: string | null } | undefined,
): void {
  if (!conversation) throw notFound('conversation')
  if (actor.kind === 'visitor' && conversation.contactId !== actor.contactId) throw notFound('conversation')
  if (actor.kind === 'guest' && conversation.id !== actor.conversationId) throw notFound('conversation')
}

export interface Sender {
  readonly kind: (typeof senderKinds)[number]
  readonly id: string
}

/** As whom an actor speaks. */
export function senderOf({ actor }: Scope): Sender {
  switch (actor.kind) {
    case 'member':
      return { kind: 'member', id: actor.memberId }
    case 'visitor':
      return { kind: 'contact', id: actor.contactId }
    case 'guest':
      return { kind: 'guest', id: actor.guestId }
    case 'api_key':
      return { kind: 'system', id: actor.keyId }
    default:
      throw new Error(`${actor.kind} does not speak in conversations`)
  }
}
