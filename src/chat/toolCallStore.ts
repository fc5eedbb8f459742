import { sql } from 'drizzle-orm'
import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'
import type { Entry } from '../protocol/index.ts'

/** What was asked of tools after a position, in the order in which it was kept, with the name of each entry. */
export async function readToolCalls(
  tx: Transaction,
  { tenantId }: Scope,
  { conversationId, after }: { readonly conversationId: string; readonly after: number },
): Promise<Pick<Entry, 'clientId' | 'parts'>[]> {
  const { rows } = await tx.sql.execute<Pick<Entry, 'clientId' | 'parts'>>(sql`
    select client_id as "clientId", parts from messages
    where tenant_id = ${tenantId} and conversation_id = ${conversationId} and seq > ${after} and type = 'tool'
    order by seq`)
  return rows
}
