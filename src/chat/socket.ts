import type { Database } from '../db/index.ts'
import { type Command, command, type Gateway, rooms, type Session } from '../gateway/index.ts'
import { type Metrics, ParleyError, type Scope } from '../kernel/index.ts'
import type { ConversationLine } from '../protocol/index.ts'
import { type Sender, senderOf, type View, viewOf } from './access.ts'
import { countCatchUps } from './countCatchUps.ts'
import { lineFor, readerName, readLines } from './linesStore.ts'
import type { Marks } from './marks.ts'
import { beginConversation, countBeginnings, openConversation } from './openConversation.ts'
import { Openings } from './openings.ts'
import type { Presence } from './presence.ts'
import { conversationFor, readHistory } from './readHistory.ts'
import { deleteMessage, editMessage, type LogParts, placeFor, sendMessage } from './sendMessage.ts'
import { createSpeakers, type Speakers } from './speakers.ts'
import { updateConversation } from './updateConversation.ts'

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
  const speakers = createSpeakers()
  return [
    ...conversationCommands(parts, speakers),
    ...messageCommands(parts),
    ...liveCommands(parts, speakers),
    ...inboxCommands(parts),
  ]
}

function conversationCommands(
  { db, presence, metrics, gateway }: ChatCommandParts,
  speakers: Speakers,
): Command[] {
  const countHealed = countCatchUps(metrics)
  const beginnings = countBeginnings()
  const openings = new Openings()
  return [
    command('conversation.open', read, async ({ scope, session, input }) => {
      const { greeting: rule, language, clientId } = input
      const greeting = rule === undefined ? undefined : { rule, language }
      const conversationId =
        input.conversationId ?? (await beginConversation(db, scope, { clientId, greeting }, beginnings))
      const wanted = { ...input, conversationId }
      const room = rooms.conversation(scope.tenantId, conversationId)
      const opening = openings.begin(session, room)
      try {
        // May they? Joining first would let a stranger listen for a moment; reading first would miss what comes in between.
        if (!session.isIn(room)) await db.scoped(scope, tx => conversationFor(tx, scope, conversationId))
        if (!opening.left) await session.join(room)
        const opened = await db.scoped(scope, tx => openConversation(tx, scope, wanted))
        gateway.raise(session.audience, room, opened.conversation.epoch)
        speakers.opened(session, conversationId, opened.self)
        countHealed(session, conversationId, input.after, opened)
        return { ...opened, online: await presence.otherSide(scope, opened.conversation) }
      } finally {
        opening.end()
      }
    }),
    command('conversation.leave', read, async ({ scope, session, input }) => {
      const room = rooms.conversation(scope.tenantId, input.conversationId)
      openings.leave(session, room)
      session.leave(room)
      return {}
    }),
    command('conversation.list', read, async ({ scope, input }) => {
      const reader = senderOf(scope)
      const only = { view: 'public', contactId: reader.id } as const
      return { conversations: await linesFor(db, scope, reader, { ...only, ...input }) }
    }),
    command('conversation.update', write, async ({ scope, input: { conversationId, ...patch } }) => {
      await db.scoped(scope, tx => updateConversation(scope, tx, conversationId, patch))
      return {}
    }),
    command('history.read', read, async ({ scope, input, session }) => {
      const { conversation: _conversation, ...page } = await db.scoped(scope, tx =>
        readHistory(tx, scope, input),
      )
      countHealed(session, input.conversationId, input.after, page)
      return page
    }),
  ]
}

async function linesFor(
  db: Database,
  scope: Scope,
  reader: Sender,
  { limit = 50, ...wanted }: { view: View; contactId?: string; limit?: number | undefined },
): Promise<ConversationLine[]> {
  const lines = await db.scoped(scope, tx => readLines(tx, scope, { ...wanted, limit, readers: [reader] }))
  return lines.map(line => lineFor(line, readerName(reader)))
}

function messageCommands(parts: ChatCommandParts): Command[] {
  return [
    command('message.send', write, async ({ scope, input }) =>
      placeFor(scope, await sendMessage(parts, scope, input)),
    ),
    command('message.edit', write, async ({ scope, input }) =>
      placeFor(scope, await editMessage(parts, scope, input)),
    ),
    command('message.delete', write, async ({ scope, input }) =>
      placeFor(scope, await deleteMessage(parts, scope, input)),
    ),
  ]
}

/** What concerns a conversation for the moment; whoever has not opened it has no say in it. */
function openRoom(session: Session, conversationId: string): string {
  const room = rooms.conversation(session.scope.tenantId, conversationId)
  if (!session.isIn(room)) throw new ParleyError('conflict', 'Open the conversation first.')
  return room
}

function liveCommands({ marks, presence, gateway }: ChatCommandParts, speakers: Speakers): Command[] {
  return [
    command('mark.set', read, async ({ scope, session, input }) => {
      openRoom(session, input.conversationId)
      const { conversationId, delivered = 0, read: seen = 0 } = input
      const reader = speakers.in(session, conversationId)
      await marks.set(scope, reader, { conversationId, delivered, read: seen })
      return {}
    }),
    command('typing.set', write, async ({ scope, session, input }) => {
      const { conversationId, typing, note = false } = input
      const room = openRoom(session, conversationId)
      if (note && viewOf(scope) === 'public') throw new ParleyError('forbidden', 'Only members write notes.')
      const event = { conversationId, typing, sender: speakers.in(session, conversationId) }
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
      const conversations = await linesFor(db, scope, senderOf(scope), { view: 'all', ...input })
      return { conversations, present: await presence.members(scope.tenantId) }
    }),
    command('inbox.unsubscribe', read, async ({ scope, session }) => {
      session.leave(rooms.inbox(scope.tenantId))
      return {}
    }),
  ]
}
