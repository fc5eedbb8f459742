import { and, arrayContains, desc, eq, ilike, lt, or } from 'drizzle-orm'
import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'
import { contacts } from './schema.ts'

export type ContactRow = typeof contacts.$inferSelect
export type ContactValues = Partial<Omit<ContactRow, 'tenantId' | 'id' | 'createdAt' | 'updatedAt'>>

export interface ContactFilter {
  readonly limit: number
  readonly after: string | undefined
  readonly email?: string | undefined
  readonly externalId?: string | undefined
  readonly tag?: string | undefined
  readonly search?: string | undefined
}

const one = (scope: Scope, id: string) => and(eq(contacts.tenantId, scope.tenantId), eq(contacts.id, id))

/** A search text is matched as it is: its wildcards are letters. */
const containing = (text: string) => `%${text.replace(/[\\%_]/g, '\\$&')}%`

export const listContacts = (tx: Transaction, scope: Scope, filter: ContactFilter) =>
  tx.sql
    .select()
    .from(contacts)
    .where(
      and(
        eq(contacts.tenantId, scope.tenantId),
        filter.after === undefined ? undefined : lt(contacts.id, filter.after),
        filter.email === undefined ? undefined : eq(contacts.email, filter.email),
        filter.externalId === undefined ? undefined : eq(contacts.externalId, filter.externalId),
        filter.tag === undefined ? undefined : arrayContains(contacts.tags, [filter.tag]),
        filter.search === undefined
          ? undefined
          : or(
              ilike(contacts.name, containing(filter.search)),
              ilike(contacts.email, containing(filter.search)),
              ilike(contacts.phone, containing(filter.search)),
            ),
      ),
    )
    .orderBy(desc(contacts.id))
    .limit(filter.limit + 1)

export async function readContact(
  tx: Transaction,
  scope: Scope,
  id: string,
): Promise<ContactRow | undefined> {
  const [row] = await tx.sql.select().from(contacts).where(one(scope, id))
  return row
}

export async function lockContact(
  tx: Transaction,
  scope: Scope,
  id: string,
): Promise<ContactRow | undefined> {
  const [row] = await tx.sql.select().from(contacts).where(one(scope, id)).for('update')
  return row
}

export const insertContact = (tx: Transaction, scope: Scope, values: ContactValues) =>
  tx.sql
    .insert(contacts)
    .values({ ...values, tenantId: scope.tenantId })
    .returning()

export const insertVisitor = (tx: Transaction, scope: Scope, id: string) =>
  tx.sql
    .insert(contacts)
    .values({ tenantId: scope.tenantId, id })
    .onConflictDoNothing()
    .returning({ id: contacts.id })

export const changeContact = (tx: Transaction, scope: Scope, id: string, values: ContactValues) =>
  tx.sql
    .update(contacts)
    .set({ ...values, updatedAt: new Date() })
    .where(one(scope, id))
    .returning()

export const removeContact = (tx: Transaction, scope: Scope, id: string) =>
  tx.sql.delete(contacts).where(one(scope, id))
