import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'

export interface Queue {
  /** By conversation, from 1. What is not there does not wait. */
  readonly places: ReadonlyMap<string, number>
  /** The median of what others have waited lately; null where too few have. */
  readonly expectedSeconds: number | null
}

/** So many waits of the last days say how long the next one is; fewer than the least say nothing. */
const measured = { days: 7, most: 50, least: 5 }

/**
 * Waiting is what has an open call for people and stands in the queue: by urgency, be it that of the call or what a member gave the conversation,
 * then by who called first. A wait is from when it was put into the queue last until it was claimed; whoever stepped in uncalled has kept nobody waiting.
 */
const statement = {
  name: 'parley_queue',
  text: `
    with waits as (
      select extract(epoch from assigned_at - waits_since) as seconds from escalations
      where tenant_id = $1 and assigned_at > now() - make_interval(days => ${measured.days}) and waits_since is not null
      order by assigned_at desc limit ${measured.most}
    )
    select array(
      select e.conversation_id::text from escalations e join conversations c on c.tenant_id = $1 and c.id = e.conversation_id
      where e.tenant_id = $1 and e.status = 'pending' and c.owner = 'queue' and c.status <> 'archived'
      order by greatest(e.priority, c.priority) desc, e.created_at, e.id
    ) as waiting, (
      select greatest(0, round(percentile_cont(0.5) within group (order by seconds)))::int
      from waits having count(*) >= ${measured.least}
    ) as "expectedSeconds"`,
}

interface QueueRow {
  readonly waiting: readonly string[]
  readonly expectedSeconds: number | null
}

/** All of it: the place of one is how many come before. */
export async function readQueue(tx: Transaction, { tenantId }: Scope): Promise<Queue> {
  const [row] = await tx.prepared<QueueRow>(statement, [tenantId])
  const { waiting = [], expectedSeconds = null } = row ?? {}
  return { places: new Map(waiting.map((id, before) => [id, before + 1])), expectedSeconds }
}
