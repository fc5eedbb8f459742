import { createHash } from 'node:crypto'
import { and, eq, lt, sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Transaction } from '../db/index.ts'
import { actorName, ParleyError, type Scope, type Vault } from '../kernel/index.ts'
import { idempotencyKeys } from './schema.ts'

export const idempotencyKeyField = z
  .string()
  .regex(/^[\x21-\x7e]{1,200}$/, 'must be 1 to 200 printable characters')

export interface Answer {
  readonly status: number
  readonly body: unknown
  readonly replayed: boolean
}

export const fingerprintOf = (method: string, path: string, body: unknown): string =>
  createHash('sha256')
    .update(JSON.stringify([method, path, body]))
    .digest('hex')

/**
 * Runs a create at most once per key, inside the transaction of the create. Two requests with one key at the same moment wait for
 * each other on the row, so the second one finds the first one's answer. Answers are sealed: some carry a secret that
 * is otherwise shown once and stored nowhere.
 */
export async function once(
  scope: Scope,
  tx: Transaction,
  vault: Vault,
  request: { readonly key: string; readonly fingerprint: string; readonly status: number },
  work: () => Promise<unknown>,
): Promise<Answer> {
  const place = { tenantId: scope.tenantId, actor: actorName(scope.actor), key: request.key }
  const thisRow = and(
    eq(idempotencyKeys.tenantId, place.tenantId),
    eq(idempotencyKeys.actor, place.actor),
    eq(idempotencyKeys.key, place.key),
  )
  const inserted = await tx.sql
    .insert(idempotencyKeys)
    .values({ ...place, fingerprint: request.fingerprint })
    .onConflictDoNothing()
    .returning({ key: idempotencyKeys.key })
  if (inserted.length > 0) {
    const body = await work()
    await tx.sql
      .update(idempotencyKeys)
      .set({ status: request.status, response: vault.seal(JSON.stringify(body ?? null)) })
      .where(thisRow)
    return { status: request.status, body, replayed: false }
  }
  const [row] = await tx.sql.select().from(idempotencyKeys).where(thisRow)
  if (!row || row.status === null || row.response === null)
    throw new ParleyError('unavailable', 'The first request is still running.')
  if (row.fingerprint !== request.fingerprint) throw new ParleyError('idempotency_mismatch')
  return { status: row.status, body: JSON.parse(vault.open(row.response)), replayed: true }
}

/** Whether what this key is of has been done; one that is being done now does not count. */
export async function isDone(scope: Scope, tx: Transaction, key: string): Promise<boolean> {
  const [row] = await tx.sql
    .select({ status: idempotencyKeys.status })
    .from(idempotencyKeys)
    .where(
      and(
        eq(idempotencyKeys.tenantId, scope.tenantId),
        eq(idempotencyKeys.actor, actorName(scope.actor)),
        eq(idempotencyKeys.key, key),
      ),
    )
  return typeof row?.status === 'number'
}

/** Keys are kept for a day; long enough for any client that still retries. */
export async function forgetOldKeys(scope: Scope, tx: Transaction): Promise<void> {
  await tx.sql
    .delete(idempotencyKeys)
    .where(
      and(
        eq(idempotencyKeys.tenantId, scope.tenantId),
        lt(idempotencyKeys.createdAt, sql`now() - interval '1 day'`),
      ),
    )
}
