import { and, desc, eq, gte, lt, sql } from 'drizzle-orm'
import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'
import { costEvents, costSummaries } from './schema.ts'

export type EventRow = typeof costEvents.$inferSelect
export type EventValues = Omit<typeof costEvents.$inferInsert, 'tenantId' | 'createdAt'>

export interface EventFilter {
  readonly limit: number
  readonly after: string | undefined
  readonly service?: EventRow['service'] | undefined
  readonly model?: string | undefined
  readonly priced?: boolean | undefined
  readonly conversationId?: string | undefined
  readonly runId?: string | undefined
  readonly agentId?: string | undefined
  readonly sourceId?: string | undefined
  readonly from?: string | undefined
  readonly until?: string | undefined
}

/** What events are added up by. */
export const groupings = ['day', 'model', 'service'] as const
export type Grouping = (typeof groupings)[number]

export const insertEvent = (tx: Transaction, scope: Scope, values: EventValues) =>
  tx.sql.insert(costEvents).values({ ...values, tenantId: scope.tenantId })

export function listEvents(tx: Transaction, scope: Scope, filter: EventFilter) {
  const { limit, after, from, until, ...equal } = filter
  const asked = (Object.keys(equal) as (keyof typeof equal)[]).map(name => {
    const value = equal[name]
    return value === undefined ? undefined : eq(costEvents[name], value)
  })
  return tx.sql
    .select()
    .from(costEvents)
    .where(
      and(
        eq(costEvents.tenantId, scope.tenantId),
        after === undefined ? undefined : lt(costEvents.id, after),
        from === undefined ? undefined : gte(costEvents.createdAt, sql`${from}::timestamptz`),
        until === undefined ? undefined : lt(costEvents.createdAt, sql`${until}::timestamptz`),
        ...asked,
      ),
    )
    .orderBy(desc(costEvents.id))
    .limit(limit + 1)
}

/** What all events since a moment cost. */
export async function costSince(tx: Transaction, scope: Scope, since: Date, runId?: string): Promise<number> {
  const [row] = await tx.sql
    .select({ cost: sql<number>`coalesce(sum(${costEvents.costUsd}), 0)`.mapWith(Number) })
    .from(costEvents)
    .where(
      and(
        eq(costEvents.tenantId, scope.tenantId),
        gte(costEvents.createdAt, since),
        runId === undefined ? undefined : eq(costEvents.runId, runId),
      ),
    )
  return row?.cost ?? 0
}

/** Days are added up in order and only once complete, so this is where the summaries end and single events begin. */
const firstOpenDay = (scope: Scope) => sql`coalesce(
  (select max(day) + interval '24 hours' from ${costSummaries} where tenant_id = ${scope.tenantId}), '-infinity')`

/**
 * Adds up the days that are complete and not added up yet. An event has the time at which its transaction began, so a day has an hour
 * until nothing of it can still come.
 */
export const addUpCompleteDays = (tx: Transaction, scope: Scope) =>
  tx.sql.execute(sql`
    insert into ${costSummaries} (tenant_id, id, day, service, provider, model, events, input_tokens, output_tokens, cost_usd)
    select tenant_id, gen_random_uuid(), date_trunc('day', created_at, 'UTC'), service, provider, model,
      -- The columns end here; beyond it a day of one model is as good as endless.
      count(*), least(sum(input_tokens), 2147483647), least(sum(output_tokens), 2147483647), sum(cost_usd)
    from ${costEvents}
    where tenant_id = ${scope.tenantId} and created_at >= ${firstOpenDay(scope)}
      and created_at < date_trunc('day', now() - interval '1 hour', 'UTC')
    group by tenant_id, 3, service, provider, model
    on conflict (tenant_id, day, service, provider, model) do update set events = excluded.events,
      input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens,
      cost_usd = excluded.cost_usd, updated_at = now()`)

export interface SummaryLine {
  readonly day: string | null
  readonly service: string | null
  readonly provider: string | null
  readonly model: string | null
  readonly events: number
  readonly inputTokens: number
  readonly outputTokens: number
  readonly costUsd: number
}

const columnsOf = {
  day: sql`to_char(day at time zone 'UTC', 'YYYY-MM-DD') as day, null as service, null as provider, null as model`,
  service: sql`null as day, service, null as provider, null as model`,
  model: sql`null as day, null as service, provider, model`,
} satisfies Record<Grouping, unknown>

/** Days that are added up from their summaries, the others, today's included, from their events. */
export async function sumUp(
  tx: Transaction,
  scope: Scope,
  { from, to, by }: { readonly from: string; readonly to: string; readonly by: Grouping },
): Promise<SummaryLine[]> {
  const { rows } = await tx.sql.execute<SummaryLine & Record<string, unknown>>(sql`
    with wanted as (select ${from}::date::timestamp at time zone 'UTC' as first,
        (${to}::date + 1)::timestamp at time zone 'UTC' as beyond, ${firstOpenDay(scope)} as open),
      lines as (
        select day, service, provider, model, events::bigint, input_tokens::bigint, output_tokens::bigint, cost_usd
        from ${costSummaries}, wanted where tenant_id = ${scope.tenantId} and day >= first and day < beyond
        union all
        select date_trunc('day', created_at, 'UTC'), service, provider, model, 1, input_tokens, output_tokens, cost_usd
        from ${costEvents}, wanted
        where tenant_id = ${scope.tenantId} and created_at >= greatest(first, open) and created_at < beyond)
    select ${columnsOf[by]}, sum(events)::float8 as events, sum(input_tokens)::float8 as "inputTokens",
      sum(output_tokens)::float8 as "outputTokens", sum(cost_usd)::float8 as "costUsd"
    from lines group by 1, 2, 3, 4 order by 1 desc, "costUsd" desc, 2, 3, 4`)
  return rows
}
