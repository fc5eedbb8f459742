import { type Spoken, spokenFrom, type TranscriptRow, transcriptText } from '../../chat/index.ts'
import { cardOf, pageCard } from '../../contacts/index.ts'
import type { Ask } from '../../db/index.ts'
import type { Scope } from '../../kernel/index.ts'

/** What the database knows of a conversation that is to be answered. */
export interface KnownContext {
  readonly summary: string | undefined
  /** What was said since then; of it the last. */
  readonly spoken: readonly Spoken[]
  readonly contact: Readonly<Record<string, string>>
  /** Whether anything is remembered of the contact. */
  readonly remembers: boolean
  /** Whether there is anything that its agent could search. */
  readonly knows: boolean
  /** How often AI has answered since it was given the conversation, and why the last answers ended, the latest first. */
  readonly answers: number
  readonly endings: readonly (string | null)[]
}

interface AboutRow {
  readonly summary: string | null
  readonly name: string | null
  readonly email: string | null
  readonly phone: string | null
  readonly externalId: string | null
  readonly page: unknown
  readonly remembers: boolean
  readonly knows: boolean
  readonly answers: number
  readonly endings: readonly (string | null)[]
}

/** So many lines are read. */
export const longest = 200
/** As many as the rules of an agent may look at (`unsureTurns`). */
const mostEndings = 20

const aboutStatement = {
  name: 'parley_run_about',
  text: `
    select y.summary, k.name, k.email, k.phone, k.external_id as "externalId", k.metadata -> 'page' as page,
      exists (select from memories m where m.tenant_id = $1 and m.contact_id = c.contact_id) as remembers,
      exists (select from knowledge_sources s where s.tenant_id = $1 and (s.agent_id is null or s.agent_id = c.agent_id)) as knows,
      (select count(*)::int from agent_runs r where r.tenant_id = $1 and r.conversation_id = $2 and r.epoch = c.epoch
        and r.state = 'done') as answers,
      array(select r.finish_reason from agent_runs r where r.tenant_id = $1 and r.conversation_id = $2 and r.epoch = c.epoch
        and r.state = 'done' order by r.created_at desc limit ${mostEndings}) as endings
    from conversations c
      left join conversation_memory y on y.tenant_id = $1 and y.conversation_id = c.id
      left join contacts k on k.tenant_id = $1 and k.id = c.contact_id
    where c.tenant_id = $1 and c.id = $2`,
}

const spokenStatement = {
  name: 'parley_run_spoken',
  text: transcriptText({
    after: 'coalesce((select seq from conversation_memory where tenant_id = $1 and conversation_id = $2), 0)',
  }),
}

export const asksContext = (
  { tenantId }: Scope,
  conversationId: string,
): readonly [Ask<AboutRow>, Ask<TranscriptRow>] => [
  { statement: aboutStatement, values: [tenantId, conversationId] },
  { statement: spokenStatement, values: [tenantId, conversationId, longest] },
]

export function knownFrom([[about], spoken]: readonly [
  readonly AboutRow[],
  readonly TranscriptRow[],
]): KnownContext {
  return {
    summary: about?.summary ?? undefined,
    spoken: spokenFrom(spoken),
    contact: about ? { ...cardOf(about), ...pageCard(about.page, new Date()) } : {},
    remembers: about?.remembers ?? false,
    knows: about?.knows ?? false,
    answers: about?.answers ?? 0,
    endings: about?.endings ?? [],
  }
}
