import { afterEach, describe, expect, test, vi } from 'vitest'
import { databaseKinds } from '../support/databases.ts'
import { eventually } from '../support/eventually.ts'
import { closeServers } from '../support/outgoing.ts'
import { type ScriptedModel, startScriptedModel } from '../support/services/scriptedModel.ts'
import { page, startSite } from '../support/site.ts'
import { slow, startSourcesWorld } from '../support/sourcesWorld.ts'

vi.setConfig({ testTimeout: 180_000 })

const openai = (service: ScriptedModel) => ({
  ...{ OPENAI_BASE_URL: service.url, OPENAI_API_KEY: 'sk-test', OPENAI_MODEL: 'scripted' },
  OPENAI_EMBEDDING_MODEL: 'scripted-embedding',
})

describe.each(databaseKinds)('K2 sources through restarts on %s', kind => {
  const ends: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    closeServers()
    for (const end of ends.splice(0).reverse()) await end()
  })
  const startService = async () => {
    const service = await startScriptedModel()
    ends.push(service.stop)
    return service
  }
  const startWorld = async (environment: Record<string, string>) => {
    const world = await startSourcesWorld(kind, environment)
    ends.push(world.parley.remove)
    return world
  }

  test('K2: a node that stops in the middle leaves the rest to the next one, which does no document twice', async () => {
    const service = await startService()
    const { url, pages, asked } = await startSite({
      '/': page('Home', 'Words of home.', ['/one', '/two']),
      '/one': page('One', 'Words of one.'),
    })
    // Never answered.
    pages.set('/two', () => undefined)
    const world = await startWorld(openai(service))
    const { id } = await world.add({ type: 'url', url, settings: { mode: 'site' } })
    await eventually('the third page is asked for', () => asked.includes('/two'), slow)
    await world.parley.stop()
    pages.set('/two', page('Two', 'Words of two.'))
    const next = await world.parley.restart(openai(service))
    ends.push(next.stop)
    const state = async () => {
      const { rows } = await world.parley.owner.query('select status from knowledge_sources where id = $1', [
        id,
      ])
      return rows[0]?.status
    }
    await eventually('it is read', async () => (await state()) === 'ready', slow)
    const texts = service.requests.flatMap(({ body }) => [body.input ?? []].flat())
    for (const words of ['Words of home.', 'Words of one.', 'Words of two.'])
      expect(
        texts.filter(text => text.includes(words)),
        words,
      ).toHaveLength(1)
  })

  test('K2: another embedder embeds in the background what the former one had, without reading it again', async () => {
    const service = await startService()
    const { url, asked } = await startSite({
      '/': page('Home', 'Words of home.', ['/one']),
      '/one': page('One', 'Words of one.'),
    })
    const world = await startWorld({})
    const site = await world.read({ type: 'url', url, settings: { mode: 'site' } })
    const text = await world.read({ type: 'text', name: 'A text', text: 'Some words.' })
    expect(site.embedder).toBe('built-in-4/1536')
    await world.parley.stop()
    asked.length = 0
    const next = await world.parley.restart(openai(service))
    ends.push(next.stop)
    const { owner } = world.parley
    const chunks = async () =>
      (await owner.query('select id, embedding is not null as embedded from knowledge_chunks order by id'))
        .rows
    const before = await chunks()
    await owner.query('update knowledge_chunks set embedding = null')
    await owner.query(`insert into pgboss.job (name, data) values ('nightly-sweep', '{}')`)
    await eventually(
      'all is embedded anew',
      async () => {
        const { rows } = await owner.query<{ embedder: string }>('select embedder from knowledge_sources')
        return rows.every(({ embedder }) => embedder === 'scripted-embedding/1536')
      },
      slow,
    )
    expect(await chunks()).toEqual(before)
    expect(asked).toEqual([])
    expect(service.requests.flatMap(({ body }) => [body.input ?? []].flat())).toHaveLength(3)
    expect(text.counts.chunks).toBe(1)
  })
})
