import type { Transaction } from '../db/index.ts'
import type { NewEntry } from './logStore.ts'
import { readTakenBack } from './takenBackStore.ts'

/**
 * Whether it takes words back that were read for an answer or a brief: by whoever said them, because an agent's new answer changes nobody's
 * words; and no note, because none is read there.
 */
export const takesBack = ({ type, sender, public: seen }: NewEntry): boolean =>
  (type === 'edit' || type === 'delete') && sender.kind !== 'agent' && seen

/** Tells those who have made something of the words, in the transaction that has taken them back: the log has the new ones, or none. */
export async function tellTakenBack(
  tx: Transaction,
  tenantId: string,
  changes: readonly Pick<NewEntry, 'parentId'>[],
): Promise<void> {
  const targets = changes.flatMap(({ parentId }) => parentId ?? [])
  if (targets.length === 0) return
  await tx.emit({ type: 'words.taken_back', places: await readTakenBack(tx, tenantId, targets) })
}
