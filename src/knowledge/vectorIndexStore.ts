import { and, count, eq, isNotNull } from 'drizzle-orm'
import type { Pool, Transaction } from '../db/index.ts'
import { isUuid, type Scope } from '../kernel/index.ts'
import { knowledgeChunks } from './schema.ts'

export const vectorIndexName = (tenantId: string): string =>
  `knowledge_chunks_near_${tenantId.replaceAll('-', '')}`

/** How many rows the tenant's index has, or would have. */
export async function countVectors(tx: Transaction, scope: Scope): Promise<number> {
  const [row] = await tx.sql
    .select({ total: count() })
    .from(knowledgeChunks)
    .where(
      and(
        eq(knowledgeChunks.tenantId, scope.tenantId),
        knowledgeChunks.searchable,
        isNotNull(knowledgeChunks.embedding),
      ),
    )
  return row?.total ?? 0
}

/** `broken`: begun, and never finished. */
export async function stateOfIndex(pool: Pool, tenantId: string): Promise<'none' | 'broken' | 'ready'> {
  const { rows } = await pool.query<{ ready: boolean }>(
    'select indisvalid and indisready as ready from pg_index where indexrelid = to_regclass($1)',
    [`public.${vectorIndexName(tenantId)}`],
  )
  const [row] = rows
  if (!row) return 'none'
  return row.ready ? 'ready' : 'broken'
}

/** Any number of our own. Two indexes made at once on one table would wait for each other's snapshots. */
const indexLock = 7_031_531
const hours = 3_600_000

/** About what a row takes while an index is made; beyond the memory that it may take it goes on, more slowly. */
const bytesPerRow = 5_000
const mostMemoryKiB = 1_048_576

/** Without a transaction and without stopping who writes. As the owner of the tables, whom policies do not hinder here. False: another node is at it. */
export const buildIndex = (pool: Pool, tenantId: string, rows: number): Promise<boolean> =>
  alone(pool, async run => {
    const name = vectorIndexName(tenantId)
    const memory = Math.min(mostMemoryKiB, Math.max(65_536, Math.ceil((rows * bytesPerRow) / 1_024)))
    await run(`set maintenance_work_mem = '${memory}kB'`)
    // Helpers would need that much shared memory, of which containers have little, and take processors from those who chat.
    await run('set max_parallel_maintenance_workers = 0')
    await run(`drop index concurrently if exists ${name}`)
    await run(`create index concurrently ${name} on knowledge_chunks using hnsw (embedding halfvec_cosine_ops)
      with (m = 16, ef_construction = 64) where tenant_id = '${valid(tenantId)}' and searchable`)
  })

export const dropIndex = (pool: Pool, tenantId: string): Promise<boolean> =>
  alone(pool, run => run(`drop index concurrently if exists ${vectorIndexName(valid(tenantId))}`))

async function alone(
  pool: Pool,
  work: (run: (text: string) => Promise<void>) => Promise<void>,
): Promise<boolean> {
  const client = await pool.connect()
  // A statement for a chat has seconds; this may take as long as it needs.
  const run = async (text: string) => {
    await client.query({ text, query_timeout: 12 * hours } as { text: string })
  }
  try {
    // Not waiting in the database: whoever waits there has a snapshot, which the other one would wait for.
    const { rows } = await client.query<{ mine: boolean }>('select pg_try_advisory_lock($1) as mine', [
      indexLock,
    ])
    if (!rows[0]?.mine) return false
    await run('set statement_timeout = 0')
    await work(run)
    return true
  } finally {
    // With its settings and its lock.
    client.release(true)
  }
}

function valid(tenantId: string): string {
  if (!isUuid(tenantId)) throw new Error('a tenant has no such id')
  return tenantId
}
