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

type StoredConversation = NonNullable<Awaited<ReturnType<typeof readConversation>>>

/** A conversation for one who may read it; refuses all others. */
export async function conversationFor(
  tx: Transaction,
  scope: Scope,
  conversationId: string,
): Promise<StoredConversation> {
  const conversation = await readConversation(tx, scope, conversationId)
  requireEntry(scope, conversation)
  return conversation
}

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
): Promise<Page & { conversation: StoredConversation }> {
  const view = viewOf(scope)
  const { limit = defaultPage } = wanted
  // Position first, then rows (L5): what is committed in between is only ever more than the position promises.
  const conversation = await conversationFor(tx, scope, wanted.conversationId)
  const rows = await readPage(tx, scope, view, { ...wanted, limit: limit + 1 })
  const backwards = wanted.after === undefined
  const kept = backwards ? rows.slice(0, limit).reverse() : rows.slice(0, limit)
  const entries = kept.map(row => entryFor(view, toEntry(row))).filter(entry => entry !== undefined)
  const head = view === 'all' ? conversation.seq : conversation.publicSeq
  // A page can end before its limit, by its size. There are no holes (L1), so the positions tell whether that is the end.
  const cutShort = backwards ? (entries[0]?.seq ?? 1) > 1 : (entries.at(-1)?.seq ?? head) < head
  return { conversation, entries, head, more: rows.length > limit || cutShort }
}
