import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId } from '../../src/kernel/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import { insertPassage } from '../support/passages.ts'
import type { Workspace } from '../support/people.ts'
import { expectProblem, faultPaths } from '../support/problems.ts'
import { quickMember, quickWorkspace } from '../support/quickPeople.ts'

interface Search {
  id: string
  judgement: string
  confidence: number
  passages: { id: string; text: string; title: string; page?: number; number: number }[]
}
interface Retrieval {
  id: string
  query: string
  conversationId: string | null
  chosen: string[]
  method: string
}
interface Details extends Retrieval {
  candidates: { chunkId: string; vectorRank?: number; textRank?: number }[]
  refinements: { refinedQuery: string; refinedRetrievalId: string | null; improvement: number | null }[]
  steps: { step: number; action: string; result: string }[]
}

describe.each(databaseKinds)('K3: searches by people, on %s', kind => {
  let parley: TestParley
  let workspace: Workspace
  let chunkId: string
  beforeAll(async () => {
    parley = await startParley(kind)
    workspace = await quickWorkspace(parley)
    const passage = { title: 'Delivery', text: 'Standard delivery takes two working days.', page: 7 }
    chunkId = await insertPassage(parley.owner, workspace.tenantId, passage)
    await insertPassage(parley.owner, workspace.tenantId, {
      title: 'Oak',
      text: 'Oil the table twice a year.',
    })
  })
  afterAll(() => parley.remove())

  const search = async (body: object) => {
    const answer = await workspace.owner.call<Search>('post', '/api/v1/knowledge/search', body)
    expect(answer.status, JSON.stringify(answer.body)).toBe(200)
    return answer.body
  }
  const get = async <Body>(path: string) => {
    const answer = await workspace.owner.call<Body>('get', path)
    expect(answer.status, JSON.stringify(answer.body)).toBe(200)
    return answer.body
  }

  test('K3: a try finds passages with their page, and is on record with its candidates', async () => {
    const found = await search({ query: 'How long does standard delivery take?' })
    expect(found).toMatchObject({ judgement: 'confident', confidence: expect.any(Number) })
    expect(found.passages[0]).toMatchObject({ id: chunkId, number: 1, title: 'Delivery', page: 7 })
    const details = await get<Details>(`/api/v1/retrievals/${found.id}`)
    expect(details).toMatchObject({
      ...{ query: 'How long does standard delivery take?', method: 'exact', conversationId: null },
      ...{ chosen: found.passages.map(({ id }) => id), refinements: [], steps: [] },
    })
    expect(details.candidates[0]).toMatchObject({ chunkId, vectorRank: 1, textRank: 1 })
    expect((await search({ query: 'delivery', limit: 1 })).passages).toHaveLength(1)
  })

  test('K3: a citation leads to the text, its document and its source', async () => {
    expect(await get(`/api/v1/chunks/${chunkId}`)).toMatchObject({
      ...{ id: chunkId, text: 'Standard delivery takes two working days.', page: 7, context: null },
      ...{ title: 'Delivery', uri: 'Delivery', sourceName: 'Delivery' },
    })
    expectProblem(await workspace.owner.call('get', `/api/v1/chunks/${newId()}`), 'not_found')
    expectProblem(await workspace.owner.call('get', `/api/v1/retrievals/${newId()}`), 'not_found')
  })

  test('K4: searches are listed newest first, by conversation, each with how it was asked again', async () => {
    const [first, second] = [await search({ query: 'first' }), await search({ query: 'second' })]
    const conversationId = newId()
    await parley.owner.query('update retrievals set conversation_id = $1 where id = any ($2)', [
      conversationId,
      [first.id, second.id],
    ])
    const filter = `/api/v1/retrievals?conversationId=${conversationId}`
    const page = await get<{ items: Retrieval[]; nextCursor: string }>(`${filter}&limit=1`)
    expect(page.items).toMatchObject([{ id: second.id, query: 'second' }])
    const rest = await get<{ items: Retrieval[]; nextCursor: null }>(`${filter}&cursor=${page.nextCursor}`)
    expect(rest).toMatchObject({ items: [{ id: first.id }], nextCursor: null })
    expect((await get<{ items: [] }>(`/api/v1/retrievals?conversationId=${newId()}`)).items).toEqual([])

    await parley.owner.query(
      `insert into query_refinements (tenant_id, id, retrieval_id, refined_retrieval_id, original_query, refined_query, improvement)
       values ($1, $2, $3, $4, 'first', 'second', 0.25)`,
      [workspace.tenantId, newId(), first.id, second.id],
    )
    await parley.owner.query(
      `insert into reasoning_steps (tenant_id, id, retrieval_id, step, action, result)
       values ($1, $2, $4, 2, 'reword', 'second'), ($1, $3, $4, 1, 'judge', 'none')`,
      [workspace.tenantId, newId(), newId(), first.id],
    )
    const details = await get<Details>(`/api/v1/retrievals/${first.id}`)
    expect(details.refinements).toMatchObject([
      { refinedQuery: 'second', refinedRetrievalId: second.id, improvement: 0.25 },
    ])
    expect(details.steps).toMatchObject([{ action: 'judge' }, { action: 'reword', result: 'second' }])
  })

  test('K3: what cannot be searched for is refused, and so is who may not see knowledge', async () => {
    for (const [body, path] of [
      [{}, 'query'],
      [{ query: '  ' }, 'query'],
      [{ query: 'x'.repeat(2_001) }, 'query'],
      [{ query: 'x', limit: 0 }, 'limit'],
      [{ query: 'x', agentId: 'none' }, 'agentId'],
      [{ query: 'x', tenantId: newId() }, 'tenantId'],
    ] as const) {
      const answer = await workspace.owner.call('post', '/api/v1/knowledge/search', body)
      expectProblem(answer, 'invalid_request')
      expect(faultPaths(answer)).toContain(path)
    }
    const member = await quickMember(parley, workspace, 'member')
    expectProblem(await member.call('post', '/api/v1/knowledge/search', { query: 'x' }), 'forbidden')
    const agent = await quickMember(parley, workspace, 'support_agent')
    expect((await agent.call('post', '/api/v1/knowledge/search', { query: 'x' })).status).toBe(200)
  })
})
