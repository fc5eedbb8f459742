import type { Database } from '../db/index.ts'
import { type Command, command, rooms } from '../gateway/index.ts'
import type { Scope } from '../kernel/index.ts'
import { openCitation } from './openCitation.ts'
import { listSources } from './sourceStore.ts'
import { stateOf } from './sourceViews.ts'
import type { AgentVisibility } from './visibility.ts'

interface CommandParts {
  readonly db: Database
  readonly visibility: AgentVisibility
}

const read = 'knowledge:read'

/** What is hidden from somebody is told to the others one by one. */
const roomsOf = ({ tenantId, actor }: Scope): string[] => [
  rooms.knowledge(tenantId),
  ...(actor.kind === 'member' ? [rooms.knowledgeOf(tenantId, actor.memberId)] : []),
]

/** For everybody who is in a conversation. */
export const citationCommands = ({ db, visibility }: CommandParts): Command[] => [
  command('citation.read', 'conversations:read', ({ scope, input }) =>
    db.scoped(scope, tx => openCitation(scope, tx, visibility, input)),
  ),
]

export const knowledgeCommands = ({ db, visibility }: CommandParts): Command[] => [
  command('knowledge.subscribe', read, async ({ scope, session, input: { limit = 50 } }) => {
    // Joined before it is read: what changes in between comes twice rather than never.
    for (const room of roomsOf(scope)) await session.join(room)
    const rows = await db.scoped(scope, async tx =>
      listSources(tx, scope, { limit, hidden: await visibility.hiddenAgents(tx, scope) }),
    )
    return { sources: rows.slice(0, limit).map(stateOf) }
  }),
  command('knowledge.unsubscribe', read, async ({ scope, session }) => {
    for (const room of roomsOf(scope)) session.leave(room)
    return {}
  }),
]
