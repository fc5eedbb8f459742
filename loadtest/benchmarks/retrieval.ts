import { createDatabase, createJobs, createPool, type Database, type Pool } from '../../src/db/index.ts'
import { createMetrics } from '../../src/kernel/index.ts'
import { createRetriever, type Retriever } from '../../src/knowledge/index.ts'
import {
  type ChunkSearch,
  createChunkSearch,
  depth,
  type SearchResult,
} from '../../src/knowledge/searchStore.ts'
import { dimensions, type Embedder } from '../../src/providers/embeddings.ts'
import type { Benchmark, BenchmarkContext, Metrics, Outcome } from '../harness/benchmark.ts'
import { closedLoop } from '../harness/closedLoop.ts'
import { type TemporaryDatabase, temporaryDatabase } from '../harness/database.ts'
import { interleave, medians } from '../harness/rounds.ts'
import {
  type BenchTenant,
  type Corpus,
  makeCorpus,
  makeIndexes,
  makeRawTables,
  wordOf,
} from '../retrieval/corpus.ts'
import { createVectors } from '../retrieval/vectors.ts'
import { seededRandom } from '../simulation/random.ts'

const usualChunks = 200_000
const rounds = 7
/** Small tenants that are compared with raw tables. */
const smallMeasured = 10
const queriesForRecall = 100
/** As many of the nearest as have to be among those that are found. */
const wantedNearest = 10

/** Finding among many tenants' chunks what one tenant alone would find as well. */
export const retrieval: Benchmark = {
  name: 'retrieval',
  summary: 'hybrid retrieval among a hundred tenants, against raw pgvector that holds one tenant alone',
  targets: [
    { key: 'recall_small', comparison: '>=', value: 1 },
    { key: 'recall_large', comparison: '>=', value: 0.98 },
    { key: 'short_results', comparison: '<=', value: 0 },
    { key: 'cross_tenant_changes', comparison: '<=', value: 0 },
    { key: 'p95_ratio', comparison: '<=', value: 1.25 },
  ],
  run,
}

interface World {
  readonly database: TemporaryDatabase
  readonly db: Database
  readonly rawPool: Pool
  readonly retriever: Retriever
  readonly searchChunks: ChunkSearch
  readonly large: readonly BenchTenant[]
  readonly small: readonly BenchTenant[]
  readonly draw: () => Float32Array
  readonly next: () => number
}

async function run(context: BenchmarkContext): Promise<Outcome> {
  const chunks = context.chunks ?? usualChunks
  const database = await temporaryDatabase(context)
  const above = Math.min(10_000, Math.floor(chunks / 20))
  context.progress(`making ${chunks} chunks`)
  const corpus = await makeCorpus(database.owner, chunks, above, context.progress)
  const world = await openWorld(context, database, corpus)
  const measured = [...world.large, ...world.small]
  context.progress(`making indexes of ${world.large.length} large tenants, and raw tables`)
  await makeIndexes({ db: world.db, pool: database.owner }, measured, above)
  await makeRawTables(database.owner, measured)
  const found = { ...(await recalls(world)), short_results: await shortResults(world) }
  const measuredRounds = await speeds(world, context)
  // Last: what is quick and right among a hundred tenants has to be measured while they are there.
  const quality = { ...found, cross_tenant_changes: await crossTenantChanges(world, corpus, context) }
  const figures = measuredRounds.map(figure => ({ ...figure, ...quality, chunks: corpus.chunks }))
  return { metrics: medians(figures), rounds: figures, versions: { postgres: database.serverVersion } }
}

async function openWorld(
  context: BenchmarkContext,
  database: TemporaryDatabase,
  { tenants }: Corpus,
): Promise<World> {
  const { log, undo } = context
  const open = (url: string) =>
    undo.adopt(createPool({ connection: { url }, max: 2, statementTimeoutMs: 60_000 }, log), pool =>
      pool.end(),
    )
  const url = 'url' in database.connection ? database.connection.url : ''
  const pool = open(url)
  const metrics = createMetrics()
  const db = createDatabase({ pool, log, metrics, jobs: createJobs({ pool, log, metrics }) })
  const raw = new URL(url)
  // The same breadth on both sides gives the same recall.
  raw.searchParams.set('options', '-c hnsw.ef_search=200 -c hnsw.iterative_scan=strict_order -c jit=off')
  const draw = createVectors(7)
  const embedder: Embedder = {
    id: `drawn/${dimensions}`,
    dimensions,
    embed: async texts => ({ vectors: texts.map(draw), tokens: texts.length }),
  }
  const retriever = createRetriever({
    db,
    embedder,
    log,
    metrics,
    recordCost: async () => undefined,
    mayKeepWords: async () => true,
  })
  const others = tenants.filter(({ large }) => !large)
  const every = Math.max(1, Math.floor(others.length / smallMeasured))
  return {
    ...{
      database,
      db,
      retriever,
      searchChunks: createChunkSearch(),
      draw,
      next: seededRandom(11).next,
      rawPool: open(raw.href),
    },
    large: tenants.filter(({ large }) => large),
    small: others.filter((_, at) => at % every === 0).slice(0, smallMeasured),
  }
}

const search = (
  { db, searchChunks }: World,
  { scope }: BenchTenant,
  vector: Float32Array,
  agentId?: string,
): Promise<SearchResult> =>
  searchChunks(db, scope, { embedder: '', vector, lexemes: [], agentId, withText: 0 })

const nearOf = ({ candidates }: SearchResult): string[] => candidates.map(({ chunkId }) => chunkId)

