import type { Database, Pool } from '../../src/db/index.ts'
import { createLog, newId, type Scope, systemScope } from '../../src/kernel/index.ts'
import { tendIndexHandler } from '../../src/knowledge/index.ts'
import { dimensions } from '../../src/providers/embeddings.ts'
import { seededRandom } from '../simulation/random.ts'
import { createVectors, halfBytes } from './vectors.ts'

const tenantCount = 100
const seed = 20_261_122
const rowsAtOnce = 100
const words = 2_000

export interface BenchTenant {
  readonly scope: Scope
  readonly chunks: number
  readonly large: boolean
  /** A table with this tenant's vectors and nothing else. */
  readonly raw: string
  /** Of the tenant whose chunks belong to agents: the one with few of them. */
  readonly agentId?: string
}

export interface Corpus {
  /** Largest first. */
  readonly tenants: readonly BenchTenant[]
  readonly chunks: number
}

/** The largest has about a fifth of all, the hundredth a hundredth of that. */
function sizes(chunks: number): number[] {
  const harmonic = Array.from({ length: tenantCount }, (_, at) => 1 / (at + 1)).reduce(
    (sum, part) => sum + part,
  )
  return Array.from({ length: tenantCount }, (_, at) => Math.max(1, Math.round(chunks / harmonic / (at + 1))))
}

/** Tenants, one source and document each, and their chunks with vectors and words. */
export async function makeCorpus(
  owner: Pool,
  chunks: number,
  largeAbove: number,
  progress: (line: string) => void,
): Promise<Corpus> {
  const draw = createVectors(seed)
  const { next } = seededRandom(seed + 1)
  const tenants: BenchTenant[] = []
  for (const [at, size] of sizes(chunks).entries()) {
    const tenant = await makeTenant(owner, at, size, largeAbove)
    for (let done = 0; done < size; done += rowsAtOnce)
      await insertRows(owner, tenant, done, Math.min(rowsAtOnce, size - done), { draw, next })
    tenants.push(tenant)
    if (at % 10 === 0) progress(`tenant ${at + 1} of ${tenantCount}: ${size} chunks`)
  }
  await owner.query('vacuum analyze knowledge_chunks')
  return { tenants, chunks: tenants.reduce((sum, tenant) => sum + tenant.chunks, 0) }
}

async function makeTenant(owner: Pool, at: number, size: number, largeAbove: number): Promise<BenchTenant> {
  const tenantId = newId()
  await owner.query(`insert into tenants (id, name, slug) values ($1::uuid, 'T', $1::text)`, [tenantId])
  await owner.query(
    `insert into knowledge_sources (tenant_id, id, name, type, status) values ($1::uuid, $1::uuid, 'S', 'text', 'ready')`,
    [tenantId],
  )
  await owner.query(
    `insert into knowledge_documents (tenant_id, id, source_id, uri, title, mime_type, content_hash)
     values ($1::uuid, $1::uuid, $1::uuid, 'd', 'D', 'text/plain', '')`,
    [tenantId],
  )
  const tenant = {
    scope: systemScope(tenantId, 'benchmark'),
    ...{ chunks: size, large: size > largeAbove, raw: `raw_${at}` },
  }
  if (at !== 1) return tenant
  const agentId = newId()
  await owner.query(`insert into agents (tenant_id, id, name) values ($1, $2, 'few'), ($1, $3, 'most')`, [
    ...[tenantId, agentId, tenantId],
  ])
  return { ...tenant, agentId }
}

/** Vectors as bytes: as text they would take longer to read than to store. One in fifty of the second tenant's chunks is of the agent with few. */
async function insertRows(
  owner: Pool,
  { scope: { tenantId }, agentId }: BenchTenant,
  from: number,
  count: number,
  { draw, next }: { readonly draw: () => Float32Array; readonly next: () => number },
): Promise<void> {
  const values: unknown[] = [tenantId]
  const rows: string[] = []
  for (let at = 0; at < count; at++) {
    const first = values.length
    const search = Array.from({ length: 12 }, (_, place) => `'${wordOf(next())}':${place + 1}`).join(' ')
    const agent = agentId && ((from + at) % 50 === 0 ? agentId : tenantId)
    values.push(newId(), from + at, search, halfBytes(draw()), agent ?? null)
    rows.push(
      `($1::uuid, $${first + 1}::uuid, $1::uuid, $1::uuid, $${first + 2}::int, 'a chunk', 2, '',
        $${first + 3}::tsvector, $${first + 4}::halfvec, $${first + 5}::uuid)`,
    )
  }
  await owner.query(
    `insert into knowledge_chunks (tenant_id, id, source_id, document_id, position, text, token_count, content_hash,
       search, embedding, agent_id) values ${rows.join(', ')}`,
    values,
  )
}

/** Few are frequent, many are rare. */
export const wordOf = (share: number): string => `w${Math.floor(words * share ** 2)}`

/** What is compared with: the tenant alone, indexed where it is large, with the same settings. */
export async function makeRawTables(owner: Pool, tenants: readonly BenchTenant[]): Promise<void> {
  for (const { scope, raw, large } of tenants) {
    // Vectors beside their rows, as the product stores them: read from elsewhere one by one, raw tables would be slower than they need be.
    await owner.query(
      `create table ${raw} (id uuid, embedding halfvec(${dimensions}));
       alter table ${raw} alter embedding set storage plain;
       insert into ${raw} select id, embedding from knowledge_chunks where tenant_id = '${scope.tenantId}'`,
    )
    if (large)
      await owner.query(
        `create index on ${raw} using hnsw (embedding halfvec_cosine_ops) with (m = 16, ef_construction = 64)`,
      )
    await owner.query(`vacuum analyze ${raw}`)
  }
}

/** By the product's own job. */
export async function makeIndexes(
  parts: { readonly db: Database; readonly pool: Pool },
  tenants: readonly BenchTenant[],
  above: number,
): Promise<void> {
  const log = createLog({ level: 'warn' })
  const handler = tendIndexHandler({ ...parts, log, thresholds: { above, below: above / 2 } })
  for (const { scope } of tenants)
    await handler.run({ tenantId: scope.tenantId }, new AbortController().signal)
}
