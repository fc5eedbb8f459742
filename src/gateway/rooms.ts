import type { Actor } from '../kernel/index.ts'

/**
 * The names of all rooms, the tenant first: a name cannot be made for another tenant than that of the scope. They are longer than 20
 * characters, which Socket.IO's sharded adapter would take for the id of a socket.
 */
export const rooms = {
  conversation: (tenantId: string, conversationId: string) => `t:${tenantId}:c:${conversationId}`,
  /** Members who follow the inbox. */
  inbox: (tenantId: string) => `t:${tenantId}:inbox`,
} as const

/** The conversation of a room, or undefined when it is a room of another kind. */
export function conversationOf(room: string): { tenantId: string; conversationId: string } | undefined {
  const match = /^t:([0-9a-f-]{36}):c:([0-9a-f-]{36})$/.exec(room)
  return match ? { tenantId: match[1] ?? '', conversationId: match[2] ?? '' } : undefined
}

export function actorName(actor: Actor): string {
  switch (actor.kind) {
    case 'member':
      return `member:${actor.memberId}`
    case 'api_key':
      return `key:${actor.keyId}`
    case 'visitor':
      return `contact:${actor.contactId}`
    case 'guest':
      return `guest:${actor.guestId}`
    case 'person':
    case 'platform':
      return `${actor.kind}:${actor.userId}`
    case 'system':
      return `system:${actor.name}`
  }
}
