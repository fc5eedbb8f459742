import type { Database } from '../db/index.ts'
import { type Scope, systemScope } from '../kernel/index.ts'
import { senderOf, viewOf } from './access.ts'
import { type MarkInput, type MovedMark, moveMarks } from './marksStore.ts'

/** How far everybody has received and read. */
export interface Marks {
  /** Resolves once it is stored. */
  set(scope: Scope, mark: { conversationId: string; delivered: number; read: number }): Promise<void>
}

interface Gathering {
  readonly marks: Map<string, MarkInput>
  readonly stored: Promise<void>
}

/** So long marks are gathered: they come with every message from everyone who sees it, and only the last one counts. */
const gatherMs = 250

/** Marks are written in one statement per tenant and moment. `moved` is told what changed, after the commit. */
export function createMarks(
  db: Database,
  moved: (tenantId: string, marks: readonly MovedMark[]) => void,
): Marks {
  const gathering = new Map<string, Gathering>()

  function gather(tenantId: string): Gathering {
    const current = gathering.get(tenantId)
    if (current) return current
    const marks = new Map<string, MarkInput>()
    const stored = new Promise<void>(resolve => setTimeout(resolve, gatherMs)).then(async () => {
      gathering.delete(tenantId)
      const inputs = [...marks.values()]
      moved(tenantId, await db.scoped(systemScope(tenantId, 'marks'), tx => moveMarks(tx, tenantId, inputs)))
    })
    const fresh = { marks, stored }
    gathering.set(tenantId, fresh)
    return fresh
  }

  return {
    set(scope, { conversationId, delivered, read }) {
      const reader = senderOf(scope)
      const { marks, stored } = gather(scope.tenantId)
      const name = `${conversationId} ${reader.kind} ${reader.id}`
      const known = marks.get(name)
      marks.set(name, {
        conversationId,
        readerKind: reader.kind,
        readerId: reader.id,
        view: viewOf(scope),
        delivered: Math.max(delivered, known?.delivered ?? 0),
        read: Math.max(read, known?.read ?? 0),
      })
      return stored
    },
  }
}
