import { sql } from 'drizzle-orm'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId, type Scope } from '../../src/kernel/index.ts'
import { askedLexemes, searchQuery, searchVector } from '../../src/knowledge/lexemes.ts'
import type { Embedder } from '../../src/providers/embeddings.ts'
import { ServiceFailure } from '../../src/providers/failure.ts'
import type { Reranker } from '../../src/providers/rerank.ts'
import { databaseKinds } from '../support/databases.ts'
import { answerable, handbook, unanswerable } from '../support/handbook.ts'
import { clusters, type KnowledgeWorld, openKnowledge } from '../support/knowledgeWorld.ts'
import { clusteredVector, numberedEmbedder } from '../support/vectors.ts'

/** Marks that stand alone, or in a pair of a script without spaces; a word that is cut in the middle of a character. */
const oddTexts = [
  '\u{1D157}\u{1D165} ',
  '\u0301',
  '\u0e34\u0e48',
  '\u{20000}\u{20001}',
  'x\u{1D538}'.repeat(80),
  '\u{10D00}'.repeat(80),
]

const failing = (kind: 'unavailable' | 'aborted') => () =>
  Promise.reject(new ServiceFailure(kind, 'the service failed'))

describe.each(databaseKinds)('K3 retrieval on %s', kind => {
  let world: KnowledgeWorld
  let shop: Scope
  beforeAll(async () => {
    world = await openKnowledge(kind)
    shop = await world.newTenant()
    for (const document of handbook) await world.add(shop, document)
  })
  afterAll(() => world.drop())

  const recordOf = async (id: string) => {
    const { rows } = await world.owner.query('select * from retrievals where id = $1', [id])
    return rows[0]
  }

  const numbered = () => world.retriever({ embedder: numberedEmbedder(clusters) })

  test.each(answerable)('K4 "%s" is answered with confidence', async (query, answer) => {
    const { passages, judgement } = await world.retriever().retrieve(shop, { query })
    expect(
      passages
        .slice(0, 2)
        .map(({ text }) => text)
        .join('\n'),
    ).toContain(answer)
    expect(judgement).toBe('confident')
  })

  test.each(unanswerable)('K4 "%s" has no answer here', async query => {
    expect(await world.retriever().retrieve(shop, { query })).toMatchObject({ judgement: 'none' })
  })

  test('K3 a small workspace is searched exactly: vectors are compared with every one of its own', async () => {
    const scope = await world.newTenant()
    await world.addNumbered(scope, 400)
    const { rows } = await world.owner.query<{ id: string; vector: string }>(
      'select id, embedding::text as vector from knowledge_chunks where tenant_id = $1 and searchable',
      [scope.tenantId],
    )
    for (const seed of [5, 77, 1_234]) {
      const asked = clusteredVector(seed, clusters)
      const near = rows
        .map(({ id, vector }) => ({ id, score: cosine(asked, JSON.parse(vector)) }))
        .sort((one, other) => other.score - one.score)
      const { id, recorded } = await numbered().retrieve(scope, { query: `${seed}` })
      await recorded
      const { candidates, method } = await recordOf(id)
      expect(method).toBe('exact')
      const byVector = (candidates as { chunkId: string; vectorRank?: number }[])
        .filter(({ vectorRank }) => vectorRank !== undefined)
        .sort((one, other) => (one.vectorRank ?? 0) - (other.vectorRank ?? 0))
        .map(({ chunkId }) => chunkId)
      expect(byVector).toEqual(near.slice(0, 50).map(({ id }) => id))
    }
  })

  test('K3 what other workspaces have changes nothing, and the same document gives each its own chunks', async () => {
    const ask = async (scope: Scope) => {
      const { passages, confidence } = await world
        .retriever()
        .retrieve(scope, { query: 'How much does standard delivery cost?', limit: 20 })
      return { confidence, passages }
    }
    const before = await ask(shop)
    const other = await world.newTenant()
    for (const document of handbook) await world.add(other, document)
    await world.add(other, {
      title: 'More',
      text: `# Delivery cost\n\n${'Standard delivery costs. '.repeat(50)}`,
    })
    expect(await ask(shop)).toEqual(before)
    const theirs = await ask(other)
    const ids = new Set(before.passages.map(({ id }) => id))
    expect(theirs.passages.length).toBe(4)
    expect(theirs.passages.filter(({ id }) => ids.has(id))).toEqual([])
    await world.owner.query('delete from knowledge_sources where tenant_id = $1', [other.tenantId])
    expect(await ask(shop)).toEqual(before)
    expect((await ask(other)).passages).toEqual([])
  })

  test('K3 an agent finds what serves it or everybody; without one, everything is searched', async () => {
    const scope = await world.newTenant()
    const [mine, another] = [await world.newAgent(scope), await world.newAgent(scope)]
    const text = (about: string) => `# Opening hours\n\nThe ${about} opens at nine.`
    await world.add(scope, { title: 'all', text: text('house') })
    await world.add(scope, { title: 'mine', text: text('shop'), agentId: mine })
    await world.add(scope, { title: 'other', text: text('depot'), agentId: another })
    const titles = async (agentId?: string) => {
      const query = 'When are the opening hours?'
      const { passages } = await world.retriever().retrieve(scope, { query, agentId })
      return passages.map(({ title }) => title).sort()
    }
    expect(await titles(mine)).toEqual(['all', 'mine'])
    expect(await titles(another)).toEqual(['all', 'other'])
    expect(await titles()).toEqual(['all', 'mine', 'other'])
  })

  test('K3 passages say where they stand, and bring the section around them', async () => {
    const scope = await world.newTenant()
    const filler = (about: string) =>
      Array.from(
        { length: 60 },
        (_, at) => `Sentence ${at} tells more about ${about} and its long story.`,
      ).join(' ')
    const text = `# Guide\n\n## Kites\n\n${filler('kites')}\n\n## Lanterns\n\nA lantern needs lamp oil. ${filler('lanterns')}`
    const { documentId, sourceId } = await world.add(scope, { title: 'Guide', text })
    const { passages } = await world.retriever().retrieve(scope, { query: 'Which oil does a lantern need?' })
    expect(passages[0]).toMatchObject({
      ...{ number: 1, title: 'Guide', uri: 'Guide.md', section: 'Guide › Lanterns', documentId, sourceId },
      text: expect.stringContaining('lamp oil'),
      context: expect.stringContaining('## Kites'),
    })
    // A section that is its only chunk is the passage itself.
    const { passages: whole } = await world.retriever().retrieve(shop, { query: 'oak furniture care' })
    expect(whole[0]).not.toHaveProperty('context')
  })

  test('K3 a search is on record with both ranks and scores of every candidate, what was chosen, and how sure it was', async () => {
    const agentId = await world.newAgent(shop)
    const conversationId = agentId
    const { id, passages, confidence, recorded } = await world
      .retriever()
      .retrieve(shop, { query: 'How long can I return unused items?', agentId, conversationId, limit: 2 })
    await recorded
    const row = await recordOf(id)
    expect(row).toMatchObject({
      ...{ tenant_id: shop.tenantId, agent_id: agentId, conversation_id: conversationId, method: 'exact' },
      ...{ query: 'How long can I return unused items?', embedder: 'built-in-4/1536', reranker: null },
      ...{ chosen: passages.map(({ id }) => id), judgement: 'confident' },
    })
    expect(row.confidence).toBeCloseTo(confidence, 5)
    expect(row.candidates).toHaveLength(3)
    expect(row.candidates[0]).toEqual({
      ...{ chunkId: passages[0]?.id, vectorRank: 1, textRank: 1 },
      ...{
        vectorScore: expect.any(Number),
        textScore: expect.any(Number),
        fusedScore: expect.closeTo(2 / 61),
      },
    })
    // What is built in calls nobody and costs nothing.
    expect(world.calls.filter(call => call.agentId === agentId)).toEqual([])
  })

  test('K3 without an embedder that works, words alone find it, and the record says so', async () => {
    const broken: Embedder = { id: 'broken/1536', dimensions: 1536, embed: failing('unavailable') }
    const { passages, id, judgement, recorded } = await world
      .retriever({ embedder: broken })
      .retrieve(shop, { query: 'How much does standard delivery cost?' })
    expect(passages[0]?.text).toContain('4.95 euros')
    expect(judgement).toBe('confident')
    await recorded
    expect(await recordOf(id)).toMatchObject({ method: 'words' })
  })

  test('K3 vectors of another model are not compared: until they are made anew, words find their source', async () => {
    const { id, passages, recorded } = await numbered().retrieve(shop, { query: 'standard delivery 7' })
    await recorded
    const { candidates } = await recordOf(id)
    expect(passages.length).toBeGreaterThan(0)
    expect(candidates.filter((candidate: object) => 'vectorRank' in candidate)).toEqual([])
    expect(world.calls.at(-1)).toMatchObject({
      service: 'embedding',
      model: 'numbered',
      inputTokens: 1,
      units: 1,
    })
  })

  test('K3 a ranking service has the last word on the order and on confidence, and is paid', async () => {
    const seen: string[] = []
    const reranker: Reranker = {
      model: 'judge-1',
      rerank: async (_query, documents) => {
        seen.push(...documents)
        return documents
          .map((_, index) => ({ index, score: index === documents.length - 1 ? 0.9 : 0.1 }))
          .sort((one, other) => other.score - one.score)
      },
    }
    const plain = await world.retriever().retrieve(shop, { query: 'delivery' })
    const calls: unknown[] = []
    const recordCost = async (_scope: Scope, call: unknown) => void calls.push(call)
    const ranked = await world
      .retriever({ reranker, recordCost })
      .retrieve(shop, { query: 'delivery', limit: 1 })
    await ranked.recorded
    expect(ranked.passages.map(({ id }) => id)).toEqual([plain.passages.at(-1)?.id])
    expect(ranked).toMatchObject({ confidence: 0.9, judgement: 'confident' })
    expect(seen).toHaveLength(plain.passages.length)
    expect(calls).toEqual([{ service: 'rerank', provider: 'rerank', model: 'judge-1', units: seen.length }])
    const row = await recordOf(ranked.id)
    expect(row.reranker).toBe('judge-1')
    expect(row.candidates.map(({ rerankScore }: { rerankScore: number }) => rerankScore)).toContain(0.9)

    const broken = { model: 'judge-1', rerank: failing('unavailable') }
    const unranked = await world.retriever({ reranker: broken }).retrieve(shop, { query: 'delivery' })
    expect(unranked.passages).toEqual(plain.passages)
    await unranked.recorded
    expect(await recordOf(unranked.id)).toMatchObject({ reranker: null })
  })

  test('K3 nobody searches for those who have gone: an aborted signal throws, before and while a service is asked', async () => {
    const gone = AbortSignal.abort()
    await expect(world.retriever().retrieve(shop, { query: 'delivery', signal: gone })).rejects.toThrow(
      /abort/i,
    )
    const leaving = new AbortController()
    const embed = async () => {
      leaving.abort()
      throw new ServiceFailure('aborted', 'the request was given up')
    }
    const retriever = world.retriever({ embedder: { id: 'slow/1536', dimensions: 1536, embed } })
    await expect(retriever.retrieve(shop, { query: 'delivery', signal: leaving.signal })).rejects.toThrow(
      /abort/i,
    )
  })

  test('K11 a vector is paid for, also of a search that is given up or fails after it was made', async () => {
    const leaving = new AbortController()
    const rerank = async () => {
      leaving.abort()
      throw new ServiceFailure('aborted', 'the request was given up')
    }
    const embedder: Embedder = { ...numberedEmbedder(clusters), id: 'paid/1536' }
    const asked = { query: 'delivery', runId: newId() }
    const calls: unknown[] = []
    const recordCost = async (_scope: Scope, call: unknown) => void calls.push(call)
    const costly = (more: object) => world.retriever({ embedder, recordCost, ...more })
    await expect(
      costly({ reranker: { model: 'judge-1', rerank } }).retrieve(shop, { ...asked, signal: leaving.signal }),
    ).rejects.toThrow(/abort/i)
    const vector = { service: 'embedding', model: 'paid', units: 1, runId: asked.runId }
    expect(calls).toMatchObject([vector])
    // As no agent is called: the database refuses the search.
    await expect(costly({}).retrieve(shop, { ...asked, agentId: 'nobody' })).rejects.toThrow()
    expect(calls).toMatchObject([vector, vector])
  })

  test('K3 words are searched by their index, policies or not: the function is known to tell nothing', async () => {
    const scope = await world.newTenant()
    await world.addNumbered(scope, 300)
    await world.owner.query('analyze knowledge_chunks')
    const plan = await world.db.scoped(scope, tx =>
      tx.sql.execute(sql`explain select id from knowledge_chunks where search @@ '77'::tsquery`),
    )
    expect(JSON.stringify(plan.rows)).toContain('knowledge_chunks_search')
  })

  test('K3 any text is a question: signs of the search language, nothing at all, another script, very much', async () => {
    for (const query of [
      "' | & ! ( ) : * \\ <->",
      '?',
      '',
      '退货期限',
      "'; drop table retrievals; --",
      'oak '.repeat(9_000),
      ...oddTexts,
    ]) {
      const { passages } = await world.retriever().retrieve(shop, { query })
      expect(passages.length).toBeLessThanOrEqual(6)
    }
  })

  test('K3 any text can be read in: marks without letters, characters of two halves where a word is cut', async () => {
    const scope = await world.newTenant()
    for (const text of oddTexts) await world.add(scope, { title: text, text })
  })

  test('K3 whatever somebody types becomes words that PostgreSQL takes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 80 }), async raw => {
        const text = raw.toWellFormed()
        const words = searchVector({ title: text, section: text, text })
        const asked = searchQuery(askedLexemes(text))
        await world.owner.query('select $1::tsvector, $2::tsquery', [words, asked])
      }),
      { numRuns: 300 },
    )
  })

  test('K3 a search that cannot be recorded is answered all the same', async () => {
    const retriever = world.retriever({
      recordCost: () => Promise.reject(new Error('no books')),
      embedder: { ...numberedEmbedder(clusters), id: 'paid/1536' },
    })
    const { passages, recorded } = await retriever.retrieve(shop, { query: 'delivery' })
    await recorded
    expect(passages.length).toBeGreaterThan(0)
  })
})

function cosine(one: Float32Array, other: readonly number[]): number {
  let [product, left, right] = [0, 0, 0]
  for (const [at, value] of one.entries()) {
    const second = other[at] ?? 0
    product += value * second
    left += value * value
    right += second * second
  }
  return product / Math.sqrt(left * right)
}
