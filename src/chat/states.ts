import type { Database } from '../db/index.ts'
import { conversationOf, type Gateway, rooms } from '../gateway/index.ts'
import { type Log, systemScope } from '../kernel/index.ts'
import { audiences } from '../protocol/index.ts'
import { viewFor } from './access.ts'
import { type Gathering, gatherChanges } from './gathering.ts'
import { inChunks } from './openHere.ts'
import type { Presence } from './presence.ts'
import { readConversations } from './store.ts'
import { stateFor } from './views.ts'

interface StatesParts {
  readonly db: Database
  readonly gateway: Gateway
  readonly log: Log
  readonly presence: Pick<Presence, 'belongs'>
}

/** Tells those who have a conversation open that its title, status or another property has changed. */
export function createStates({ db, gateway, log, presence }: StatesParts): Gathering {
  async function tellStates(tenantId: string, changed: ReadonlySet<string>): Promise<void> {
    const isOpen = (id: string) =>
      audiences.some(audience => gateway.isHere(audience, rooms.conversation(tenantId, id)))
    const scope = systemScope(tenantId, 'states')
    for (const ids of inChunks([...changed].filter(isOpen))) {
      for (const row of await db.scoped(scope, tx => readConversations(tx, scope, ids))) {
        const room = rooms.conversation(tenantId, row.id)
        for (const audience of audiences)
          gateway.publishHere(audience, room, 'conversation', stateFor(viewFor(audience), row))
        presence.belongs(tenantId, row.id, row.contactId)
      }
    }
  }

  gateway.onHint((_audience, room) => {
    const found = conversationOf(room)
    if (found) gathering.heard(found.tenantId, [found.conversationId])
  })
  const gathering = gatherChanges({
    tellOthers: (tenantId, changed) => {
      for (const id of changed)
        for (const audience of audiences) gateway.hint(audience, rooms.conversation(tenantId, id), [])
    },
    look: tellStates,
    log,
  })
  return gathering
}
