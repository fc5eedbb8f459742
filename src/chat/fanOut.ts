import type { Database } from '../db/index.ts'
import { type Gateway, rooms } from '../gateway/index.ts'
import { type Log, type Metrics, type Scope, systemScope } from '../kernel/index.ts'
import type { Entry } from '../protocol/index.ts'
import { createInbox } from './inbox.ts'
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
  const inbox = createInbox({ db, gateway, log })

  async function conversationChanged(tenantId: string, conversationId: string): Promise<void> {
    const scope = systemScope(tenantId, 'fan-out')
    const row = await db.scoped(scope, tx => readConversation(tx, scope, conversationId))
    if (!row) return
    const room = rooms.conversation(tenantId, conversationId)
    gateway.publish('member', room, 'conversation', stateFor('all', row))
    for (const audience of ['visitor', 'participant'] as const)
      gateway.publish(audience, room, 'conversation', stateFor('public', row))
  }

  db.after((scope, event) => {
    const { tenantId } = scope
    if (event.type === 'appended') {
      const end = metrics.fanoutDuration.startTimer()
      // After the acknowledgements, which are only a few microtasks away.
      setImmediate(() => {
        appended(gateway, scope, event.conversationId, event.entries)
        end()
      })
      inbox.touch(tenantId, event.conversationId)
    }
    if (event.type === 'conversation.changed') {
      conversationChanged(tenantId, event.conversationId).catch(error =>
        log.warn({ err: error }, 'a change could not be told'),
      )
      inbox.touch(tenantId, event.conversationId)
    }
  })

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
    inboxesStale: inbox.allStale,
    stop: inbox.stop,
  }
}
