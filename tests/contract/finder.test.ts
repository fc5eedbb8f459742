import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId, type Scope } from '../../src/kernel/index.ts'
import { createFinder, type Rewrite } from '../../src/knowledge/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { handbook } from '../support/handbook.ts'
import { type KnowledgeWorld, openKnowledge, silent } from '../support/knowledgeWorld.ts'

describe.each(databaseKinds)('K4 a question that finds little is asked again, on %s', kind => {
  let world: KnowledgeWorld
  let shop: Scope
  beforeAll(async () => {
    world = await openKnowledge(kind)
    shop = await world.newTenant()
    for (const document of handbook) await world.add(shop, document)
  })
  afterAll(() => world.drop())

  const finder = (rewrite?: Rewrite) =>
    createFinder({
      retriever: world.retriever(),
      db: world.db,
      log: silent,
      rewrite,
      mayKeepWords: async () => true,
    })
  const read = async (table: string, column: string, id: string) => {
    const { rows } = await world.owner.query(
      `select * from ${table} where ${column} = $1 order by ${table === 'reasoning_steps' ? 'step' : 'created_at'}`,
      [id],
    )
    return rows
  }
  const asked = (question: string, ...said: string[]) => ({
    question,
    conversation: said.map(text => ({ speaker: 'visitor', text })),
    conversationId: newId(),
  })

  test('K4 what is found at once is not asked again', async () => {
    const rewrite = () => Promise.reject(new Error('nobody asked for this'))
    const question = asked('What does the warranty cover?', 'Hello')
    const found = await finder(rewrite).find(shop, question)
    await found.recorded
    expect(found).toMatchObject({ judgement: 'confident' })
    expect(found).not.toHaveProperty('refinedQuery')
    expect(await read('retrievals', 'conversation_id', question.conversationId)).toHaveLength(1)
    expect(await read('reasoning_steps', 'retrieval_id', found.id)).toEqual([])
  })

  test('K4 a model words the question so that it stands alone; the better search counts, and every step is on record', async () => {
    const told: unknown[] = []
    const rewrite: Rewrite = async (scope, about) => {
      told.push(scope, about)
      return 'How long is the warranty for an oak table?'
    }
    const question = asked('And how long is that?', 'I bought an oak table. Is there a warranty?')
    const { conversation, conversationId } = question
    const found = await finder(rewrite).find(shop, question)
    expect(told).toEqual([shop, { question: 'And how long is that?', conversation, conversationId }])
    expect(found).toMatchObject({
      judgement: 'confident',
      refinedQuery: 'How long is the warranty for an oak table?',
    })
    expect(found.passages[0]?.text).toContain('five years')
    expect(found.passages.map(({ number }) => number)).toEqual(found.passages.map((_, at) => at + 1))
    await found.recorded
    const [first, second, ...more] = await read('retrievals', 'conversation_id', conversationId)
    expect(more).toEqual([])
    expect(first).toMatchObject({ id: found.id, query: question.question })
    expect(first.judgement).not.toBe('confident')
    const [refinement] = await read('query_refinements', 'retrieval_id', found.id)
    expect(refinement).toMatchObject({
      ...{ refined_retrieval_id: second.id, original_query: question.question, refined_query: second.query },
      improvement: expect.closeTo(second.confidence - first.confidence, 5),
    })
    const steps = await read('reasoning_steps', 'retrieval_id', found.id)
    expect(steps.map(({ action }) => action)).toEqual([
      ...['search', 'judge', 'reword', 'search', 'judge', 'decide'],
    ])
    expect(steps.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6])
    expect(steps.at(-1)).toMatchObject({ result: 'the second search' })
  })

  test('K4 without a model, or with one that fails, what the visitor has said before is added', async () => {
    const question = asked('And how much does it cost?', 'Hello!', 'Do you have express delivery?')
    for (const rewrite of [undefined, () => Promise.reject(new Error('the model is away'))]) {
      const found = await finder(rewrite).find(shop, question)
      expect(found.refinedQuery).toContain('express delivery')
      expect(found.passages[0]?.text).toContain('12.90 euros')
      expect(found.judgement).toBe('confident')
      await found.recorded
    }
  })

  test('K4 a second search that is no better changes no judgement, and adds what only it has found', async () => {
    const question = asked('Do you sell wooden bicycles?')
    const found = await finder(async () => 'password').find(shop, question)
    await found.recorded
    const [first, second] = await read('retrievals', 'conversation_id', question.conversationId)
    expect(found.confidence).toBeCloseTo(Math.max(first.confidence, second.confidence), 5)
    const ids = found.passages.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids).toEqual(expect.arrayContaining(first.chosen))
  })

  test('K4 what is nowhere is not found by asking again either', async () => {
    const found = await finder(async () => 'capital city of Mongolia').find(
      shop,
      asked('What is the capital of Mongolia?'),
    )
    expect(found.judgement).toBe('none')
    await found.recorded
  })

  test('K4 what only the words of documents find is no confident answer to what was asked', async () => {
    const question = asked('Who won the world cup in Mexico?')
    const found = await finder(async () => 'What does the warranty cover?').find(shop, question)
    await found.recorded
    expect(found.judgement).not.toBe('confident')
    const [, second] = await read('retrievals', 'conversation_id', question.conversationId)
    expect(second).toMatchObject({ query: 'What does the warranty cover?' })
    expect(second.judgement).not.toBe('confident')
    // The same words as a question of their own are answered.
    const own = await finder().find(shop, asked('What does the warranty cover?'))
    expect(own.judgement).toBe('confident')
  })

  test('K4 nothing to add: one search, and a step that says why there was no other', async () => {
    const question = asked('Who is the president?')
    const found = await finder().find(shop, question)
    await found.recorded
    expect(found.judgement).toBe('none')
    expect(await read('retrievals', 'conversation_id', question.conversationId)).toHaveLength(1)
    const steps = await read('reasoning_steps', 'retrieval_id', found.id)
    expect(steps.map(({ action }) => action)).toEqual(['judge', 'reword'])
  })

  test('K4 an aborted signal ends it while the question is worded anew', async () => {
    const leaving = new AbortController()
    const rewrite: Rewrite = async () => {
      leaving.abort()
      throw new Error('given up')
    }
    const question = { ...asked('Who is that?', 'oak'), signal: leaving.signal }
    await expect(finder(rewrite).find(shop, question)).rejects.toThrow(/abort/i)
  })
})
