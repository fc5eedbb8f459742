import { and, desc, eq, lt } from 'drizzle-orm'
import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'
import { members } from '../tenancy/schema.ts'
import { agentPermissions } from './schema.ts'
import type { Visibility } from './store.ts'

const of = (scope: Scope, agentId: string, memberId: string) =>
  and(
    eq(agentPermissions.tenantId, scope.tenantId),
    eq(agentPermissions.agentId, agentId),
    eq(agentPermissions.memberId, memberId),
  )

/** The agents that are hidden from whoever asks. */
export async function hiddenAgents(tx: Transaction, { tenantId, actor }: Scope): Promise<string[]> {
  if (actor.kind !== 'member') return []
  const rows = await tx.sql
    .select({ agentId: agentPermissions.agentId })
    .from(agentPermissions)
    .where(
      and(
        eq(agentPermissions.tenantId, tenantId),
        eq(agentPermissions.memberId, actor.memberId),
        eq(agentPermissions.visibility, 'hidden'),
      ),
    )
  return rows.map(({ agentId }) => agentId)
}

/** The members who see an agent; undefined: all of them. */
export async function membersWhoSee(
  tx: Transaction,
  { tenantId }: Scope,
  agentId: string,
): Promise<string[] | undefined> {
  const hidden = await tx.sql
    .select({ memberId: agentPermissions.memberId })
    .from(agentPermissions)
    .where(
      and(
        eq(agentPermissions.tenantId, tenantId),
        eq(agentPermissions.agentId, agentId),
        eq(agentPermissions.visibility, 'hidden'),
      ),
    )
  if (hidden.length === 0) return undefined
  const from = new Set(hidden.map(({ memberId }) => memberId))
  const all = await tx.sql.select({ id: members.id }).from(members).where(eq(members.tenantId, tenantId))
  return all.map(({ id }) => id).filter(id => !from.has(id))
}

export async function memberExists(tx: Transaction, scope: Scope, memberId: string): Promise<boolean> {
  const rows = await tx.sql
    .select({ id: members.id })
    .from(members)
    .where(and(eq(members.tenantId, scope.tenantId), eq(members.id, memberId)))
  return rows.length > 0
}

export async function readVisibility(
  tx: Transaction,
  scope: Scope,
  agentId: string,
  memberId: string,
): Promise<Visibility | undefined> {
  const [row] = await tx.sql
    .select({ visibility: agentPermissions.visibility })
    .from(agentPermissions)
    .where(of(scope, agentId, memberId))
  return row?.visibility
}

export const writeVisibility = (
  tx: Transaction,
  scope: Scope,
  values: { readonly agentId: string; readonly memberId: string; readonly visibility: Visibility },
) =>
  tx.sql
    .insert(agentPermissions)
    .values({ ...values, tenantId: scope.tenantId })
    .onConflictDoUpdate({
      target: [agentPermissions.tenantId, agentPermissions.agentId, agentPermissions.memberId],
      set: { visibility: values.visibility },
    })

export const removeVisibility = (tx: Transaction, scope: Scope, agentId: string, memberId: string) =>
  tx.sql
    .delete(agentPermissions)
    .where(of(scope, agentId, memberId))
    .returning({ visibility: agentPermissions.visibility })

export const listVisibilities = (
  tx: Transaction,
  scope: Scope,
  agentId: string,
  page: { readonly limit: number; readonly after: string | undefined },
) =>
  tx.sql
    .select()
    .from(agentPermissions)
    .where(
      and(
        eq(agentPermissions.tenantId, scope.tenantId),
        eq(agentPermissions.agentId, agentId),
        page.after === undefined ? undefined : lt(agentPermissions.id, page.after),
      ),
    )
    .orderBy(desc(agentPermissions.id))
    .limit(page.limit + 1)
