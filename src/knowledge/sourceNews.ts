import type { Database } from '../db/index.ts'
import { type Bus, type Gateway, isKnowledge, rooms } from '../gateway/index.ts'
import { type Log, type Scope, systemScope } from '../kernel/index.ts'
import { readSource } from './sourceStore.ts'
import { stateOf } from './sourceViews.ts'
import type { AgentVisibility } from './visibility.ts'

/** What is read again and again is told so often. */
const tellEveryMs = 250

export interface SourceNews {
  stop(): void
}

export type NewsGateway = Pick<Gateway, 'publish' | 'publishHere' | 'roomsHere'>

/**
 * Tells members who follow the knowledge what has become of a source. Read when it is told, for each source one look after the other: on one node
 * nothing older overtakes anything newer, and the last of many changes is always told. Between nodes the time of the change says which is newer.
 */
export function tellSourceNews(parts: {
  readonly db: Database
  readonly gateway: NewsGateway
  readonly bus: Pick<Bus, 'onRestored'> | undefined
  readonly visibility: AgentVisibility
  readonly log: Log
}): SourceNews {
  const { db, gateway, bus, log } = parts
  const { membersWhoSee } = parts.visibility
  /** Being told; true: it has changed meanwhile. */
  const telling = new Map<string, boolean>()
  let stopped = false

  async function tell(scope: Scope, sourceId: string): Promise<void> {
    const { tenantId } = scope
    const { source, seenBy } = await db.scoped(scope, async tx => {
      const source = await readSource(tx, scope, sourceId)
      const agentId = source?.agentId ?? null
      return { source, seenBy: agentId === null ? undefined : await membersWhoSee(tx, scope, agentId) }
    })
    const everybody = rooms.knowledge(tenantId)
    if (!source) return gateway.publish('member', everybody, 'source.gone', { id: sourceId })
    const told = seenBy?.map(memberId => rooms.knowledgeOf(tenantId, memberId)) ?? [everybody]
    for (const room of told) gateway.publish('member', room, 'source', stateOf(source))
  }

  async function tellWhileChanging(scope: Scope, sourceId: string): Promise<void> {
    do {
      telling.set(sourceId, false)
      await tell(scope, sourceId).catch(error =>
        log.warn({ err: error, sourceId }, 'the state of a source could not be told'),
      )
      await new Promise(resolve => setTimeout(resolve, tellEveryMs).unref())
    } while (telling.get(sourceId) && !stopped)
    telling.delete(sourceId)
  }

  db.after(({ tenantId }, event) => {
    if (event.type !== 'source.changed' || stopped) return
    const { sourceId } = event
    if (telling.has(sourceId)) telling.set(sourceId, true)
    else void tellWhileChanging(systemScope(tenantId, 'source-news'), sourceId)
  })
  /** It may have been a source that is gone, of which nothing is left to be told: who follows here reads anew. */
  function missed(): void {
    if (stopped) return
    for (const room of gateway.roomsHere('member'))
      if (isKnowledge(room)) gateway.publishHere('member', room, 'knowledge.stale', {})
  }
  // The bus hears of commits without an answer as well.
  if (bus) bus.onRestored(missed)
  else db.onUnanswered(missed)
  return {
    stop: () => {
      stopped = true
    },
  }
}
