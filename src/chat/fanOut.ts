import type { Database } from '../db/index.ts'
import { type Gateway, rooms } from '../gateway/index.ts'
import { type Log, type Metrics, type Scope, systemScope } from '../kernel/index.ts'
import type { ConversationLine, Entry } from '../protocol/index.ts'
import { readLines } from './linesStore.ts'
import type { MovedMark } from './marksStore.ts'
import { readConversation } from './store.ts'
import { entryFor, stateFor } from './views.ts'

export interface FanOutParts {
  readonly db: Database
  readonly gateway: Gateway
  readonly log: Log
  readonly metrics: Metrics
}

export interface FanOut {
  marksMoved(tenantId: string, marks: readonly MovedMark[]): void
  /** Whatever happened elsewhere lately may not have come here. */
  inboxesStale(): void
  stop(): void
}

const inboxMs = 250
/** A tenant with more changed conversations than this in one moment is told to look at its inbox anew. */
const inboxBurst = 200

function appended(gateway: Gateway, scope: Scope, conversationId: string, entries: readonly Entry[]): void {
  const room = rooms.conversation(scope.tenantId, conversationId)
  const last = entries.at(-1)
  if (!last) return
  // A commit of many conversations: to each socket its part of it at once, with the acknowledgement.
  const joined = { joined: true }
  gateway.publish(
    'member',
    room,
    'entries',
    { conversationId, entries: [...entries], head: last.seq },
    joined,
  )
  const visible = entries.map(entry => entryFor('public', entry)).filter(entry => entry !== undefined)
  const lastVisible = visible.at(-1)
  if (!lastVisible) return
  const event = { conversationId, entries: visible, head: lastVisible.seq }
  gateway.publish('visitor', room, 'entries', event, joined)
  gateway.publish('participant', room, 'entries', event, joined)
}

/** Takes what was committed to everyone who may see it (L4): entries to members, public ones to visitors and guests as well. */
export function createFanOut({ db, gateway, log, metrics }: FanOutParts): FanOut {
  const stale = new Map<string, Set<string>>()

  function touchInbox(tenantId: string, conversationId: string): void {
    const known = stale.get(tenantId)
    if (known) known.add(conversationId)
    else stale.set(tenantId, new Set([conversationId]))
  }

  async function refreshInbox(tenantId: string, ids: readonly string[]): Promise<void> {
    const room = rooms.inbox(tenantId)
    if (ids.length > inboxBurst) return gateway.publish('member', room, 'inbox.stale', {})
    const scope = systemScope(tenantId, 'inbox')
    const lines = await db.scoped(scope, tx => readLines(tx, scope, { view: 'all', ids, limit: ids.length }))
    const conversations = lines.map(({ unread: _unread, ...line }: ConversationLine) => line)
    gateway.publish('member', room, 'inbox', { conversations })
  }

  async function conversationChanged(tenantId: string, conversationId: string): Promise<void> {
    const scope = systemScope(tenantId, 'fan-out')
    const row = await db.scoped(scope, tx => readConversation(tx, scope, conversationId))
    if (!row) return
    const room = rooms.conversation(tenantId, conversationId)
    gateway.publish('member', room, 'conversation', stateFor('all', row))
    for (const audience of ['visitor', 'participant'] as const)
      gateway.publish(audience, room, 'conversation', stateFor('public', row))
  }

  const logged = (work: Promise<void>, what: string) =>
    void work.catch(error => log.warn({ err: error, what }, 'an event could not be prepared'))

  db.after((scope, event) => {
    const { tenantId } = scope
    if (event.type === 'appended') {
      const end = metrics.fanoutDuration.startTimer()
      // After the acknowledgements, which are only a few microtasks away.
      setImmediate(() => {
        appended(gateway, scope, event.conversationId, event.entries)
        end()
      })
      touchInbox(tenantId, event.conversationId)
    }
    if (event.type === 'conversation.changed') {
      logged(conversationChanged(tenantId, event.conversationId), 'conversation')
      touchInbox(tenantId, event.conversationId)
    }
  })

  const inbox = setInterval(() => {
    for (const [tenantId, ids] of stale) logged(refreshInbox(tenantId, [...ids]), 'inbox')
    stale.clear()
  }, inboxMs)
  inbox.unref()

  return {
    marksMoved(tenantId, marks) {
      for (const mark of marks) {
        const { conversationId, readerKind, readerId, publicMoved } = mark
        const room = rooms.conversation(tenantId, conversationId)
        const reader = { kind: readerKind, id: readerId }
        gateway.publish('member', room, 'mark', {
          ...{ conversationId, reader },
          ...{ delivered: mark.deliveredSeq, read: mark.seq },
        })
        if (!publicMoved) continue
        const seen = { conversationId, reader, delivered: mark.deliveredPublicSeq, read: mark.publicSeq }
        for (const audience of ['visitor', 'participant'] as const)
          gateway.publish(audience, room, 'mark', seen)
      }
    },
    inboxesStale() {
      for (const room of gateway.roomsHere('member'))
        if (room.endsWith(':inbox')) gateway.publishHere('member', room, 'inbox.stale', {})
    },
    stop: () => clearInterval(inbox),
  }
}
