import { and, desc, eq, lt, notInArray, sql } from 'drizzle-orm'
import type { Transaction } from '../../db/index.ts'
import type { Scope } from '../../kernel/index.ts'
import { agentRuns, type runStates } from '../runSchema.ts'

export type RunRow = typeof agentRuns.$inferSelect
export type RunState = (typeof runStates)[number]

/** So long a node that has fallen silent is believed to be at work. */
export const leaseSeconds = 2

const lease = sql`now() + make_interval(secs => ${leaseSeconds})`

/** What a run is told when it renews its lease. */
export interface Renewed {
  readonly id: string
  readonly stopRequested: boolean
  readonly textWanted: boolean
  /** Somebody else answers the conversation now (L7). */
  readonly fenced: boolean
}

/** Of a node's runs, those that still are; the others were taken over by someone who believed the node to be gone. */
export async function renewLeases(
  tx: Transaction,
  { tenantId }: Scope,
  node: string,
  ids: readonly string[],
): Promise<Renewed[]> {
  const { rows } = await tx.sql.execute<Renewed & Record<string, unknown>>(sql`
    with asked as (
      select id, text_wanted from agent_runs where tenant_id = ${tenantId} and node = ${node} and state = 'running'
        and id = any(${`{${ids.join(',')}}`}::uuid[])
      -- In one order, as by everybody who holds several.
      order by id for no key update
    )
    update agent_runs r set lease_until = ${lease}, text_wanted = false, updated_at = now()
    from asked, conversations c where r.tenant_id = ${tenantId} and r.id = asked.id
      and c.tenant_id = r.tenant_id and c.id = r.conversation_id
    returning r.id, r.stop_requested as "stopRequested", asked.text_wanted as "textWanted",
      (c.owner <> 'ai' or c.epoch <> r.epoch) as fenced`)
  return rows
}

export interface Ending
  extends Partial<
    Pick<
      RunRow,
      | 'messageId'
      | 'finishReason'
      | 'error'
      | 'inputTokens'
      | 'outputTokens'
      | 'costUsd'
      | 'firstTokenMs'
      | 'provider'
      | 'model'
    >
  > {
  readonly state: RunState
}

/** How it came out is said once. What it has used it says itself, also where others have ended it meanwhile. */
export async function endRun(tx: Transaction, scope: Scope, id: string, ending: Ending): Promise<void> {
  const one = and(eq(agentRuns.tenantId, scope.tenantId), eq(agentRuns.id, id))
  const { rowCount } = await tx.sql
    .update(agentRuns)
    .set({ ...ending, finishedAt: sql`now()`, updatedAt: sql`now()` })
    .where(and(one, eq(agentRuns.state, 'running')))
  if (rowCount !== 0) return
  const { inputTokens, outputTokens, costUsd, firstTokenMs, provider, model } = ending
  await tx.sql
    .update(agentRuns)
    .set({ inputTokens, outputTokens, costUsd, firstTokenMs, provider, model, updatedAt: sql`now()` })
    .where(one)
}

const live = (scope: Scope, conversationId: string) =>
  and(
    eq(agentRuns.tenantId, scope.tenantId),
    eq(agentRuns.conversationId, conversationId),
    eq(agentRuns.state, 'running'),
  )

/** Asks the run of a conversation for something; it hears of it when it renews its lease. Undefined where none is at work. */
export async function readLiveRun(tx: Transaction, scope: Scope, conversationId: string) {
  const [row] = await tx.sql
    .select({ runId: agentRuns.id, agentId: agentRuns.agentId, epoch: agentRuns.epoch })
    .from(agentRuns)
    .where(and(live(scope, conversationId), sql`${agentRuns.leaseUntil} > now()`))
  return row
}

export async function askRun(
  tx: Transaction,
  scope: Scope,
  conversationId: string,
  wanted: { readonly stopRequested: true } | { readonly textWanted: true },
) {
  const [row] = await tx.sql
    .update(agentRuns)
    .set(wanted)
    .where(and(live(scope, conversationId), sql`${agentRuns.leaseUntil} > now()`))
    .returning({ runId: agentRuns.id, agentId: agentRuns.agentId, epoch: agentRuns.epoch })
  return row
}

/** Those of a conversation that began and left no answer: lost with their node, failed, or overtaken. */
export async function brokenRuns(
  tx: Transaction,
  { tenantId }: Scope,
  conversationId: string,
): Promise<ReadonlySet<string>> {
  const { rows } = await tx.sql.execute<{ id: string }>(sql`
    select id from agent_runs where tenant_id = ${tenantId} and conversation_id = ${conversationId}
      and state in ('lost', 'failed', 'superseded')`)
  return new Set(rows.map(({ id }) => id))
}

export interface RunFilter {
  readonly limit: number
  readonly after: string | undefined
  readonly conversationId?: string | undefined
  readonly agentId?: string | undefined
  /** Without the runs of these agents. */
  readonly hidden: readonly string[]
}

export const listRuns = (tx: Transaction, scope: Scope, filter: RunFilter) =>
  tx.sql
    .select()
    .from(agentRuns)
    .where(
      and(
        eq(agentRuns.tenantId, scope.tenantId),
        filter.after === undefined ? undefined : lt(agentRuns.id, filter.after),
        filter.conversationId === undefined ? undefined : eq(agentRuns.conversationId, filter.conversationId),
        filter.agentId === undefined ? undefined : eq(agentRuns.agentId, filter.agentId),
        filter.hidden.length === 0 ? undefined : notInArray(agentRuns.agentId, [...filter.hidden]),
      ),
    )
    .orderBy(desc(agentRuns.id))
    .limit(filter.limit + 1)

/** In no order, so that what cannot be answered for a while keeps nothing else waiting. Across tenants, as the platform: what is due and in nobody's hands (L8). The role sees no more than these ids. */
export async function listDue(tx: Transaction, limit: number) {
  const { rows } = await tx.sql.execute<{ tenantId: string; conversationId: string }>(sql`
    select c.tenant_id as "tenantId", c.id as "conversationId" from conversations c
    where c.owner = 'ai' and c.agent_id is not null and c.asked_seq > c.answered_seq and c.status <> 'archived' and not exists (
      select from agent_runs r where r.tenant_id = c.tenant_id and r.conversation_id = c.id and r.state = 'running'
        and r.lease_until > now())
    order by random() limit ${limit}`)
  return rows
}
