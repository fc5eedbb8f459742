import { draftsOf, insertStatement, lockStatement, type NewEntry } from '../../src/chat/logStore.ts'
import { newId } from '../../src/kernel/index.ts'
import type { TemporaryDatabase } from '../harness/database.ts'

/** A tenant and its conversations. */
export interface Tenant {
  readonly id: string
  readonly conversations: readonly string[]
}

const text =
  'Where is my parcel? It was to come on Tuesday, and the page says no more than that it is on its way.'

export async function countEntries({ owner }: TemporaryDatabase): Promise<number> {
  const { rows } = await owner.query<{ count: string }>('select count(*) from messages')
  return Number(rows[0]?.count)
}

export const sampleDraft = (conversationId: string): Omit<NewEntry, 'id' | 'public'> => ({
  conversationId,
  clientId: newId(),
  sender: { kind: 'contact', id: conversationId },
  role: 'user',
  type: 'text',
  parts: [{ type: 'text', text }],
  text,
  parentId: null,
})

export async function prepareTenants(
  { owner }: TemporaryDatabase,
  count: number,
  conversations: number,
): Promise<Tenant[]> {
  const tenants = Array.from({ length: count }, () => ({
    id: newId(),
    conversations: Array.from({ length: conversations }, () => newId()),
  }))
  for (const { id, conversations: ids } of tenants) {
    await owner.query('insert into tenants (id, name, slug) values ($1, $2, $2)', [id, `t-${id}`])
    await owner.query('insert into conversations (tenant_id, id) select $1, unnest($2::uuid[])', [id, ids])
  }
  return tenants
}

/** As it was before the first entry, so that no side writes to larger tables than another. */
export async function forgetEntries({ owner }: TemporaryDatabase): Promise<void> {
  await owner.query('truncate messages cascade')
  await owner.query('update conversations set seq = 0, public_seq = 0')
  await owner.query('vacuum full analyze conversations')
}

/** The batches that pgbench will send, made beforehand, of these sizes in turn: it cannot make the product's JSON by itself. */
export async function prepareBatches(
  { owner }: TemporaryDatabase,
  tenants: readonly Tenant[],
  sizes: readonly number[],
  each: number,
): Promise<void> {
  await owner.query(
    'create table if not exists batches (client int, n int, tenant text, ids text, drafts text, primary key (client, n))',
  )
  for (const [client, { id, conversations }] of tenants.entries()) {
    let at = 0
    for (let n = 1; n <= each; n++) {
      // Each conversation once before any has its turn again, as where each waits for its own entry.
      const size = sizes[(n * tenants.length + client) % sizes.length] ?? 1
      const group = Array.from({ length: size }, () => conversations[at++ % conversations.length] ?? '')
      const entries = group.map(conversation => ({
        ...sampleDraft(conversation),
        id: newId(),
        public: true,
      }))
      const row = [client, n, id, `{${group.join(',')}}`, draftsOf(entries)]
      await owner.query('insert into batches values ($1, $2, $3, $4, $5)', row)
    }
  }
  await owner.query('vacuum analyze batches')
}

const named = (statement: string, names: readonly string[]): string =>
  names.reduce((script, name, at) => script.replaceAll(`$${at + 1}`, `:${name}`), statement).trim()

/** The transaction of the log, statement by statement, and sent in as many messages: opening and lock, insert and commit. */
export const pgbenchScript = `
\\set i :i + 1
select tenant, ids, drafts from batches where client = :client_id and n = :i \\gset
\\startpipeline
begin;
select set_config('role', 'parley_app', true), set_config('app.tenant_id', :tenant, true), set_config('app.user_id', '', true), set_config('app.origin', '', true);
${named(lockStatement.text, ['tenant', 'ids'])};
\\endpipeline
\\startpipeline
${named(insertStatement.text, ['tenant', 'drafts'])};
commit;
\\endpipeline
`
