import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'
import type { Entry } from '../protocol/index.ts'
import { requireEntry, viewOf } from './access.ts'
import { readConversation, readPage } from './store.ts'
import { entryFor, toEntry } from './views.ts'

export interface Page {
  readonly entries: Entry[]
  readonly head: number
  readonly more: boolean
}

export const defaultPage = 50

/** Part of a log, in order: what follows a position, or what comes before one, or the end of it. */
export async function readHistory(
  tx: Transaction,
  scope: Scope,
  wanted: {
    readonly conversationId: string
    readonly after?: number | undefined
    readonly before?: number | undefined
    readonly limit?: number | undefined
  },
): Promise<Page & { conversation: NonNullable<Awaited<ReturnType<typeof readConversation>>> }> {
  const view = viewOf(scope)
  const { limit = defaultPage } = wanted
  // Position first, then rows (L5): what is committed in between is only ever more than the position promises.
  const conversation = await readConversation(tx, scope, wanted.conversationId)
  requireEntry(scope, conversation)
  if (!conversation) throw new Error('unreachable: requireEntry refuses')
  const rows = await readPage(tx, scope, view, { ...wanted, limit: limit + 1 })
  const backwards = wanted.after === undefined
  const kept = backwards ? rows.slice(0, limit).reverse() : rows.slice(0, limit)
  return {
    conversation,
    entries: kept.map(row => entryFor(view, toEntry(row))).filter(entry => entry !== undefined),
    head: view === 'all' ? conversation.seq : conversation.publicSeq,
    more: rows.length > limit,
  }
}
