import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { databaseKinds } from '../support/databases.ts'
import { eventually } from '../support/eventually.ts'
import { closeServers } from '../support/outgoing.ts'
import { expectProblem } from '../support/problems.ts'
import { type ScriptedModel, startScriptedModel } from '../support/services/scriptedModel.ts'
import { page, startSite } from '../support/site.ts'
import { type SourcesWorld, slow, startSourcesWorld } from '../support/sourcesWorld.ts'

vi.setConfig({ testTimeout: 120_000 })

const path = '/api/v1/knowledge/sources'

describe.each(databaseKinds)('K2 synchronisation on %s', kind => {
  let service: ScriptedModel
  let world: SourcesWorld
  beforeAll(async () => {
    service = await startScriptedModel()
    world = await startSourcesWorld(kind, {
      ...{ OPENAI_BASE_URL: service.url, OPENAI_API_KEY: 'sk-test', OPENAI_MODEL: 'scripted' },
      OPENAI_EMBEDDING_MODEL: 'scripted-embedding',
      MODEL_PRICES: '{"scripted-embedding": {"embedding": 1}}',
    })
  })
  afterAll(async () => {
    await world.parley.remove()
    await service.stop()
  })
  beforeEach(() => service.reset())
  afterEach(closeServers)

  /** The texts that the service was asked for since the last time. */
  const embedded = (): string[] => {
    const texts = service.requests.flatMap(({ body }) => [body.input ?? []].flat())
    service.requests.length = 0
    return texts
  }
  const passagesOf = async (id: string) =>
    (
      await world.parley.owner.query<{ id: string; text: string }>(
        'select id, text from knowledge_chunks where source_id = $1 and searchable order by position',
        [id],
      )
    ).rows
  const chunksOf = async (id: string) =>
    (
      await world.parley.owner.query<{ embedded: number; rows: number }>(
        `select count(embedding)::int as embedded, count(*)::int as rows from knowledge_chunks where source_id = $1 and searchable`,
        [id],
      )
    ).rows[0]

  test('K2: reading again embeds the pages that have changed, and no others; every call is on the bill', async () => {
    const { url, pages } = await startSite({
      '/': page('Home', 'Words of home.', ['/one', '/two']),
      '/one': page('One', 'Words of one.'),
      '/two': page('Two', 'Words of two.'),
    })
    const source = await world.read({ type: 'url', url, settings: { mode: 'site' } })
    expect(source.embedder).toBe('scripted-embedding/1536')
    expect(embedded()).toHaveLength(3)
    await world.resync(source.id)
    expect(embedded()).toEqual([])
    pages.set('/one', page('One', 'Other words of one.'))
    // Other bytes, the same words.
    pages.set('/two', page('Two', 'Words of two.', [], '<meta name="nonce" content="7">'))
    await world.resync(source.id)
    expect(embedded()).toEqual([expect.stringContaining('Other words of one.')])
    expect(await chunksOf(source.id)).toEqual({ embedded: 3, rows: 3 })
    const { rows } = await world.parley.owner.query(
      `select model, units, priced, cost_usd::float8 > 0 as costs from cost_events where source_id = $1 order by id`,
      [source.id],
    )
    expect(rows).toHaveLength(4)
    expect(rows[0]).toEqual({ model: 'scripted-embedding', units: 1, priced: true, costs: true })
  })

  test('K2 V4: of a long document only what has changed is embedded, and what is cited of the rest stays what it was', async () => {
    const section = (at: number, word: string) =>
      `## Section ${at}\n\n${Array.from({ length: 120 }, (_, line) => `Line ${line} of ${at} says ${word}.`).join(' ')}`
    const textWith = (word: string) =>
      `# Handbook\n\n${Array.from({ length: 8 }, (_, at) => section(at, at === 5 ? word : 'nothing')).join('\n\n')}`
    const source = await world.read({ type: 'text', name: 'Handbook', text: textWith('herring') })
    const all = embedded().length
    expect(all).toBeGreaterThan(4)
    const before = await passagesOf(source.id)
    await world.workspace.owner.call('patch', `${path}/${source.id}`, { text: textWith('mackerel') })
    await world.settled(source.id)
    const again = embedded()
    expect(again.length).toBeGreaterThan(0)
    expect(again.length).toBeLessThan(all / 2)
    const after = new Map((await passagesOf(source.id)).map(({ id, text }) => [id, text]))
    for (const { id, text } of before)
      expect(after.get(id), text.slice(0, 60)).toBe(text.includes('herring') ? undefined : text)
    const [changed, kept] = [true, false].map(gone => before.find(({ id }) => after.has(id) !== gone))
    expect((await world.workspace.owner.call('get', `/api/v1/chunks/${kept?.id}`)).status).toBe(200)
    expectProblem(await world.workspace.owner.call('get', `/api/v1/chunks/${changed?.id}`), 'not_found')
    expect(await world.texts(source.id)).not.toContain('herring')
    expect(await chunksOf(source.id)).toEqual({ embedded: all, rows: all })
  })

  test('K2 V4: of passages that say the same each keeps its own id, as far as they go', async () => {
    const repeated = Array.from({ length: 120 }, (_, line) => `Line ${line} says herring.`).join(' ')
    const textOf = (times: number) =>
      Array.from({ length: times }, () => `## Same\n\n${repeated}`).join('\n\n')
    const source = await world.read({ type: 'text', name: 'Echo', text: textOf(2) })
    const before = await passagesOf(source.id)
    await world.workspace.owner.call('patch', `${path}/${source.id}`, { text: textOf(3) })
    await world.settled(source.id)
    const ids = (await passagesOf(source.id)).map(({ id }) => id)
    expect(new Set(before.map(({ text }) => text)).size).toBeLessThan(before.length)
    expect(ids.length).toBeGreaterThan(before.length)
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.slice(0, before.length)).toEqual(before.map(({ id }) => id))
  })

  test('K2: a service that is busy is asked again; one that will not do is told as what it is, and nothing is lost', async () => {
    service.next('embeddings', { status: 429, headers: { 'retry-after': '0' } }, { status: 503 })
    const source = await world.read({ type: 'text', name: 'Patience', text: 'Some patience is needed.' })
    expect(source).toMatchObject({ status: 'ready', error: null })
    expect(embedded()).toHaveLength(3)
    service.always('embeddings', { status: 401 })
    await world.workspace.owner.call('patch', `${path}/${source.id}`, { text: 'No patience left.' })
    expect(await world.settled(source.id)).toMatchObject({
      status: 'error',
      error: { code: 'service_misconfigured' },
      counts: { documents: 1 },
    })
    expect(await world.texts(source.id)).toBe('Some patience is needed.')
    service.reset()
    expect(await world.resync(source.id)).toMatchObject({ status: 'ready', error: null })
    expect(await world.texts(source.id)).toBe('No patience left.')
  })

  test('K2: what a former synchronisation still reads is not stored any more', async () => {
    let release: () => void = () => undefined
    const held = new Promise<void>(resolve => {
      release = resolve
    })
    const { url, pages, asked } = await startSite({})
    pages.set('/', (_request, response) => {
      const html = page('Old', 'Words of yesterday.')
      void held.then(() => response.setHeader('content-type', 'text/html').end(html))
    })
    const source = await world.add({ type: 'url', url })
    await eventually('it is being read', () => asked.includes('/'), slow)
    pages.set('/', page('New', 'Words of today.'))
    expect((await world.workspace.owner.call('post', `${path}/${source.id}/sync`)).status).toBe(200)
    // As if another node took it up: on one node a tenant's crawls come one after the other.
    await world.parley.owner.query(
      `update pgboss.job set group_id = null where name = 'crawl-source' and state = 'created'`,
    )
    const current = await world.settled(source.id)
    expect(current).toMatchObject({ status: 'ready', counts: { documents: 1 } })
    release()
    await eventually(
      'both jobs are done',
      async () => {
        const { rows } = await world.parley.owner.query(
          `select 1 from pgboss.job where name = 'crawl-source' and data->>'sourceId' = $1 and state = 'completed'`,
          [source.id],
        )
        return rows.length === 2
      },
      slow,
    )
    expect(await world.texts(source.id)).toContain('Words of today.')
    expect(await world.texts(source.id)).not.toContain('yesterday')
    expect(await world.settled(source.id)).toEqual(current)
  })

  test('K2: a source that is deleted while it is read stays deleted', async () => {
    const { url, pages, asked } = await startSite({})
    let release: () => void = () => undefined
    pages.set('/', (_request, response) => {
      release = () => void response.setHeader('content-type', 'text/html').end(page('Late', 'Too late.'))
    })
    const source = await world.add({ type: 'url', url })
    await eventually('it is being read', () => asked.includes('/'), slow)
    expect((await world.workspace.owner.call('delete', `${path}/${source.id}`)).status).toBe(204)
    release()
    await eventually(
      'the job is done',
      async () => {
        const { rows } = await world.parley.owner.query(
          `select 1 from pgboss.job where name = 'crawl-source' and data->>'sourceId' = $1 and state = 'completed'`,
          [source.id],
        )
        return rows.length === 1
      },
      slow,
    )
    expect(await world.texts(source.id)).toBe('')
  })
})
