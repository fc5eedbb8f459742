import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { databaseKinds } from '../support/databases.ts'
import { pdfOf } from '../support/documents.ts'
import { type FakeRepository, startFakeRepository } from '../support/fakeRepository.ts'
import { closeServers } from '../support/outgoing.ts'
import { type SourcesWorld, startSourcesWorld } from '../support/sourcesWorld.ts'

vi.setConfig({ testTimeout: 120_000 })

const path = '/api/v1/knowledge/sources'

describe.each(databaseKinds)('K2 repositories on %s', kind => {
  let world: SourcesWorld
  let github: FakeRepository
  beforeAll(async () => {
    github = await startFakeRepository('octo/handbook', {})
    world = await startSourcesWorld(kind, { GITHUB_API_URL: `${github.url}/` })
  })
  afterAll(async () => {
    await world.parley.remove()
    closeServers()
  })
  beforeEach(async () => {
    github.files.clear()
    Object.assign(github, { token: undefined, truncated: false, exhausted: false })
    for (const [name, content] of Object.entries({
      'README.md': '# Handbook\n\nHow we work.',
      'docs/tides.md': '# Tides\n\nThe tide turns at noon.',
      'docs/chart.pdf': await pdfOf([['Depths of the harbour.']]),
      'src/index.ts': 'export const depth = 7\n',
      'logo.png': Buffer.from('89504e470d0a1a0a', 'hex'),
      'node_modules/a/readme.md': '# Of others',
      'package-lock.json': '{}',
    }))
      github.files.set(name, content)
    github.asked.length = 0
  })

  const add = (settings: Record<string, unknown> = {}, more: Record<string, unknown> = {}) =>
    world.read({ type: 'github', settings: { repository: 'octo/handbook', ...settings }, ...more })
  const uris = async (id: string) => (await world.documents(id)).map(({ uri }) => uri).sort()

  test('K2: texts and documents of the default branch are read, and nothing of others or of programs', async () => {
    const source = await add()
    expect(source).toMatchObject({ status: 'ready', name: 'octo/handbook', error: null, hasToken: false })
    expect(await uris(source.id)).toEqual(['README.md', 'docs/chart.pdf', 'docs/tides.md', 'src/index.ts'])
    expect(await world.texts(source.id)).toContain('Depths of the harbour.')
  })

  test('K2: patterns and the number of files limit it, and it is said what was left out', async () => {
    const some = await add({ include: ['docs/*', '*.ts'], exclude: ['*.pdf'] })
    expect(await uris(some.id)).toEqual(['docs/tides.md', 'src/index.ts'])
    const few = await add({ maxFiles: 2 })
    expect(few).toMatchObject({
      status: 'ready',
      error: { code: 'too_many_pages' },
      counts: { documents: 2 },
    })
    github.truncated = true
    expect((await add()).error?.code).toBe('too_many_pages')
  })

  test('K2: reading again fetches only what has another version, and removes what has vanished', async () => {
    const source = await add()
    github.asked.length = 0
    await world.resync(source.id)
    expect(github.asked.filter(asked => asked.includes('/blobs/'))).toEqual([])
    github.files.set('docs/tides.md', '# Tides\n\nThe tide turns at two.')
    github.files.delete('src/index.ts')
    await world.resync(source.id)
    expect(github.asked.filter(asked => asked.includes('/blobs/'))).toHaveLength(1)
    expect(await uris(source.id)).toEqual(['README.md', 'docs/chart.pdf', 'docs/tides.md'])
    expect(await world.texts(source.id)).toContain('turns at two')
  })

  test('S5: a token opens a private repository; it is sealed, and nobody ever sees it again', async () => {
    github.token = 'ghp_a-secret-token'
    const closed = await add()
    expect(closed).toMatchObject({ status: 'error', error: { code: 'not_found' } })
    const { owner } = world.workspace
    const changed = await owner.call('patch', `${path}/${closed.id}`, { token: github.token })
    expect(changed.body).toMatchObject({ hasToken: true, status: 'processing' })
    expect(await world.settled(closed.id)).toMatchObject({ status: 'ready', hasToken: true })
    await add({}, { token: github.token })
    const stored = await world.parley.owner.query('select * from knowledge_sources')
    const audit = await world.parley.owner.query('select * from audit_logs')
    const jobs = await world.parley.owner.query('select data, output from pgboss.job')
    const told = await owner.call('get', path)
    expect(JSON.stringify([stored.rows, audit.rows, jobs.rows, told.body])).not.toContain(github.token)
    expect((await owner.call('patch', `${path}/${closed.id}`, { token: null })).body).toMatchObject({
      hasToken: false,
    })
    expect(await world.settled(closed.id)).toMatchObject({
      error: { code: 'not_found' },
      counts: { documents: 4 },
    })
  })

  test('K2: no more requests for now is told as that', async () => {
    github.exhausted = true
    expect(await add()).toMatchObject({ status: 'error', error: { code: 'rate_limited' } })
  })
})
