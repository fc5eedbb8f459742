import { sql } from 'drizzle-orm'
import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'

/** A conversation in which AI has something to answer (L8). */
export interface Due {
  readonly agentId: string
  readonly contactId: string | null
  readonly epoch: number
  /** Up to where an answer has to go. */
  readonly askedSeq: number
  /** After what. */
  readonly answeredSeq: number
}

/**
 * What an agent has not answered yet, locked in the order of everybody. All that it would answer is locked with it: what is asked at this
 * moment is either found here, or comes upon a conversation without an agent.
 */
export async function conversationsWaitingFor(
  tx: Transaction,
  { tenantId }: Scope,
  agentId: string,
): Promise<{ id: string; archived: boolean }[]> {
  const { rows } = await tx.sql.execute<{ id: string; archived: boolean; due: boolean }>(sql`
    select id, status = 'archived' as archived, asked_seq > answered_seq as due from conversations
    where tenant_id = ${tenantId} and owner = 'ai' and agent_id = ${agentId}
    order by id for update`)
  return rows.filter(({ due }) => due)
}

/** Makes the last question due again, where AI has answered it and nothing was asked since. */
export async function askAgain(
  tx: Transaction,
  { tenantId }: Scope,
  conversationId: string,
): Promise<boolean> {
  const { rows } = await tx.sql.execute(sql`
    update conversations c set answered_seq = asked_seq - 1, updated_at = now()
    where tenant_id = ${tenantId} and id = ${conversationId} and owner = 'ai' and agent_id is not null
      and asked_seq > 0 and answered_seq >= asked_seq and status <> 'archived' and exists (
        select from messages m where m.tenant_id = c.tenant_id and m.conversation_id = c.id and m.sender_id = c.agent_id
          and m.client_id = 'answer:' || c.asked_seq and not m.metadata ? 'deleted')
    returning id`)
  return rows.length > 0
}

/** Nothing of what was asked is there any more. */
export const markAnswered = (
  tx: Transaction,
  { tenantId }: Scope,
  {
    conversationId,
    epoch,
    upTo,
  }: { readonly conversationId: string; readonly epoch: number; readonly upTo: number },
) =>
  tx.sql.execute(sql`
    update conversations set answered_seq = greatest(answered_seq, ${upTo}::int8), updated_at = now()
    where tenant_id = ${tenantId} and id = ${conversationId} and epoch = ${epoch}`)
