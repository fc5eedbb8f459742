import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Secret } from '../../src/kernel/index.ts'
import { createReranker } from '../../src/providers/rerank.ts'
import { eventually } from '../support/eventually.ts'
import { type ScriptedModel, startScriptedModel } from '../support/services/scriptedModel.ts'

let server: ScriptedModel
beforeAll(async () => {
  server = await startScriptedModel()
})
afterAll(() => server.stop())
afterEach(() => server.reset())

const documents = [
  'The weather will be fine.',
  'Items can be returned for 30 days.',
  'Delivery takes two days.',
]
const query = 'How long can items be returned?'
const results = (...scores: [index: number, score: number][]) => ({
  json: { results: scores.map(([index, score]) => ({ index, relevance_score: score })) },
})

describe.each(['/v1/rerank', '/v2/rerank'])('a reranker at %s', path => {
  const reranker = (totalMs = 60_000) =>
    createReranker({
      url: new URL(path, server.url).href,
      apiKey: new Secret('key'),
      model: 'rerank-3',
      totalMs,
    })

  test('gives scores from 0 to 1, best first, by index', async () => {
    const scores = await reranker().rerank(query, documents)
    expect(scores.map(({ index }) => index).sort()).toEqual([0, 1, 2])
    expect(scores[0]?.index).toBe(1)
    for (const [at, { score }] of scores.entries()) {
      expect(score).toBeGreaterThanOrEqual(0)
      expect(score).toBeLessThanOrEqual(scores[at - 1]?.score ?? 1)
    }
    expect(server.requests[0]).toMatchObject({ path, authorization: 'Bearer key' })
    expect(server.requests[0]?.body).toEqual({ model: 'rerank-3', query, documents, top_n: 3 })
  })

  test('gives at most as many as are wanted, also when the server gives more', async () => {
    server.next('rerank', results([2, 0.9], [0, 0.5], [1, 0.1]))
    expect((await reranker().rerank(query, documents, { topN: 2 })).map(({ index }) => index)).toEqual([2, 0])
    expect(server.requests[0]?.body.top_n).toBe(2)
  })

  test('asks nobody about nothing', async () => {
    expect(await reranker().rerank(query, [])).toEqual([])
    expect(server.requests).toEqual([])
  })

  test('bare outputs become scores in the same order; what was not given is not ranked', async () => {
    server.next('rerank', results([0, -3], [1, 4.2], [1, 9], [7, 5]))
    const scores = await reranker().rerank(query, documents)
    expect(scores.map(({ index }) => index)).toEqual([1, 0])
    for (const { score } of scores) expect(score > 0 && score < 1).toBe(true)
  })

  test.each([
    ['429', { status: 429, headers: { 'retry-after': '4' } }, { kind: 'rate_limited', retryAfter: 4 }],
    ['401', { status: 401 }, { kind: 'misconfigured', retryable: false }],
    ['503', { status: 503 }, { kind: 'unavailable', retryable: true }],
    ['another shape', { json: { ok: true } }, { kind: 'unavailable' }],
  ] as const)('fails with %s', async (_what, script, failure) => {
    server.next('rerank', script)
    await expect(reranker().rerank(query, documents)).rejects.toMatchObject({
      name: 'ServiceFailure',
      ...failure,
    })
  })

  test('time-out and abort close the request', async () => {
    server.always('rerank', { hang: true })
    await expect(reranker(100).rerank(query, documents)).rejects.toMatchObject({ kind: 'timeout' })
    const controller = new AbortController()
    const failed = reranker().rerank(query, documents, { signal: controller.signal })
    const expected = expect(failed).rejects.toMatchObject({ kind: 'aborted' })
    await eventually('the request is there', () => server.requests.length === 2)
    controller.abort()
    await expected
    await eventually('both are closed', () => server.requests.every(({ aborted }) => aborted))
  })
})
