import { and, arrayContains, desc, eq, ilike, inArray, lt, or, sql } from 'drizzle-orm'
import type { AnyPgColumn } from 'drizzle-orm/pg-core'
import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'
import { contacts, formerContacts } from './schema.ts'

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

export const readContacts = (tx: Transaction, scope: Scope, ids: readonly string[]) =>
  tx.sql
    .select()
    .from(contacts)
    .where(and(eq(contacts.tenantId, scope.tenantId), inArray(contacts.id, [...ids])))

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

/** Beside whatever else is kept there, whoever changes that at the same moment. */
const metadataWith = (name: string, value: object) =>
  sql`${contacts.metadata} || jsonb_build_object(${name}::text, ${JSON.stringify(value)}::jsonb)`

export const writeAttributes = (tx: Transaction, scope: Scope, id: string, attributes: object) =>
  tx.sql
    .update(contacts)
    .set({ metadata: metadataWith('attributes', attributes), updatedAt: new Date() })
    .where(one(scope, id))

export const writePage = (tx: Transaction, scope: Scope, id: string, page: object) =>
  tx.sql
    .update(contacts)
    .set({ metadata: metadataWith('page', page), lastSeenAt: sql`now()` })
    .where(one(scope, id))
    .returning({ id: contacts.id })

export const removeContact = (tx: Transaction, scope: Scope, id: string) =>
  tx.sql.delete(contacts).where(one(scope, id))

/** Whether there is such a contact. It stays until this transaction ends, and is waited for while another one takes it away. */
export async function holdContact(tx: Transaction, scope: Scope, id: string): Promise<boolean> {
  const rows = await tx.sql.select({ id: contacts.id }).from(contacts).where(one(scope, id)).for('key share')
  return rows.length > 0
}

/** Waits for whoever makes the same one at this moment; then there is nothing to insert. */
export const insertIdentified = (
  tx: Transaction,
  scope: Scope,
  values: ContactValues & { readonly externalId: string },
) =>
  tx.sql
    .insert(contacts)
    .values({ ...values, tenantId: scope.tenantId })
    .onConflictDoNothing({ target: [contacts.tenantId, contacts.externalId] })
    .returning()

export async function lockExternal(
  tx: Transaction,
  scope: Scope,
  externalId: string,
): Promise<ContactRow | undefined> {
  const [row] = await tx.sql
    .select()
    .from(contacts)
    .where(and(eq(contacts.tenantId, scope.tenantId), eq(contacts.externalId, externalId)))
    .for('update')
  return row
}

/** Returns nothing where the contact is a former one already. */
export const insertFormer = (tx: Transaction, scope: Scope, id: string, successorId: string | null) =>
  tx.sql
    .insert(formerContacts)
    .values({ tenantId: scope.tenantId, id, successorId })
    .onConflictDoNothing()
    .returning({ id: formerContacts.id })

/** Of these contacts those that are no more, with who they turned out to be, and those that an identity has proved. */
export async function standingAmong(tx: Transaction, scope: Scope, ids: readonly string[]) {
  const among = (column: AnyPgColumn) => sql`${column} = any(${`{${ids.join(',')}}`}::uuid[])`
  const rows = await tx.sql
    .select({
      id: formerContacts.id,
      successorId: formerContacts.successorId,
      verified: sql<boolean>`false`,
      externalId: sql<string | null>`null::text`,
    })
    .from(formerContacts)
    .where(and(eq(formerContacts.tenantId, scope.tenantId), among(formerContacts.id)))
    .unionAll(
      tx.sql
        .select({
          id: contacts.id,
          successorId: sql<string | null>`null::uuid`,
          verified: contacts.verified,
          externalId: contacts.externalId,
        })
        .from(contacts)
        .where(and(eq(contacts.tenantId, scope.tenantId), among(contacts.id), contacts.verified)),
    )
  return new Map(rows.map(row => [row.id, row]))
}

export const removeOldFormer = (tx: Transaction, scope: Scope, days: number) =>
  tx.sql
    .delete(formerContacts)
    .where(
      and(
        eq(formerContacts.tenantId, scope.tenantId),
        lt(formerContacts.createdAt, sql`now() - make_interval(days => ${days})`),
      ),
    )
