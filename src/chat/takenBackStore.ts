import { sql } from 'drizzle-orm'
import type { Transaction } from '../db/index.ts'
import type { TakenBackPlace } from '../kernel/index.ts'

/** Per conversation the first of these messages, with the last question up to there. */
export async function readTakenBack(
  tx: Transaction,
  tenantId: string,
  ids: readonly string[],
): Promise<TakenBackPlace[]> {
  const { rows } = await tx.sql.execute<TakenBackPlace & Record<string, unknown>>(sql`
    select distinct on (m.conversation_id) m.conversation_id as "conversationId", m.seq::float8 as seq,
      m.created_at::text as "saidAt", coalesce((
        select q.seq from messages q where q.tenant_id = m.tenant_id and q.conversation_id = m.conversation_id and q.seq <= m.seq
          and q.role = 'user' and q.type not in ('edit', 'delete')
        order by q.seq desc limit 1
      ), 0)::float8 as "askedSeq"
    from messages m where m.tenant_id = ${tenantId} and m.id = any(${`{${ids.join(',')}}`}::uuid[])
    order by m.conversation_id, m.seq`)
  return rows
}