/** The share of the ten nearest that are the first ten found; the nearest as PostgreSQL says them when it looks at all. */
async function recalls(world: World): Promise<Metrics> {
  // The first search of a tenant learns that there is an index.
  for (const tenant of world.large) await search(world, tenant, world.draw())
  const shareFound = async (tenants: readonly BenchTenant[], method: SearchResult['method']) => {
    let hits = 0
    let wanted = 0
    for (let at = 0; at < queriesForRecall; at++) {
      const tenant = tenants[at % tenants.length]
      if (!tenant) throw new Error('there are no such tenants')
      const vector = world.draw()
      const { rows } = await world.database.owner.query<{ id: string }>(
        `select id from ${tenant.raw} order by (embedding <=> $1::halfvec) + 0, id limit ${wantedNearest}`,
        [textOf(vector)],
      )
      const result = await search(world, tenant, vector)
      if (result.method !== method) throw new Error(`a ${method} search was done by ${result.method}`)
      const found = new Set(nearOf(result).slice(0, wantedNearest))
      hits += rows.filter(({ id }) => found.has(id)).length
      wanted += rows.length
    }
    return hits / wanted
  }
  return {
    recall_small: await shareFound(world.small, 'exact'),
    recall_large: await shareFound(world.large, 'index'),
  }
}

/** Searches that gave fewer than they could, with an agent that may see a fiftieth of its tenant's chunks among them. */
async function shortResults(world: World): Promise<number> {
  let short = 0
  for (let at = 0; at < queriesForRecall; at++) {
    for (const tenant of [...world.large, ...world.small.slice(0, 2)]) {
      const agentId = at % 2 === 0 ? tenant.agentId : undefined
      const visible = agentId === undefined ? tenant.chunks : Math.ceil(tenant.chunks / 50)
      const found = nearOf(await search(world, tenant, world.draw(), agentId)).length
      if (found < Math.min(depth, visible)) short++
    }
  }
  return short
}

/** How many results of the measured tenants are others when everybody else has gone. */
async function crossTenantChanges(
  world: World,
  { tenants }: Corpus,
  { progress }: BenchmarkContext,
): Promise<number> {
  const measured = [...world.large, ...world.small]
  const asked = Array.from({ length: 5 }, world.draw)
  const all = async () => {
    const results: string[] = []
    for (const tenant of measured)
      for (const vector of asked) results.push(nearOf(await search(world, tenant, vector)).join())
    return results
  }
  const before = await all()
  const going = tenants.filter(tenant => !measured.includes(tenant))
  progress(`${going.length} other tenants go`)
  await world.database.owner.query('delete from knowledge_chunks where tenant_id = any ($1)', [
    going.map(({ scope }) => scope.tenantId),
  ])
  await world.database.owner.query('vacuum analyze knowledge_chunks')
  const after = await all()
  if (before.some(result => result === '')) throw new Error('nothing was found')
  return after.filter((result, at) => result !== before[at]).length
}

type SideName = 'vector' | 'hybrid' | 'raw'

/** One question at a time: what is measured is how long an answer takes to find, not how many fit. */
async function speeds(world: World, context: BenchmarkContext): Promise<Metrics[]> {
  const figuresOf = async (name: SideName, durationMs: number) => {
    const p95 = async (tenants: readonly BenchTenant[]) => {
      let at = 0
      const next = () => tenants[at++ % tenants.length] as BenchTenant
      const loop = await closedLoop(
        1,
        durationMs / 2,
        () => ask(world, name, next()),
        ({ recorded }) => recorded,
      )
      return loop.p95Ms
    }
    return { small: await p95(world.small), large: await p95(world.large) }
  }
  const sides = (['vector', 'raw', 'hybrid'] as const).map(name => ({
    name,
    run: (durationMs: number) => figuresOf(name, durationMs),
  }))
  const measured = await interleave(sides, {
    rounds,
    warmUpMs: context.short ? 1_000 : 4_000,
    durationMs: context.short ? 2_000 : 10_000,
    progress: context.progress,
  })
  return measured.map(({ vector, raw, hybrid }) => {
    const ratios = { small: vector.small / raw.small, large: vector.large / raw.large }
    return {
      p95_ratio: Math.max(ratios.small, ratios.large),
      p95_ratio_small: ratios.small,
      p95_ratio_large: ratios.large,
      p95_ms: Math.max(hybrid.small, hybrid.large),
      hybrid_small_p95_ms: hybrid.small,
      hybrid_large_p95_ms: hybrid.large,
      vector_small_p95_ms: vector.small,
      vector_large_p95_ms: vector.large,
      raw_small_p95_ms: raw.small,
      raw_large_p95_ms: raw.large,
    }
  })
}

/** Not waiting for the record, as an answer does not. `vector`: a whole retrieval of a question without words that occur, as raw pgvector knows no words; `hybrid`: with three. */
async function ask(
  world: World,
  name: SideName,
  { scope, raw }: BenchTenant,
): Promise<{ readonly recorded: Promise<void> }> {
  if (name === 'raw') {
    await world.rawPool.query(
      `select id, embedding <=> $1::halfvec as distance from ${raw} order by distance limit ${depth}`,
      [textOf(world.draw())],
    )
    return { recorded: Promise.resolve() }
  }
  const query = name === 'vector' ? '?' : Array.from({ length: 3 }, () => wordOf(world.next())).join(' ')
  const { passages, recorded } = await world.retriever.retrieve(scope, { query })
  if (passages.length === 0) throw new Error('nothing was found')
  return { recorded }
}

const textOf = (vector: Float32Array): string => `[${vector.join(',')}]`
