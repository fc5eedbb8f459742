import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { drizzle } from 'drizzle-orm/node-postgres'
import { migrate as applyMigrations } from 'drizzle-orm/node-postgres/migrator'
import type { QueryConfig } from 'pg'
import { type Log, ParleyError } from '../kernel/index.ts'
import { driverFault, translateFault } from './faults.ts'
import type { Pool } from './pool.ts'

/** The database, or our login of it, cannot serve. Whoever runs the program can mend that. */
export class DatabaseUnfit extends Error {}

/** An error of several addresses tried has no message of its own. */
const reasonOf = (error: unknown): string =>
  driverFault(error)?.message || (error instanceof Error && error.message) || String(error)

export const migrationsFolder = join(import.meta.dirname, '..', '..', 'drizzle')

/** A right that the login lacks, or an extension that the server lacks (its code changed with version 16). */
const missing = new Set(['42501', '58P01', '0A000'])

/** Any number; the same on every node, so that one migrates while the others wait. */
const migrationLock = 7_031_529

/** Brings the database to the version of this program. Safe on many nodes at once; a node beside running ones takes no table lock. */
export async function migrate(pool: Pool): Promise<void> {
  const client = await pool.connect()
  try {
    await client.query('select pg_advisory_lock($1)', [migrationLock])
    try {
      await applyMigrations(drizzle(client), { migrationsFolder })
      await client.query(await readFile(join(migrationsFolder, 'protect.sql'), 'utf8'))
    } catch (error) {
      throw missing.has(driverFault(error)?.code ?? '')
        ? new DatabaseUnfit(`The database cannot be prepared: ${reasonOf(error)}.`, { cause: error })
        : error
    } finally {
      await client.query('select pg_advisory_unlock($1)', [migrationLock])
    }
  } finally {
    client.release()
  }
}

/**
 * Policies do not bind a superuser or a role with BYPASSRLS, whatever FORCE says. A program that would serve as one does not
 * serve at all.
 */
export async function assertServingRoles(
  pool: Pool,
  roles: readonly string[] = ['parley_app', 'parley_identity', 'parley_platform', 'parley_jobs'],
): Promise<void> {
  const { rows } = await pool.query<{ name: string; fault: string }>(
    `select wanted.name, case
       when r.oid is null then 'does not exist'
       when r.rolsuper then 'is a superuser'
       when r.rolbypassrls then 'has BYPASSRLS'
       when r.rolcreaterole then 'may make roles'
       when exists (select from pg_auth_members m where m.member = r.oid) then 'belongs to other roles'
       when exists (select from pg_class c where c.relowner = r.oid and c.relnamespace = 'public'::regnamespace)
         then 'owns tables'
       -- Since version 16 membership alone is not enough.
       when not pg_has_role(current_user, r.oid,
         case when current_setting('server_version_num')::int < 160000 then 'member' else 'set' end)
         then 'cannot be switched to by ' || current_user
     end as fault
     from unnest($1::text[]) as wanted(name) left join pg_roles r on r.rolname = wanted.name`,
    [roles],
  )
  const faults = rows.filter(row => row.fault !== null).map(row => `role ${row.name} ${row.fault}`)
  if (faults.length > 0) throw new DatabaseUnfit(`Tenants would not be isolated: ${faults.join('; ')}.`)
}

/** Has a limit of its own, which pg's types leave out: a network that swallows packets sends no error. */
const probe: QueryConfig & { query_timeout: number } = { text: 'select 1', query_timeout: 5_000 }

/** Waits for a database that is starting beside us, as it does in a compose file; gives up after the deadline. */
export async function untilReachable(pool: Pool, log: Log, deadlineMs: number): Promise<void> {
  const deadline = Date.now() + deadlineMs
  for (;;) {
    try {
      await pool.query(probe)
      return
    } catch (error) {
      const fault = translateFault(error)
      const worthWaiting =
        fault instanceof ParleyError && fault.code === 'unavailable' && Date.now() < deadline
      const reason = reasonOf(error)
      if (!worthWaiting) throw new DatabaseUnfit(`The database cannot be used: ${reason}.`, { cause: error })
      log.warn({ reason }, 'waiting for the database')
      await setTimeout(1_000)
    }
  }
}
