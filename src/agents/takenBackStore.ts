import { and, eq, sql } from 'drizzle-orm'
import type { Transaction } from '../db/index.ts'
import type { Scope, TakenBackPlace } from '../kernel/index.ts'
import { agentRuns } from './runSchema.ts'

/** A memory that is gone, as its trail names it. */
export interface Forgotten {
  readonly id: string
  readonly contactId: string
  readonly name: string
  readonly category: string | null
}

/**
 * What agents have made of words that are taken back, in one statement for all conversations: each of them is locked, and the log of the whole
 * tenant waits.
 *
 * - `marked`: with the runs that may have read something before it was taken back, nothing more of their words is kept; and the one that is at
 *   work on an answer ends, so that the next one begins without them. Held in one order, as by everybody who holds several. Returns those that
 *   were not marked before.
 * - `untold`: a summary that tells an entry goes as a whole: the next one is written from what the log has then.
 * - `forgotten`: what was learnt in a conversation since the words were said there: nobody can tell from which. Found among the few of its
 *   contact.
 */
export async function letGo(
  tx: Transaction,
  { tenantId }: Scope,
  places: readonly TakenBackPlace[],
): Promise<{ readonly runIds: readonly string[]; readonly memories: readonly Forgotten[] }> {
  const { rows } = await tx.sql.execute<{ runIds: string[]; memories: Forgotten[] }>(sql`
    with place as (
      select c.id, c.contact_id, c.answered_seq, p.seq, p."askedSeq", p."saidAt"
      from jsonb_to_recordset(${JSON.stringify(places)}::jsonb)
        as p("conversationId" uuid, seq int8, "askedSeq" int8, "saidAt" timestamptz)
      join conversations c on c.tenant_id = ${tenantId} and c.id = p."conversationId"
    ), held as (
      select r.id, r.answers_seq > p.answered_seq as open from place p
      join agent_runs r on r.tenant_id = ${tenantId} and r.conversation_id = p.id
      where r.answers_seq >= p."askedSeq" and not r.taken_back
      order by r.id for no key update of r
    ), marked as (
      update agent_runs r set taken_back = true, updated_at = now(),
        state = case when r.state = 'running' and held.open then 'superseded' else r.state end,
        finished_at = case when r.state = 'running' and held.open then now() else r.finished_at end
      from held where r.tenant_id = ${tenantId} and r.id = held.id returning r.id
    ), untold as (
      delete from conversation_memory s using place p
      where s.tenant_id = ${tenantId} and s.conversation_id = p.id and s.seq >= p.seq
    ), forgotten as (
      delete from memories m using place p
      where m.tenant_id = ${tenantId} and m.contact_id = p.contact_id and m.source = 'conversation' and m.source_id = p.id
        and m.updated_at >= p."saidAt"
      returning m.id, m.contact_id as "contactId", m.key as name, m.category
    )
    select (select coalesce(json_agg(id), '[]') from marked) as "runIds",
      (select coalesce(json_agg(forgotten), '[]') from forgotten) as memories`)
  const [gone] = rows
  if (!gone) throw new Error('a statement without its row')
  return gone
}

/**
 * Whether nothing that a run has read was taken back; until the end of the transaction, because whoever takes it back waits for the
 * conversation. That is held before anything else of it, by everybody: what is kept refers to it, and would wait for it while others wait for us.
 */
export async function mayKeepWords(
  tx: Transaction,
  { tenantId }: Scope,
  runId: string | undefined,
): Promise<boolean> {
  if (runId === undefined) return true
  await tx.sql.execute(sql`
    select from conversations where tenant_id = ${tenantId} and id = (
      select conversation_id from agent_runs where tenant_id = ${tenantId} and id = ${runId})
    for key share`)
  // A statement of its own: it sees what whoever had the conversation before has written.
  const [run] = await tx.sql
    .select({ takenBack: agentRuns.takenBack })
    .from(agentRuns)
    .where(and(eq(agentRuns.tenantId, tenantId), eq(agentRuns.id, runId)))
  return run?.takenBack !== true
}
