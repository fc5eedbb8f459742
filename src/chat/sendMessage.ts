import { notFound, ParleyError, type Scope } from '../kernel/index.ts'
import type { Part } from '../protocol/index.ts'
import { requireEntry, senderOf, speakerIn, viewOf } from './access.ts'
import type { ConversationLog } from './log.ts'
import type { LockedConversation, StoredEntry, TargetEntry } from './logStore.ts'

export interface LogParts {
  readonly log: ConversationLog
}

interface Sent {
  readonly conversationId: string
  readonly clientId: string
  readonly parts: readonly Part[]
  readonly parentId?: string | undefined
  readonly note?: boolean | undefined
  /** Throws what refuses it besides; sees the conversation under the lock. */
  readonly fence?: (conversation: LockedConversation) => void
}

/**
 * Says something in a conversation. Returns once it is committed; a repeat returns what the first one did (L2).
 *
 * Here as in what follows nothing is awaited before the log has the draft, so what a connection sends is appended in the order in
 * which it came. Whatever an entry is refused for is found under the lock.
 */
export async function sendMessage({ log }: LogParts, scope: Scope, message: Sent): Promise<StoredEntry> {
  const { conversationId, clientId, parts, parentId = null, note = false } = message
  if (note && viewOf(scope) === 'public') throw new ParleyError('forbidden', 'Only members write notes.')
  const sender = senderOf(scope)
  return log.append(scope.tenantId, {
    conversationId,
    clientId,
    sender,
    role: sender.kind === 'contact' || sender.kind === 'guest' ? 'user' : 'assistant',
    type: note ? 'note' : typeOf(parts),
    parts: [...parts],
    text: textOf(parts),
    parentId,
    public: !note,
    // What a person says to a visitor answers them, whoever was to do it.
    answers: !note && viewOf(scope) === 'all' ? 'all' : undefined,
    guard: (conversation, parent) => {
      requireEntry(scope, conversation)
      refuseClosed(conversation)
      message.fence?.(conversation)
      if (!parent || parent.public) return
      // To visitors a note is not there, and an answer that they see must not name one.
      if (viewOf(scope) === 'public') throw notFound('message')
      if (!note) throw new ParleyError('conflict', 'Only a note can answer a note.')
    },
  })
}

/** Where an entry stands, as its sender counts. */
export const placeFor = (scope: Scope, { id, seq, publicSeq, createdAt }: StoredEntry) => ({
  ...{ id, createdAt },
  seq: viewOf(scope) === 'all' ? seq : (publicSeq ?? 0),
})

/** Replaces what one of the sender's own messages says. The first version stays in the log, the edit follows it. */
export const editMessage = (
  parts: LogParts,
  scope: Scope,
  edit: {
    readonly conversationId: string
    readonly clientId: string
    readonly messageId: string
    readonly parts: readonly Part[]
  },
): Promise<StoredEntry> =>
  change(parts, scope, edit, { type: 'edit', parts: [...edit.parts], text: textOf(edit.parts) })

/** Takes one of the sender's own messages back. Its place in the log stays, its content goes. */
export const deleteMessage = (
  parts: LogParts,
  scope: Scope,
  deletion: { readonly conversationId: string; readonly clientId: string; readonly messageId: string },
): Promise<StoredEntry> => change(parts, scope, deletion, { type: 'delete', parts: [], text: '' })

function change(
  { log }: LogParts,
  scope: Scope,
  about: { readonly conversationId: string; readonly clientId: string; readonly messageId: string },
  entry: { readonly type: 'edit' | 'delete'; readonly parts: Part[]; readonly text: string },
): Promise<StoredEntry> {
  const sender = senderOf(scope)
  return log.append(scope.tenantId, {
    ...entry,
    conversationId: about.conversationId,
    clientId: about.clientId,
    sender,
    role: sender.kind === 'contact' || sender.kind === 'guest' ? 'user' : 'assistant',
    parentId: about.messageId,
    public: 'like its target',
    guard: (conversation, target) => {
      requireEntry(scope, conversation)
      refuseClosed(conversation)
      requireOwn(scope, speakerIn(conversation, sender).id, target)
    },
  })
}

const changeable = new Set(['text', 'image', 'file', 'note'])

function requireOwn(scope: Scope, senderId: string, target: TargetEntry | undefined): void {
  // A note is not there for who does not see it.
  if (!target || (!target.public && viewOf(scope) === 'public'))
    throw new ParleyError('not_found', 'No such message.')
  if (target.senderId !== senderId || !changeable.has(target.type))
    throw new ParleyError('forbidden', 'Only your own messages can be changed.')
  if (target.deleted) throw new ParleyError('conflict', 'The message was taken back.')
}

function refuseClosed(conversation: LockedConversation): void {
  if (conversation.status === 'archived') throw new ParleyError('conflict', 'The conversation is archived.')
}

const textOf = (parts: readonly Part[]): string =>
  parts.flatMap(part => (part.type === 'text' ? [part.text] : [])).join('\n')

function typeOf(parts: readonly Part[]): 'text' | 'image' | 'file' {
  if (parts.some(part => part.type === 'text')) return 'text'
  return parts.every(part => part.type === 'image') ? 'image' : 'file'
}
