import { requireContact } from '../contacts/index.ts'
import type { Transaction } from '../db/index.ts'
import { type EventWithin, found, type Scope } from '../kernel/index.ts'
import {
  closestMemories,
  dropOldest,
  type MemoryRow,
  type MemoryValues,
  moveMemories,
  readMemory,
  removeMemories,
  removeMemory,
  writeMemory,
} from './memoryStore.ts'
import type { Forgotten } from './takenBackStore.ts'

/** So many of one contact; a model that remembers everything remembers nothing. */
const kept = 200

/** Long-term memory of a contact: one value under each key, the last one said. What it says is left out of the audit trail. */
export async function remember(scope: Scope, tx: Transaction, values: MemoryValues): Promise<MemoryRow> {
  const { contactId, key } = values
  await requireContact(scope, tx, contactId)
  const before = await readMemory(tx, scope, contactId, key)
  const [row] = await writeMemory(tx, scope, values)
  const memory = found(row, 'memory')
  if (!before) await dropOldest(tx, scope, contactId, kept)
  const named = { contactId, name: key, category: memory.category, source: memory.source }
  const oldValues = before ? { ...named, category: before.category, source: before.source } : null
  const action = before ? 'memory.updated' : 'memory.created'
  await tx.emit({ ...of(memory.id), action, oldValues, newValues: named })
  return memory
}

/** What is known of a contact that has most to do with a text, such as the question just asked. */
export const recall = (
  scope: Scope,
  tx: Transaction,
  contactId: string,
  { about, limit = 20 }: { readonly about: string; readonly limit?: number },
): Promise<MemoryRow[]> => closestMemories(tx, scope, contactId, { about, limit })

export async function forget(scope: Scope, tx: Transaction, contactId: string, id: string): Promise<void> {
  const [gone] = await removeMemory(tx, scope, contactId, id)
  const { key: name, category } = found(gone, 'memory')
  const oldValues = { contactId, name, category }
  await tx.emit({ ...of(id), action: 'memory.deleted', oldValues, newValues: null })
}

export async function forgetAll(scope: Scope, tx: Transaction, contactId: string): Promise<void> {
  await requireContact(scope, tx, contactId)
  const gone = await removeMemories(tx, scope, contactId)
  if (gone.length === 0) return
  const event = { type: 'changed', action: 'contact.memories_deleted', resourceType: 'contact' } as const
  await tx.emit({ ...event, resourceId: contactId, oldValues: { memories: gone.length }, newValues: null })
}

/** What was learnt from words that are taken back went with them. */
export async function tellForgotten(tx: Transaction, gone: readonly Forgotten[]): Promise<void> {
  for (const { id, ...oldValues } of gone)
    await tx.emit({ ...of(id), action: 'memory.deleted', oldValues, newValues: null })
}

/** Who turned out to be somebody is remembered as that person. */
export async function inheritMemories(scope: Scope, tx: Transaction, event: EventWithin): Promise<void> {
  if (event.type === 'contact.merged') await moveMemories(tx, scope, event)
}

const of = (resourceId: string) => ({ type: 'changed', resourceType: 'memory', resourceId }) as const
