import { recordAudit } from '../../src/compliance/index.ts'
import type { Database } from '../../src/db/index.ts'
import { createLog, type DomainEvent, newId, type Scope } from '../../src/kernel/index.ts'
import type { BudgetSettings, Period } from '../../src/usage/budgetStore.ts'
import { createUsage, type Prices, type Usage } from '../../src/usage/index.ts'
import { setBudget } from '../../src/usage/setBudget.ts'
import type { DatabaseKind } from './databases.ts'
import { databaseOver, type OpenDatabase, openDatabase, scopeOf } from './isolation.ts'

/** A dollar for each million of tokens that go in: so costs are easy to say. */
export const prices: Prices = { plain: { input: 1, output: 1 } }
export const called = { service: 'model', provider: 'openai', model: 'plain' } as const
export const costing = (usd: number) => ({ ...called, inputTokens: usd * 1_000_000 })

export interface UsageWorld extends Pick<OpenDatabase, 'owner' | 'db' | 'drop'> {
  readonly usage: Usage
  readonly events: readonly DomainEvent[]
  /** The same on another node, with connections of its own. */
  anotherNode(connections: number): Usage & { close(): Promise<void> }
  newTenant(): Promise<Scope>
  set(scope: Scope, period: Period, settings: Partial<BudgetSettings> & { limitUsd: number }): Promise<void>
  /** What is spent and reserved, as it is stored. */
  standing(scope: Scope, period?: Period): Promise<{ spent: number; reserved: number }>
  /** Takes the budget and what was reserved in it this far into the past; forward with a minus. */
  age(scope: Scope, period: Period, interval: string): Promise<void>
  lapse(scope: Scope, runId: string): Promise<void>
}

export async function openUsage(kind: DatabaseKind): Promise<UsageWorld> {
  const database = await openDatabase(kind)
  const { owner, db } = database
  const log = createLog({ level: 'silent' })
  const events: DomainEvent[] = []
  const begin = (own: Database) => {
    own.during(recordAudit)
    own.after((_scope, event) => void events.push(event))
    return createUsage({ db: own, prices, log })
  }
  return {
    ...{ owner, db, events, drop: database.drop, usage: begin(db) },
    anotherNode: connections => {
      const { pool, db: own } = databaseOver(database.connection, connections)
      return { ...begin(own), close: () => pool.end() }
    },
    newTenant: async () => {
      const id = newId()
      await owner.query('insert into tenants (id, name, slug) values ($1, $2, $3)', [id, 'T', `t-${id}`])
      return scopeOf(id)
    },
    set: async (scope, period, settings) => {
      const whole = { economyFrom: 0.8, builtInAfter: true, alertAt: [0.5, 0.8, 1], ...settings }
      await db.scoped(scope, tx => setBudget(scope, tx, period, whole))
    },
    standing: async ({ tenantId }, period = 'day') => {
      const { rows } = await owner.query<{ spent: number; reserved: number }>(
        `select spent_usd::float8 as spent, reserved_usd::float8 as reserved from budgets
         where tenant_id = $1 and period = $2`,
        [tenantId, period],
      )
      const [row] = rows
      if (!row) throw new Error('there is no such budget')
      return row
    },
    age: async ({ tenantId }, period, interval) => {
      await owner.query(
        `with aged as (update budgets set period_start = period_start - $3::interval
           where tenant_id = $1 and period = $2 returning id)
         update budget_reservations set period_start = period_start - $3::interval
           where tenant_id = $1 and budget_id in (select id from aged)`,
        [tenantId, period, interval],
      )
    },
    lapse: async ({ tenantId }, runId) => {
      await owner.query(
        `update budget_reservations set lapses_at = now() - interval '1 second' where tenant_id = $1 and run_id = $2`,
        [tenantId, runId],
      )
    },
  }
}
