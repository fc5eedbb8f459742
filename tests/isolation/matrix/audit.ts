import { expect } from 'vitest'
import { newId } from '../../../src/kernel/index.ts'
import type { TestParley } from '../../support/parley.ts'
import { fingerprintOfTenant } from '../../support/tenantRows.ts'

export interface AuditRow {
  readonly tenant_id: string
  readonly action: string
  readonly resource_id: string
  readonly actor_kind: string
  readonly old_values: Record<string, unknown> | null
  readonly new_values: Record<string, unknown> | null
}

export type Audited = readonly [action: string, values: 'new' | 'old' | 'both']

const unwritable = 'unwritable'

/** From now on no entry can be written for a request whose id begins with `unwritable`. */
export async function refuseSomeEntries({ owner }: TestParley): Promise<void> {
  await owner.query(`
    create function refuse_entry() returns trigger language plpgsql as $$
    begin raise exception 'a secret reason'; end $$;
    create trigger refuse_entry before insert on audit_logs for each row
      when (new.request_id like '${unwritable}-%') execute function refuse_entry()`)
}

export const unwritableId = () => `${unwritable}-${newId()}`

/** Everything that a change to a workspace could leave behind: its rows, and mails on their way. */
export async function traces({ owner }: TestParley, ...tenantIds: string[]): Promise<string> {
  const { rows } = await owner.query<{ mails: string; tenants: string; members: string }>(
    `select (select count(*) from pgboss.job where name in ('send-mail', 'send-transcript')) as mails,
       (select count(*) from tenants) as tenants, (select count(*) from members) as members`,
  )
  const prints = await Promise.all(tenantIds.map(id => fingerprintOfTenant(owner, id)))
  return [JSON.stringify(rows), ...prints].join('\n')
}

export async function entriesOf({ owner }: TestParley, requestId: string): Promise<AuditRow[]> {
  const { rows } = await owner.query<AuditRow>('select * from audit_logs where request_id = $1', [requestId])
  return rows
}

/** The one entry of a change: it says what was there and what is there now, and tells no secret. */
export function expectEntry(rows: readonly AuditRow[], [action, values]: Audited, what: string): AuditRow {
  const [row] = rows
  if (!row || rows.length > 1)
    throw new Error(`${what}: ${rows.length} audit entries: ${JSON.stringify(rows)}`)
  expect(row.action, what).toBe(action)
  const filled = (side: object | null) => side !== null && Object.keys(side).length > 0
  expect({ old: filled(row.old_values), new: filled(row.new_values) }, what).toEqual({
    old: values !== 'new',
    new: values !== 'old',
  })
  expect([row.old_values === null, row.new_values === null], what).toEqual([
    values === 'new',
    values === 'old',
  ])
  if (values === 'both')
    expect(Object.keys(row.new_values ?? {}), what).toEqual(Object.keys(row.old_values ?? {}))
  expect(JSON.stringify([row.old_values, row.new_values]), what).not.toMatch(/"(key|hash|token|tokenHash)"/)
  return row
}
