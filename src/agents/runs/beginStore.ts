import type { Due } from '../../chat/index.ts'
import type { Ask } from '../../db/index.ts'
import type { Scope } from '../../kernel/index.ts'
import type { AgentDefinition } from '../schema.ts'
import { leaseSeconds } from './runStore.ts'

/** What is to be answered and nobody answers. The conversation is locked by a statement before. */
const due = `
  select tenant_id, id, agent_id, contact_id, epoch, asked_seq, answered_seq from conversations
  where tenant_id = $1 and id = $2 and owner = 'ai' and agent_id is not null and asked_seq > answered_seq and status <> 'archived'`

/** Ends the attempt of a node that is gone. A statement of its own, because the next one has to see it gone. */
export const endLost = ({ tenantId }: Scope, conversationId: string): Ask<never> => ({
  statement: {
    name: 'parley_run_end_lost',
    text: `
      update agent_runs set state = 'lost', finished_at = now(), updated_at = now()
      where tenant_id = $1 and conversation_id = $2 and state = 'running' and lease_until <= now() and exists (${due})`,
  },
  values: [tenantId, conversationId],
})

/** What is due, and why a run has begun or has not. */
export interface BeginningRow extends Due {
  readonly began: boolean
  /** Another one is at work. */
  readonly alive: boolean
  /** How often it was tried and not answered, by nodes that were lost or models that failed. */
  readonly attempts: number
  /** What the agent answers with, if it does (see `readDefinition`). */
  readonly definition: AgentDefinition | null
  readonly version: number | null
  readonly regenerates: string | null
}

interface Beginner {
  readonly conversationId: string
  readonly runId: string
  readonly node: string
  readonly mostAttempts: number
}

/** Takes what is due, with a lease. No row: nothing is. `began` is false as well where another one began at the same moment. */
export const beginDue = (
  { tenantId }: Scope,
  { conversationId, runId, node, mostAttempts }: Beginner,
): Ask<BeginningRow> => ({
  statement: {
    name: 'parley_run_begin',
    text: `
      with due as (${due}
      ), tried as (
        select coalesce(bool_or(state = 'running' and lease_until > now()), false) as alive,
          (count(*) filter (where answers_seq = due.asked_seq and state in ('lost', 'failed')))::int as attempts
        from due join agent_runs r on r.tenant_id = $1 and r.conversation_id = $2
          and (r.state = 'running' or r.answers_seq = due.asked_seq)
      ), answering as (
        select v.definition, v.version from due
          join agents a on a.tenant_id = $1 and a.id = due.agent_id and a.published and a.status = 'active'
          join agent_versions v on v.tenant_id = $1 and v.agent_id = a.id and v.version = a.version
      ), earlier as (
        select m.id from due join messages m on m.tenant_id = $1 and m.conversation_id = $2 and m.sender_id = due.agent_id
          and m.client_id = 'answer:' || due.asked_seq and not m.metadata ? 'deleted'
      ), begun as (
        insert into agent_runs (tenant_id, id, conversation_id, agent_id, agent_version, epoch, answers_seq, attempt, node,
          lease_until, regenerates, provider, model)
        select $1, $3, $2, due.agent_id, answering.version, due.epoch, due.asked_seq, tried.attempts + 1, $4,
          now() + make_interval(secs => ${leaseSeconds}), (select id from earlier), answering.definition ->> 'provider',
          coalesce(answering.definition ->> 'model', 'default')
        from due, tried, answering where not tried.alive and tried.attempts < $5::int
        on conflict do nothing returning id
      )
      select due.agent_id as "agentId", due.contact_id as "contactId", due.epoch, due.asked_seq::float8 as "askedSeq",
        due.answered_seq::float8 as "answeredSeq", tried.alive, tried.attempts, answering.definition, answering.version,
        (select id from earlier) as regenerates, exists (select from begun) as began
      from due cross join tried left join answering on true`,
  },
  values: [tenantId, conversationId, runId, node, mostAttempts],
})
