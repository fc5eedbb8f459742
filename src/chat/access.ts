import { notFound, ParleyError, type Scope } from '../kernel/index.ts'
import type { Audience, Entry } from '../protocol/index.ts'

/** Of a log, `all` is what members see and `public` what visitors and guests do. */
export type View = 'all' | 'public'

export const viewOf = ({ actor }: Scope): View =>
  actor.kind === 'visitor' || actor.kind === 'guest' ? 'public' : 'all'

export const viewFor = (audience: Audience): View => (audience === 'member' ? 'all' : 'public')

/** Of a conversation what decides about its visitors. */
export interface Owned {
  readonly id: string
  readonly contactId: string | null
  readonly speakerId: string | null
}

/**
 * Whether a conversation is open to an actor, and with it what it holds. To someone else's the answer is the same as to none. Members and
 * keys were asked for their permission before.
 */
export function requireEntry(
  { actor }: Scope,
  conversation: Owned | undefined,
  what = 'conversation',
): asserts conversation {
  if (!conversation) throw notFound(what)
  if (actor.kind === 'visitor' && conversation.contactId !== actor.contactId) {
    // It was theirs, and still is, under the name that the browser has been given meanwhile.
    if (conversation.contactId !== null && conversation.speakerId === actor.contactId)
      throw new ParleyError('token_expired', 'This visitor has another name now.')
    throw notFound(what)
  }
  if (actor.kind === 'guest' && conversation.id !== actor.conversationId) throw notFound(what)
}

export type Sender = Entry['sender']

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

/** The same in one conversation: its visitor goes on under the name that it began with, whoever it has turned out to be. */
export const speakerIn = ({ contactId, speakerId }: Omit<Owned, 'id'>, sender: Sender): Sender =>
  speakerId !== null && sender.kind === 'contact' && sender.id === contactId
    ? { kind: 'contact', id: speakerId }
    : sender
