/**
 * The names of all rooms, the tenant first: a name cannot be made for another tenant than that of the scope. They are longer than 20
 * characters, which Socket.IO's sharded adapter would take for the id of a socket.
 */
export const rooms = {
  conversation: (tenantId: string, conversationId: string) => `t:${tenantId}:c:${conversationId}`,
  /** Members who follow the inbox. */
  inbox: (tenantId: string) => `t:${tenantId}:inbox`,
  /** Members who follow the sources of knowledge. */
  knowledge: (tenantId: string) => `t:${tenantId}:knowledge`,
  /** One of them, who is told what not all may see. */
  knowledgeOf: (tenantId: string, memberId: string) => `t:${tenantId}:knowledge:${memberId}`,
} as const

/** The conversation of a room, or undefined when it is a room of another kind. */
export function conversationOf(room: string): { tenantId: string; conversationId: string } | undefined {
  const match = /^t:([0-9a-f-]{36}):c:([0-9a-f-]{36})$/.exec(room)
  return match ? { tenantId: match[1] ?? '', conversationId: match[2] ?? '' } : undefined
}

export const isKnowledge = (room: string): boolean => /^t:[0-9a-f-]{36}:knowledge$/.test(room)

/** The tenant whose inbox a room is, or undefined when it is a room of another kind. */
export const tenantOfInbox = (room: string): string | undefined => /^t:([0-9a-f-]{36}):inbox$/.exec(room)?.[1]
