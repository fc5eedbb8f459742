import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  createDatabase,
  createJobs,
  createPool,
  type Database,
  type Jobs,
  type Pool,
} from '../../src/db/index.ts'
import { createMetrics, newId, type Scope } from '../../src/kernel/index.ts'
import { queueIndexTending, type Retriever, tendIndexHandler } from '../../src/knowledge/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { eventually } from '../support/eventually.ts'
import { clusters, type KnowledgeWorld, openKnowledge, silent } from '../support/knowledgeWorld.ts'
import { numberedEmbedder } from '../support/vectors.ts'

// Making an index takes its time where others work as well.
describe.each(databaseKinds)('K3 the vector index of a large workspace on %s', { timeout: 240_000 }, kind => {
  let world: KnowledgeWorld
  let pool: Pool
  let jobs: Jobs
  let db: Database
  let retriever: Retriever
  beforeAll(async () => {
    world = await openKnowledge(kind)
    retriever = world.retriever({ embedder: numberedEmbedder(clusters) })
    const metrics = createMetrics()
    pool = createPool({ connection: world.connection, max: 3, statementTimeoutMs: 10_000 }, silent)
    jobs = createJobs({ pool, log: silent, metrics })
    db = createDatabase({ pool, log: silent, metrics, jobs })
    const thresholds = { above: 300, below: 200 }
    await jobs.start([tendIndexHandler({ db, pool, log: silent, thresholds })])
  })
  afterAll(async () => {
    await jobs.stop()
    await pool.end()
    await world.drop()
  })

  const nameOf = ({ tenantId }: Scope) => `knowledge_chunks_near_${tenantId.replaceAll('-', '')}`
  const tend = (scope: Scope) => db.scoped(scope, tx => queueIndexTending(tx, scope.tenantId))
  const hasIndex = async (scope: Scope) => {
    const { rows } = await world.owner.query<{ valid: boolean }>(
      'select indisvalid as valid from pg_index where indexrelid = to_regclass($1)',
      [nameOf(scope)],
    )
    return rows[0]?.valid ?? false
  }
  /** Where a node has searched before there was one, its next search is still exact, and learns of it. */
  async function indexed(scope: Scope) {
    await eventually('the index is there', () => hasIndex(scope), 100_000)
    await search(scope, 1)
  }

  async function search(scope: Scope, seed: number, agentId?: string, by = retriever) {
    const { id, recorded } = await by.retrieve(scope, { query: `${seed}`, agentId })
    await recorded
    const { rows } = await world.owner.query<{
      method: string
      candidates: { chunkId: string; vectorRank?: number }[]
    }>('select method, candidates from retrievals where id = $1', [id])
    const [row] = rows
    const near = row?.candidates.filter(({ vectorRank }) => vectorRank !== undefined) ?? []
    return { method: row?.method, near: near.map(({ chunkId }) => chunkId) }
  }

  /** The share of the fifty nearest, looked for without any index, that the search gives. */
  async function recall(scope: Scope, seeds: readonly number[]) {
    const before = await Promise.all(seeds.map(seed => search(scope, seed)))
    return async () => {
      let hits = 0
      for (const [at, seed] of seeds.entries()) {
        const { method, near } = await search(scope, seed)
        expect(method).toBe('index')
        expect(near).toHaveLength(50)
        const found = new Set(near)
        hits += before[at]?.near.filter(id => found.has(id)).length ?? 0
      }
      return hits / (50 * seeds.length)
    }
  }

  test('K3 a workspace that grows gets an index of its own, finds nearly the same by it, and loses it again', async () => {
    const scope = await world.newTenant()
    const neighbour = await world.newTenant()
    await world.addNumbered(neighbour, 50)
    const { sourceId } = await world.addNumbered(scope, 250)
    await world.addNumbered(scope, 250, { from: 250 })
    expect(await search(scope, 3)).toMatchObject({ method: 'exact' })
    const measure = await recall(scope, [3, 70, 411, 9_000])
    await tend(scope)
    await tend(neighbour)
    await indexed(scope)
    expect(await measure()).toBeGreaterThanOrEqual(0.98)
    expect(await hasIndex(neighbour)).toBe(false)
    expect(await search(neighbour, 3)).toMatchObject({ method: 'exact' })

    // As after a restart: nothing is remembered, and already the first search goes by the index.
    const restarted = world.retriever({ embedder: numberedEmbedder(clusters) })
    expect(await search(scope, 3, undefined, restarted)).toMatchObject({ method: 'index' })
    expect(await search(neighbour, 3, undefined, restarted)).toMatchObject({ method: 'exact' })

    const before = await search(scope, 3)
    await world.addNumbered(neighbour, 100, { from: 50 })
    expect(await search(scope, 3), 'whatever others add').toEqual(before)

    // Between the thresholds it stays, below them it goes.
    await world.owner.query(
      `delete from knowledge_chunks where source_id = $1 and position > 100 and tenant_id = $2`,
      [sourceId, scope.tenantId],
    )
    await tend(scope)
    await world.owner.query('delete from knowledge_sources where id = $1', [sourceId])
    await world.owner.query(`delete from knowledge_chunks where tenant_id = $1 and position > 150`, [
      scope.tenantId,
    ])
    await tend(scope)
    await eventually('the index is gone', async () => !(await hasIndex(scope)), 100_000)
    expect(await search(scope, 3)).toMatchObject({ method: 'exact' })
  })

  test('K3 an agent that may see little of a large workspace gets all of it', async () => {
    const scope = await world.newTenant()
    const agentId = await world.newAgent(scope)
    const other = await world.newAgent(scope)
    await world.addNumbered(scope, 400, { agentId: other })
    // Far from what is asked for, so that the index would come to them last.
    await world.addNumbered(scope, 20, { from: 1_000_000, agentId })
    await tend(scope)
    await indexed(scope)
    expect(await search(scope, 5, other)).toMatchObject({ method: 'index' })
    const { near } = await search(scope, 5, agentId)
    expect(near).toHaveLength(20)
  })

  test('K3 an index that was begun and never finished is made anew', async () => {
    const scope = await world.newTenant()
    await world.addNumbered(scope, 350)
    await world.owner.query(
      `create index ${nameOf(scope)} on knowledge_chunks using hnsw (embedding halfvec_cosine_ops)
       where tenant_id = '${scope.tenantId}' and searchable`,
    )
    await world.owner.query('update pg_index set indisvalid = false where indexrelid = to_regclass($1)', [
      nameOf(scope),
    ])
    expect(await search(scope, 5)).toMatchObject({ method: 'exact' })
    await tend(scope)
    await indexed(scope)
    expect(await search(scope, 5)).toMatchObject({ method: 'index' })
  })

  test('K3 tending a workspace that has gone does nothing', async () => {
    const handler = tendIndexHandler({ db, pool, log: silent })
    await expect(handler.run({ tenantId: newId() }, new AbortController().signal)).resolves.toBeUndefined()
  })
})
