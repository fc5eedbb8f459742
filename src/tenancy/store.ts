import { and, desc, eq, inArray, lt, sql } from 'drizzle-orm'
import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'
import { invitations, members, tenants, users } from './schema.ts'

/** The SQL of this room, with peopleStore.ts (a person's own rows) and accessStore.ts (keys and roles). Reads and writes of a tenant name the tenant as well as relying on the policies (S1). */

export type TenantRow = typeof tenants.$inferSelect
export type MemberRow = typeof members.$inferSelect
export type InvitationRow = typeof invitations.$inferSelect

export interface Page {
  readonly limit: number
  readonly after: string | undefined
}

// tenants

export async function readTenant(tx: Transaction, scope: Scope): Promise<TenantRow | undefined> {
  const [row] = await tx.sql.select().from(tenants).where(eq(tenants.id, scope.tenantId))
  return row
}

/** One change of a workspace after the other. What only refers to it, as every new row does, waits for none. */
export async function lockTenant(tx: Transaction, scope: Scope): Promise<TenantRow | undefined> {
  const [row] = await tx.sql.select().from(tenants).where(eq(tenants.id, scope.tenantId)).for('no key update')
  return row
}

export const insertTenant = (tx: Transaction, values: typeof tenants.$inferInsert) =>
  tx.sql.insert(tenants).values(values).returning()

export const changeTenant = (tx: Transaction, scope: Scope, values: Partial<TenantRow>) =>
  tx.sql
    .update(tenants)
    .set({ ...values, updatedAt: new Date() })
    .where(eq(tenants.id, scope.tenantId))
    .returning()

/** Every tenant, for the master admin (parley_platform). */
export const listTenants = (tx: Transaction, page: Page) =>
  tx.sql
    .select()
    .from(tenants)
    .where(page.after === undefined ? undefined : lt(tenants.id, page.after))
    .orderBy(desc(tenants.id))
    .limit(page.limit + 1)

// members

const memberFields = {
  id: members.id,
  userId: members.userId,
  role: members.role,
  status: members.status,
  tier: members.tier,
  email: users.email,
  name: users.name,
  image: users.image,
  createdAt: members.createdAt,
  updatedAt: members.updatedAt,
}

export const listMembers = (tx: Transaction, scope: Scope, page: Page) =>
  tx.sql
    .select(memberFields)
    .from(members)
    .innerJoin(users, eq(users.id, members.userId))
    .where(
      and(
        eq(members.tenantId, scope.tenantId),
        page.after === undefined ? undefined : lt(members.id, page.after),
      ),
    )
    .orderBy(desc(members.id))
    .limit(page.limit + 1)

export async function readMember(tx: Transaction, scope: Scope, id: string) {
  const [row] = await tx.sql
    .select(memberFields)
    .from(members)
    .innerJoin(users, eq(users.id, members.userId))
    .where(and(eq(members.tenantId, scope.tenantId), eq(members.id, id)))
  return row
}

/** Whoever is about to be given something waits (`keepActive`). */
export const lockMember = (tx: Transaction, scope: Scope, id: string) =>
  tx.sql
    .select({ id: members.id })
    .from(members)
    .where(and(eq(members.tenantId, scope.tenantId), eq(members.id, id)))
    .for('update')

export const insertMember = (tx: Transaction, values: typeof members.$inferInsert) =>
  tx.sql.insert(members).values(values).returning()

export const changeMemberRow = (tx: Transaction, scope: Scope, id: string, values: Partial<MemberRow>) =>
  tx.sql
    .update(members)
    .set({ ...values, updatedAt: new Date() })
    .where(and(eq(members.tenantId, scope.tenantId), eq(members.id, id)))

export const deleteMember = (tx: Transaction, scope: Scope, id: string) =>
  tx.sql.delete(members).where(and(eq(members.tenantId, scope.tenantId), eq(members.id, id)))

export async function countMembers(tx: Transaction, scope: Scope, only?: { role: 'owner' }): Promise<number> {
  return tx.sql.$count(
    members,
    and(
      eq(members.tenantId, scope.tenantId),
      eq(members.status, 'active'),
      only ? eq(members.role, only.role) : undefined,
    ),
  )
}

/** What of members anybody may see whom they talk with. */
export const readFaces = (tx: Transaction, { tenantId }: Scope, ids: readonly string[]) =>
  tx.sql
    .select({ id: members.id, name: users.name, image: users.image })
    .from(members)
    .innerJoin(users, eq(users.id, members.userId))
    .where(and(eq(members.tenantId, tenantId), inArray(members.id, [...ids])))

/** Those who run the workspace, and its name. */
export async function readStewards(
  tx: Transaction,
  { tenantId }: Scope,
): Promise<{ readonly tenant: string; readonly name: string; readonly email: string }[]> {
  return tx.sql
    .select({ tenant: tenants.name, name: users.name, email: users.email })
    .from(members)
    .innerJoin(users, eq(users.id, members.userId))
    .innerJoin(tenants, eq(tenants.id, members.tenantId))
    .where(
      and(
        eq(members.tenantId, tenantId),
        eq(members.status, 'active'),
        inArray(members.role, ['owner', 'admin']),
      ),
    )
    .orderBy(members.id)
}

export async function memberByEmail(tx: Transaction, scope: Scope, email: string) {
  const [row] = await tx.sql
    .select({ id: members.id })
    .from(members)
    .innerJoin(users, eq(users.id, members.userId))
    .where(and(eq(members.tenantId, scope.tenantId), eq(users.email, email)))
  return row
}

// invitations

export const listInvitations = (tx: Transaction, scope: Scope, page: Page) =>
  tx.sql
    .select()
    .from(invitations)
    .where(
      and(
        eq(invitations.tenantId, scope.tenantId),
        page.after === undefined ? undefined : lt(invitations.id, page.after),
      ),
    )
    .orderBy(desc(invitations.id))
    .limit(page.limit + 1)

/** How many invitations the workspace has sent within the hour, to one address or to all. */
export const recentInvitations = (tx: Transaction, scope: Scope, email?: string): Promise<number> =>
  tx.sql.$count(
    invitations,
    and(
      eq(invitations.tenantId, scope.tenantId),
      email === undefined ? undefined : eq(invitations.email, email),
      sql`${invitations.createdAt} > now() - interval '1 hour'`,
    ),
  )

export const insertInvitation = (tx: Transaction, values: typeof invitations.$inferInsert) =>
  tx.sql.insert(invitations).values(values).returning()

/** Locks the row, so that an invitation is accepted or revoked once. */
export async function lockInvitation(
  tx: Transaction,
  scope: Scope,
  by: { id: string } | { tokenHash: string },
) {
  const [row] = await tx.sql
    .select()
    .from(invitations)
    .where(
      and(
        eq(invitations.tenantId, scope.tenantId),
        'id' in by ? eq(invitations.id, by.id) : eq(invitations.tokenHash, by.tokenHash),
      ),
    )
    .for('update')
  return row
}

export const changeInvitation = (tx: Transaction, scope: Scope, id: string, values: Partial<InvitationRow>) =>
  tx.sql
    .update(invitations)
    .set({ ...values, updatedAt: new Date() })
    .where(and(eq(invitations.tenantId, scope.tenantId), eq(invitations.id, id)))
    .returning()

export const revokePendingFor = (tx: Transaction, scope: Scope, email: string) =>
  tx.sql
    .update(invitations)
    .set({ status: 'revoked', updatedAt: new Date() })
    .where(
      and(
        eq(invitations.tenantId, scope.tenantId),
        eq(invitations.email, email),
        eq(invitations.status, 'pending'),
      ),
    )
    .returning()
