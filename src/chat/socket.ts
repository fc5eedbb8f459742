import type { Database } from '../db/index.ts'
import { type Command, command, type Gateway, rooms, type Session } from '../gateway/index.ts'
import { type Metrics, ParleyError } from '../kernel/index.ts'
import { senderOf, viewOf } from './access.ts'
import { readLines } from './linesStore.ts'
import type { Marks } from './marks.ts'
import { beginConversation, openConversation } from './openConversation.ts'
import type { Presence } from './presence.ts'
import { readHistory } from './readHistory.ts'
import { deleteMessage, editMessage, type LogParts, sendMessage } from './sendMessage.ts'

export interface ChatCommandParts extends LogParts {
  readonly db: Database
  readonly marks: Marks
  readonly presence: Presence
  readonly metrics: Metrics
  readonly gateway: Gateway
}

const read = 'conversations:read'
const write = 'conversations:write'

export function chatCommands(parts: ChatCommandParts): Command[] {
  return [
    ...conversationCommands(parts),
    ...messageCommands(parts),
    ...liveCommands(parts),
    ...inboxCommands(parts),
  ]
}

function conversationCommands({ db, presence, metrics }: ChatCommandParts): Command[] {
  return [
    command('conversation.open', read, async ({ scope, session, input }) => {
      const conversationId = input.conversationId ?? (await beginConversation(db, scope, input.clientId))
      const wanted = { ...input, conversationId }
      const room = rooms.conversation(scope.tenantId, conversationId)
      // May they? Joining first would let a stranger listen for a moment; reading first would miss what comes in between.
      if (!session.isIn(room))
        await db.scoped(scope, tx => readHistory(tx, scope, { conversationId, limit: 1 }))
      await session.join(room)
      const opened = await db.scoped(scope, tx => openConversation(tx, scope, wanted))
      return { ...opened, online: await presence.otherSide(scope, opened.conversation) }
    }),
    command('conversation.leave', read, async ({ scope, session, input }) => {
      session.leave(rooms.conversation(scope.tenantId, input.conversationId))
      return {}
    }),
    command('conversation.list', read, async ({ scope, input }) => {
      const reader = senderOf(scope)
      const wanted = { view: 'public', reader, contactId: reader.id, limit: input.limit ?? 50 } as const
      return { conversations: await db.scoped(scope, tx => readLines(tx, scope, wanted)) }
    }),
    command('history.read', read, async ({ scope, input, session }) => {
      if (input.after !== undefined) metrics.gapsHealed.inc({ audience: session.audience })
      const { conversation: _conversation, ...page } = await db.scoped(scope, tx =>
        readHistory(tx, scope, input),
      )
      return page
    }),
  ]
}

function messageCommands(parts: ChatCommandParts): Command[] {
  const placeFor = (
    session: Session,
    { id, seq, publicSeq, createdAt }: Awaited<ReturnType<typeof sendMessage>>,
  ) => ({
    id,
    seq: viewOf(session.scope) === 'all' ? seq : (publicSeq ?? 0),
    createdAt,
  })
  return [
    command('message.send', write, async ({ scope, input, session }) =>
      placeFor(session, await sendMessage(parts, scope, input)),
    ),
    command('message.edit', write, async ({ scope, input, session }) =>
      placeFor(session, await editMessage(parts, scope, input)),
    ),
    command('message.delete', write, async ({ scope, input, session }) =>
      placeFor(session, await deleteMessage(parts, scope, input)),
    ),
  ]
}

/** What concerns a conversation for the moment; whoever has not opened it has no say in it. */
function openRoom(session: Session, conversationId: string): string {
  const room = rooms.conversation(session.scope.tenantId, conversationId)
  if (!session.isIn(room)) throw new ParleyError('conflict', 'Open the conversation first.')
  return room
}

function liveCommands({ marks, presence, gateway }: ChatCommandParts): Command[] {
  return [
    command('mark.set', read, async ({ scope, session, input }) => {
      openRoom(session, input.conversationId)
      const { conversationId, delivered = 0, read: seen = 0 } = input
      await marks.set(scope, { conversationId, delivered, read: seen })
      return {}
    }),
    command('typing.set', write, async ({ scope, session, input }) => {
      const { conversationId, typing, note = false } = input
      const room = openRoom(session, conversationId)
      if (note && viewOf(scope) === 'public') throw new ParleyError('forbidden', 'Only members write notes.')
      const event = { conversationId, typing, sender: senderOf(scope) }
      const hearing = note ? (['member'] as const) : (['member', 'visitor', 'participant'] as const)
      for (const audience of hearing)
        gateway.publish(audience, room, 'typing', event, { ephemeral: true, except: session.id })
      return {}
    }),
    command('presence.set', read, async ({ session, input }) => {
      await presence.set(session, input.status)
      return {}
    }),
  ]
}

function inboxCommands({ db, presence }: ChatCommandParts): Command[] {
  return [
    command('inbox.subscribe', read, async ({ scope, session, input }) => {
      // Joined before it is read: what changes in between comes twice rather than never.
      await session.join(rooms.inbox(scope.tenantId))
      const wanted = { view: 'all', reader: senderOf(scope), limit: input.limit ?? 50 } as const
      const conversations = await db.scoped(scope, tx => readLines(tx, scope, wanted))
      return { conversations, present: await presence.members(scope.tenantId) }
    }),
    command('inbox.unsubscribe', read, async ({ scope, session }) => {
      session.leave(rooms.inbox(scope.tenantId))
      return {}
    }),
  ]
}
