import { sql } from 'drizzle-orm'
import { type AnyPgColumn, check, timestamp, uuid } from 'drizzle-orm/pg-core'
import { newId } from '../kernel/index.ts'

/** The columns that every table shares, so that no table spells them differently. */

export const id = () => uuid('id').notNull().$defaultFn(newId)

export const tenantId = () => uuid('tenant_id').notNull()

export const createdAt = () => timestamp('created_at', { withTimezone: true }).notNull().defaultNow()

export const updatedAt = () =>
  timestamp('updated_at', { withTimezone: true })
    .notNull()
    .defaultNow()
    .$onUpdateFn(() => new Date())

export const moment = (name: string) => timestamp(name, { withTimezone: true })

/** A text column restricted to a list: easier to extend in a migration than a Postgres enum. */
export const oneOf = (name: string, column: AnyPgColumn, values: readonly string[]) =>
  check(name, sql`${column} in (${sql.raw(values.map(value => `'${value}'`).join(', '))})`)
