import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'

/** What was said, as it stands now: edits in the place of what they edit, nothing that was taken back, no notes. */
export interface Spoken {
  readonly seq: number
  readonly speaker: 'visitor' | 'agent' | 'person' | 'event'
  readonly text: string
}

export type TranscriptRow = Spoken

interface Wanted {
  /** Expressions: which conversation, and after which position in it. */
  readonly conversation?: string
  readonly after: string
  /** The last ones, the latest first, unless it is said otherwise. */
  readonly first?: boolean
}

/** $3 entries of a conversation. */
export const transcriptText = ({ conversation = '$2', after, first = false }: Wanted): string => `
  select m.seq::float8 as seq, case when coalesce(e.text, m.text) = '' then '(a file)' else coalesce(e.text, m.text) end as text,
    case when m.type = 'system_event' then 'event' when m.sender_kind in ('contact', 'guest') then 'visitor'
      when m.sender_kind = 'agent' then 'agent' else 'person' end as speaker
  from messages m left join lateral (
    select text from messages where tenant_id = $1 and parent_id = m.id and type = 'edit'
    order by seq desc limit 1
  ) e on true
  where m.tenant_id = $1 and m.conversation_id = ${conversation} and m.seq > ${after} and m.public_seq is not null
    and m.type in ('text', 'image', 'file', 'speech', 'system_event') and not m.metadata ? 'deleted'
  order by m.seq ${first ? 'asc' : 'desc'} limit $3`

/** The oldest first. */
export const spokenFrom = (rows: readonly TranscriptRow[]): Spoken[] => rows.toReversed()

const statement = { name: 'parley_transcript', text: transcriptText({ after: '$4::int8' }) }

const fromStart = { name: 'parley_transcript_from', text: transcriptText({ after: '$4::int8', first: true }) }

interface Stretch {
  readonly conversationId: string
  /** Only what was said after this. */
  readonly after?: number
  readonly limit: number
}

/** The beginning of it, the oldest first. */
export const readTranscriptFrom = (
  tx: Transaction,
  { tenantId }: Scope,
  { conversationId, after = 0, limit }: Stretch,
): Promise<Spoken[]> => tx.prepared<TranscriptRow>(fromStart, [tenantId, conversationId, limit, after])

/** The last of it, the oldest first. */
export async function readTranscript(
  tx: Transaction,
  { tenantId }: Scope,
  { conversationId, after = 0, limit }: Stretch,
): Promise<Spoken[]> {
  const values = [tenantId, conversationId, limit, after]
  return spokenFrom(await tx.prepared<TranscriptRow>(statement, values))
}

const ofSeveral = {
  name: 'parley_transcripts',
  text: `select c.id as "conversationId", t.* from unnest($2::uuid[]) as c(id), lateral (${transcriptText({ conversation: 'c.id', after: '0' })}) t`,
}

/** The last of several conversations, each the oldest first. */
export async function readTranscripts(
  tx: Transaction,
  { tenantId }: Scope,
  { conversationIds, limit }: { readonly conversationIds: readonly string[]; readonly limit: number },
): Promise<ReadonlyMap<string, Spoken[]>> {
  const values = [tenantId, [...conversationIds], limit]
  const rows = await tx.prepared<TranscriptRow & { conversationId: string }>(ofSeveral, values)
  const latestFirst = Map.groupBy(rows, ({ conversationId }) => conversationId)
  return new Map([...latestFirst].map(([id, of]) => [id, of.sort((one, other) => one.seq - other.seq)]))
}
