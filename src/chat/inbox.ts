import type { Database } from '../db/index.ts'
import { type Gateway, rooms } from '../gateway/index.ts'
import { type Log, systemScope } from '../kernel/index.ts'
import type { ConversationLine } from '../protocol/index.ts'
import { readLines } from './linesStore.ts'

/** Keeps the lists of those who follow an inbox as the database has them. */
export interface Inbox {
  touch(tenantId: string, conversationId: string): void
  /** Whatever happened elsewhere lately may not have come here. */
  allStale(): void
  stop(): void
}

const gatherMs = 250
/** A tenant with more changed conversations than this in one moment is told to look at its inbox anew. */
const burst = 200

interface InboxParts {
  readonly db: Database
  readonly gateway: Gateway
  readonly log: Log
}

/** A busy conversation changes its line with every message; it is read and sent once per moment. */
export function createInbox({ db, gateway, log }: InboxParts): Inbox {
  const touched = new Map<string, Set<string>>()

  async function refresh(tenantId: string, ids: readonly string[]): Promise<void> {
    const room = rooms.inbox(tenantId)
    // Most workspaces have nobody at the desk most of the time.
    if (!gateway.mayReach('member', room)) return
    if (ids.length > burst) return gateway.publish('member', room, 'inbox.stale', {})
    const scope = systemScope(tenantId, 'inbox')
    const lines = await db.scoped(scope, tx => readLines(tx, scope, { view: 'all', ids, limit: ids.length }))
    const conversations = lines.map(({ unread: _unread, ...line }: ConversationLine) => line)
    gateway.publish('member', room, 'inbox', { conversations })
  }

  function refreshAll(): void {
    for (const [tenantId, ids] of touched) {
      refresh(tenantId, [...ids]).catch(error => {
        log.warn({ err: error }, 'an inbox could not be refreshed')
        gateway.publish('member', rooms.inbox(tenantId), 'inbox.stale', {})
      })
    }
    touched.clear()
  }
  const timer = setInterval(refreshAll, gatherMs)
  timer.unref()

  return {
    touch(tenantId, conversationId) {
      const known = touched.get(tenantId)
      if (known) known.add(conversationId)
      else touched.set(tenantId, new Set([conversationId]))
    },
    allStale() {
      for (const room of gateway.roomsHere('member'))
        if (room.endsWith(':inbox')) gateway.publishHere('member', room, 'inbox.stale', {})
    },
    stop: () => clearInterval(timer),
  }
}
