import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { builtInEmbedder } from '../../src/providers/builtInEmbedder.ts'
import type { Embedder } from '../../src/providers/embeddings.ts'
import { createOpenaiEmbedder } from '../../src/providers/openaiEmbedder.ts'
import { eventually } from '../support/eventually.ts'
import { paraphrases } from '../support/paraphrases.ts'
import { type ScriptedModel, startScriptedModel } from '../support/services/scriptedModel.ts'

let server: ScriptedModel
beforeAll(async () => {
  server = await startScriptedModel()
})
afterAll(() => server.stop())
afterEach(() => server.reset())

const openai = (model = 'text-embedding-3-small', totalMs = 60_000) =>
  createOpenaiEmbedder({ baseUrl: server.url, model, totalMs })

const passage = { kind: 'passage' } as const
const cosine = (one: Float32Array, other: Float32Array) =>
  one.reduce((sum, number, at) => sum + number * (other[at] ?? 0), 0)
const lengthOf = (vector: Float32Array) => Math.sqrt(cosine(vector, vector))

async function one(embedder: Embedder, text: string): Promise<Float32Array> {
  const { vectors } = await embedder.embed([text], passage)
  const [vector] = vectors
  if (!vector) throw new Error('there is no vector')
  return vector
}

describe.each([
  ['built in', () => builtInEmbedder],
  ['OpenAI-compatible', () => openai()],
])('an embedder: %s', (_name, make) => {
  test('gives each text its vector, in order, of length 1', async () => {
    const embedder = make()
    const texts = Array.from({ length: 250 }, (_, n) => `text number ${n} about subject ${n % 7}`)
    const { vectors, tokens } = await embedder.embed(texts, passage)
    expect(vectors).toHaveLength(250)
    for (const vector of vectors) {
      expect(vector).toBeInstanceOf(Float32Array)
      expect(vector).toHaveLength(embedder.dimensions)
      expect(lengthOf(vector)).toBeCloseTo(1, 5)
    }
    expect(tokens).toBeGreaterThan(250)
    for (const n of [0, 95, 96, 249])
      expect(cosine(await one(embedder, texts[n] ?? ''), vectors[n] ?? new Float32Array())).toBeCloseTo(1, 5)
  })

  test('its id names the dimension', () => {
    expect(make().id).toMatch(/\/1536$/)
    expect(make().dimensions).toBe(1536)
  })

  test('no text gives no vector; a text without a word has a direction too', async () => {
    expect((await make().embed([], passage)).vectors).toEqual([])
    for (const text of ['', '   ', '!?', '🌍']) expect(lengthOf(await one(make(), text))).toBeCloseTo(1, 5)
  })

  test('what nobody wants any more is aborted', async () => {
    const embedding = make().embed(['text'], { kind: 'query', signal: AbortSignal.abort() })
    await expect(embedding).rejects.toMatchObject({ name: 'ServiceFailure', kind: 'aborted' })
  })
})

describe('the built-in embedder', () => {
  test('finds the answer to a paraphrased question first, mostly, and near the top otherwise', async () => {
    const passages = await builtInEmbedder.embed(
      paraphrases.map(([, text]) => text),
      passage,
    )
    const questions = await builtInEmbedder.embed(
      paraphrases.map(([text]) => text),
      { kind: 'query' },
    )
    const ranks = questions.vectors.map((question, at) => {
      const scores = passages.vectors.map(vector => cosine(question, vector))
      return scores.filter(score => score > (scores[at] ?? 0)).length
    })
    const first = ranks.filter(rank => rank === 0).length
    const near = ranks.filter(rank => rank < 3).length
    // By chance it would be one of 30.
    expect({ first, near }, `ranks ${ranks.join(' ')}`).toEqual({
      first: expect.toSatisfy((count: number) => count >= 24),
      near: expect.toSatisfy((count: number) => count >= 28),
    })
  })

  test('forms of a word are near, other words are not', async () => {
    const near = cosine(
      await one(builtInEmbedder, 'returning items'),
      await one(builtInEmbedder, 'return an item'),
    )
    const far = cosine(
      await one(builtInEmbedder, 'returning items'),
      await one(builtInEmbedder, 'weather tomorrow'),
    )
    expect(near).toBeGreaterThan(0.4)
    expect(Math.abs(far)).toBeLessThan(0.15)
  })

  test('is the same in every process and version, until its id changes', async () => {
    const vector = await one(builtInEmbedder, 'Delivery takes two days.')
    const places = [...vector.entries()].filter(([, number]) => Math.abs(number) > 0.2)
    expect(places.map(([place, number]) => [place, Number(number.toFixed(4))])).toMatchInlineSnapshot(`
      [
        [
          506,
          0.392,
        ],
        [
          547,
          -0.392,
        ],
        [
          808,
          -0.3268,
        ],
        [
          844,
          0.392,
        ],
        [
          1382,
          -0.392,
        ],
      ]
    `)
  })
})

