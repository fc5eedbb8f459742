import type { Database } from '../db/index.ts'
import { type Log, ParleyError, type Scope, systemScope } from '../kernel/index.ts'
import { type Sender, viewOf } from './access.ts'
import { type MarkInput, type MovedMark, moveMarks } from './marksStore.ts'

/** How far everybody has received and read. */
export interface Marks {
  /** Resolves once it is stored. */
  set(
    scope: Scope,
    reader: Sender,
    mark: { conversationId: string; delivered: number; read: number },
  ): Promise<void>
}

interface MarksParts {
  readonly db: Database
  readonly log: Log
  /** Told what changed, after the commit. */
  readonly moved: (tenantId: string, marks: readonly MovedMark[]) => void
}

/** One reader's in one conversation, and those who wait for it. */
interface Waiting extends PromiseWithResolvers<void> {
  mark: MarkInput
}

/** So long marks are gathered: they come with every message from everyone who sees it, and only the last one counts. */
const gatherMs = 250

/** Marks are written in one statement per tenant and moment. */
export function createMarks({ db, log, moved }: MarksParts): Marks {
  /** Of each tenant, by reader and conversation. */
  const gathering = new Map<string, Map<string, Waiting>>()

  function gather(tenantId: string): Map<string, Waiting> {
    const current = gathering.get(tenantId)
    if (current) return current
    const fresh = new Map<string, Waiting>()
    gathering.set(tenantId, fresh)
    setTimeout(() => {
      gathering.delete(tenantId)
      void store(tenantId, [...fresh.values()])
    }, gatherMs)
    return fresh
  }

  /** Never rejects: every outcome goes to those who wait for it. */
  async function store(tenantId: string, waiting: readonly Waiting[]): Promise<void> {
    const marks = waiting.map(({ mark }) => mark)
    let now: MovedMark[]
    try {
      now = await db.scoped(systemScope(tenantId, 'marks'), tx => moveMarks(tx, tenantId, marks))
    } catch (error) {
      const outage = error instanceof ParleyError && error.code === 'unavailable'
      // One mark that cannot be stored must not refuse those that happened to come along.
      if (!outage && waiting.length > 1) {
        log.warn({ err: error, size: waiting.length }, 'marks were refused, they are tried one by one')
        for (const one of waiting) await store(tenantId, [one])
        return
      }
      for (const { reject } of waiting) reject(error)
      return
    }
    for (const { resolve } of waiting) resolve()
    moved(tenantId, now)
  }

  return {
    set(scope, reader, { conversationId, delivered, read }) {
      const waiting = gather(scope.tenantId)
      const name = `${conversationId} ${reader.kind} ${reader.id}`
      const known = waiting.get(name)
      const mark = {
        conversationId,
        readerKind: reader.kind,
        readerId: reader.id,
        view: viewOf(scope),
        delivered: Math.max(delivered, known?.mark.delivered ?? 0),
        read: Math.max(read, known?.mark.read ?? 0),
      }
      const one = Object.assign(known ?? Promise.withResolvers<void>(), { mark })
      waiting.set(name, one)
      return one.promise
    },
  }
}
