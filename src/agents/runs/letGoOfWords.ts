import type { Transaction } from '../../db/index.ts'
import type { EventWithin, Scope } from '../../kernel/index.ts'
import { blankSearches } from '../../knowledge/index.ts'
import { tellForgotten } from '../memories.ts'
import { letGo } from '../takenBackStore.ts'

/**
 * What agents have made of words goes with them: summaries, memories, records of searches. The conversations are locked: what a run keeps at
 * this moment was committed before and is seen here, or waits, and then is not kept.
 */
export async function letGoOfWords(scope: Scope, tx: Transaction, event: EventWithin): Promise<void> {
  if (event.type !== 'words.taken_back') return
  const { runIds, memories } = await letGo(tx, scope, event.places)
  await tellForgotten(tx, memories)
  const conversationIds = event.places.map(({ conversationId }) => conversationId)
  if (runIds.length > 0) await blankSearches(tx, scope, { conversationIds, runIds })
}