describe('the OpenAI-compatible embedder', () => {
  test('asks for 1536 dimensions, in batches', async () => {
    await openai().embed(
      Array.from({ length: 200 }, (_, n) => `text ${n}`),
      passage,
    )
    expect(server.requests.map(({ body }) => [body.input?.length, body.dimensions])).toEqual([
      [96, 1536],
      [96, 1536],
      [8, 1536],
    ])
    server.reset()
    await openai().embed(
      Array.from({ length: 5 }, () => 'long text '.repeat(8_000)),
      passage,
    )
    expect(server.requests.map(({ body }) => body.input?.length)).toEqual([2, 2, 1])
  })

  test('a server that does not know the wish is asked without, once and for all', async () => {
    server.always('embeddings', ({ body }) =>
      body.dimensions === undefined
        ? { dimensions: 768 }
        : { status: 400, json: { error: { message: 'Unrecognized request argument: dimensions' } } },
    )
    const embedder = openai('small-model')
    await one(embedder, 'text')
    const vector = await one(embedder, 'text')
    expect(server.requests).toHaveLength(3)
    expect(lengthOf(vector)).toBeCloseTo(1, 5)
    expect(vector.subarray(768).every(number => number === 0)).toBe(true)
  })

  test('wider vectors are refused, with the reason', async () => {
    server.always('embeddings', { dimensions: 4096 })
    const failed = openai('wide-model').embed(['text'], passage)
    await expect(failed).rejects.toMatchObject({
      kind: 'misconfigured',
      message: expect.stringContaining('4096 dimensions'),
    })
  })

  test('wider vectors of a model that is made to be shortened are shortened', async () => {
    server.always('embeddings', { dimensions: 3072 })
    const vector = await one(openai('text-embedding-3-large'), 'text')
    expect(vector).toHaveLength(1536)
    expect(lengthOf(vector)).toBeCloseTo(1, 5)
  })

  test('vectors are put in order by their index', async () => {
    const vectorAt = (place: number) => Array.from({ length: 1536 }, (_, at) => (at === place ? 2 : 0))
    const data = [
      { index: 1, embedding: vectorAt(11) },
      { index: 0, embedding: vectorAt(10) },
    ]
    server.next('embeddings', { json: { data } })
    const { vectors, tokens } = await openai().embed(['a', 'b'], passage)
    expect(vectors.map(vector => vector.indexOf(1))).toEqual([10, 11])
    expect(tokens).toBe(2)
  })

  const flat = Array.from({ length: 1536 }, () => 0)
  test.each([
    ['429', { status: 429, headers: { 'retry-after': '2' } }, { kind: 'rate_limited', retryAfter: 2 }],
    ['401', { status: 401 }, { kind: 'misconfigured' }],
    ['500', { status: 500 }, { kind: 'unavailable' }],
    ['too few', { json: { data: [] } }, { kind: 'unavailable' }],
    ['no vectors', { json: { data: [{ index: 0, embedding: 'abc' }] } }, { kind: 'unavailable' }],
    ['no direction', { json: { data: [{ index: 0, embedding: flat }] } }, { kind: 'unavailable' }],
    ['another shape', { json: { ok: true } }, { kind: 'unavailable' }],
  ] as const)('fails with %s', async (_what, script, failure) => {
    server.next('embeddings', script)
    await expect(openai().embed(['text'], passage)).rejects.toMatchObject({
      name: 'ServiceFailure',
      ...failure,
    })
  })

  test('time-out and abort close the request', async () => {
    server.always('embeddings', { hang: true })
    await expect(openai('m', 100).embed(['text'], passage)).rejects.toMatchObject({ kind: 'timeout' })
    const controller = new AbortController()
    const failed = openai().embed(['text'], { ...passage, signal: controller.signal })
    const expected = expect(failed).rejects.toMatchObject({ kind: 'aborted' })
    await eventually('the request is there', () => server.requests.length === 2)
    controller.abort()
    await expected
    await eventually('both are closed', () => server.requests.every(({ aborted }) => aborted))
  })
})
