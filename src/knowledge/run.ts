import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'
import type { KnownDocument } from './documentStore.ts'
import type { Progress } from './schema.ts'
import { changeSource, lockSource, type SourceRow } from './sourceStore.ts'

/** One synchronisation of a source while it runs. */
export interface Run {
  readonly scope: Scope
  readonly source: SourceRow
  /** As they were when it began, by their addresses. */
  readonly known: ReadonlyMap<string, KnownDocument>
  /** What it has come upon so far. */
  readonly seen: Set<string>
  readonly signal: AbortSignal
  total: number | null
  toldAt: number
}

/** A newer synchronisation has begun, or the source is gone: this one has nothing more to say. */
export class Superseded extends Error {
  constructor() {
    super('the source is synchronised anew, or is gone')
    this.name = 'Superseded'
  }
}

/** The source, locked, if this revision of it is still the current one: what is stored under the lock is of no older one. */
export async function lockCurrent(
  tx: Transaction,
  scope: Scope,
  { id, revision }: Pick<SourceRow, 'id' | 'revision'>,
): Promise<SourceRow> {
  const row = await lockSource(tx, scope, id)
  if (row?.revision !== revision) throw new Superseded()
  return row
}

/** Writes down how far it has come, in the transaction that has locked the source. */
export async function tellProgress(tx: Transaction, run: Run, stage: Progress['stage']): Promise<void> {
  const { scope, source, seen, total } = run
  run.toldAt = Date.now()
  // What is being embedded is not done yet.
  const done = stage === 'embedding' ? seen.size - 1 : seen.size
  const progress = { stage, done, total: total === null ? null : Math.max(total, seen.size) }
  await changeSource(tx, scope, source.id, { progress })
  await tx.emit({ type: 'source.changed', sourceId: source.id })
}
