import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { databaseKinds } from '../support/databases.ts'
import { eventually } from '../support/eventually.ts'
import { closeServers } from '../support/outgoing.ts'
import { quickWorkspace } from '../support/quickPeople.ts'
import { page, startSite } from '../support/site.ts'
import { type SourcesWorld, startSourcesWorld } from '../support/sourcesWorld.ts'

vi.setConfig({ testTimeout: 120_000 })

describe.each(databaseKinds)('K2 sites on %s', kind => {
  let world: SourcesWorld
  beforeAll(async () => {
    world = await startSourcesWorld(kind)
  })
  afterAll(() => world.parley.remove())
  afterEach(closeServers)

  const site = (url: string, settings: Record<string, unknown> = {}) =>
    world.read({ type: 'url', url, settings: { mode: 'site', ...settings } })
  const pathsOf = async (id: string, status = 'ready') =>
    (await world.documents(id))
      .filter(document => document.status === status)
      .map(({ uri }) => new URL(uri).pathname + new URL(uri).search)
      .sort()

  test('K2: sites that never answer hold up neither a text nor a site of another workspace', async () => {
    const trap = await startSite({})
    trap.pages.set('/', () => undefined)
    const trapped = []
    for (let at = 0; at < 5; at++) trapped.push(await world.add({ type: 'url', url: `${trap.url}/?${at}` }))
    const began = () => trap.asked.filter(path => path.startsWith('/?')).length
    await eventually('the first is asked for', () => began() > 0)
    const other = await quickWorkspace(world.parley)
    const { url } = await startSite({ '/': page('Elsewhere', 'Herring is smoked here.') })
    const own = [
      { type: 'text', name: 'A text', text: 'Herring is salted here.' },
      { type: 'url', url },
    ]
    for (const body of own) expect((await world.read(body, other)).status).toBe('ready')
    expect(began()).toBe(1)
    for (const { id } of trapped)
      await world.workspace.owner.call('delete', `/api/v1/knowledge/sources/${id}`)
  })

  test('K2: one page is one document, and none of its links is followed', async () => {
    const { url, asked } = await startSite({
      '/a': page('A page', 'Herring is smoked here.', ['/b']),
      '/b': page('B', 'b'),
    })
    const source = await world.read({ type: 'url', url: `${url}/a#part` })
    expect(source).toMatchObject({ status: 'ready', counts: { documents: 1 }, error: null })
    expect(await world.documents(source.id)).toMatchObject([
      { uri: `${url}/a`, title: 'A page', status: 'ready' },
    ])
    expect(asked).toEqual(['/robots.txt', '/a'])
  })

  test('K2: a site is what links and sitemaps lead to, of the same origin; what vanished is removed, what is new is added', async () => {
    const other = await startSite({ '/': page('Elsewhere', 'Not ours.') })
    const { url, pages } = await startSite({
      '/': page('Home', 'Welcome aboard.', [
        '/one',
        '/two?utm_source=x',
        `${other.url}/`,
        'mailto:a@b.example',
        '/pic.png',
      ]),
      '/one': page('One', 'First words.', ['/', '/deep/er']),
      '/two': page('Two', 'Second words.'),
      '/deep/er': page('Deeper', 'Third words.'),
      '/pic.png': { headers: { 'content-type': 'image/png' }, body: 'no text' },
      '/sitemap.xml': {
        headers: { 'content-type': 'application/xml' },
        body: '<?xml version="1.0"?><urlset><url><loc>/listed?a=1&amp;b=2</loc></url></urlset>',
      },
      '/listed': page('Listed', 'Only in the sitemap.'),
    })
    const source = await site(url)
    expect(await pathsOf(source.id)).toEqual(['/', '/deep/er', '/listed?a=1&b=2', '/one', '/two'])
    expect(other.asked).toEqual([])
    const before = await world.documents(source.id)
    pages.delete('/two')
    pages.set('/', page('Home', 'Welcome aboard.', ['/one', '/three']))
    pages.set('/three', page('Three', 'New words.'))
    await world.resync(source.id)
    expect(await pathsOf(source.id)).toEqual(['/', '/deep/er', '/listed?a=1&b=2', '/one', '/three'])
    const idOf = (documents: typeof before, path: string) =>
      documents.find(({ uri }) => uri === url + path)?.id
    expect(idOf(await world.documents(source.id), '/one')).toBe(idOf(before, '/one'))
    expect(await world.texts(source.id)).not.toContain('Second words')
  })

  test('K2: a page that fails for the moment keeps what was read of it before', async () => {
    const { url, pages } = await startSite({
      '/': page('Home', 'Welcome.', ['/one']),
      '/one': page('One', 'Precious words.'),
    })
    const source = await site(url)
    pages.set('/one', { status: 500 })
    const again = await world.resync(source.id)
    expect(again).toMatchObject({ status: 'ready', counts: { documents: 2 } })
    expect(await world.texts(source.id)).toContain('Precious words.')
    const one = (await world.documents(source.id)).find(({ uri }) => uri.endsWith('/one'))
    expect(one).toMatchObject({ status: 'ready', error: { code: 'outdated' } })
    pages.set('/one', page('One', 'Precious words.'))
    await world.resync(source.id)
    expect((await world.documents(source.id)).map(({ error }) => error)).toEqual([null, null])
  })

  test('K2 V4: what could not be read for a while is cited as before once it can be', async () => {
    const words = page('One', 'Precious words.')
    const { url, pages } = await startSite({ '/': page('Home', 'Welcome.', ['/one']), '/one': words })
    const source = await site(url)
    const chunks = async () =>
      (
        await world.parley.owner.query(
          `select c.id, c.text from knowledge_chunks c join knowledge_documents d on d.id = c.document_id
           where c.source_id = $1 and d.uri = $2 and c.searchable order by c.position`,
          [source.id, `${url}/one`],
        )
      ).rows
    const before = await chunks()
    expect(before).toHaveLength(1)
    for (const away of [{ status: 403 }, page('One', 'x', ['/'], '<meta name="robots" content="noindex">')]) {
      pages.set('/one', away)
      await world.resync(source.id)
      expect(await chunks()).toEqual([])
      pages.set('/one', words)
      await world.resync(source.id)
      expect(await chunks()).toEqual(before)
    }
  })

  test('K2: limits of pages and depth and patterns are kept, and it is said what was left out', async () => {
    const chain = Object.fromEntries(
      Array.from({ length: 12 }, (_, at) => [
        `/p${at}`,
        page(`P${at}`, `Words of ${at}.`, [`/p${at + 1}`, `/x/${at}`]),
      ]),
    )
    const { url } = await startSite({ ...chain, '/x/0': page('X', 'An x.') })
    const few = await site(`${url}/p0`, { maxPages: 3, exclude: ['/x/*'] })
    expect(await pathsOf(few.id)).toEqual(['/p0', '/p1', '/p2'])
    expect(few).toMatchObject({ status: 'ready', error: { code: 'too_many_pages' } })
    const shallow = await site(`${url}/p0`, { maxDepth: 1 })
    expect(await pathsOf(shallow.id)).toEqual(['/p0', '/p1', '/x/0'])
    expect(shallow.error).toBeNull()
    const some = await site(`${url}/p0`, { include: ['/p*'], maxDepth: 4 })
    expect(await pathsOf(some.id)).toEqual(['/p0', '/p1', '/p2', '/p3', '/p4'])
  })

  test('K2: a site that makes up addresses without end comes to an end', async () => {
    let pages = 0
    const trap = await startSite({ '/': page('Calendar', 'Begin.', ['/calendar?day=0', '/loop/']) })
    trap.pages.set('/calendar', (request, response) => {
      pages++
      const day = Number(new URL(request.url ?? '', trap.url).searchParams.get('day'))
      response.setHeader('content-type', 'text/html')
      response.end(page(`Day ${day}`, `Nothing on day ${day}.`, [`?day=${day + 1}`, `?day=${day + 2}`]))
    })
    for (let depth = 1; depth < 8; depth++)
      trap.pages.set(`/${'loop/'.repeat(depth)}`, page(`Loop ${depth}`, `Round ${depth}.`, ['loop/']))
    const source = await site(trap.url, { maxDepth: 20, maxPages: 100 })
    expect(source.status).toBe('ready')
    expect(pages).toBeLessThanOrEqual(25)
    expect((await pathsOf(source.id)).filter(path => path.startsWith('/loop'))).toEqual([
      '/loop/',
      '/loop/loop/',
    ])
  })

  test('K2: robots.txt, nofollow and noindex are respected', async () => {
    const { url, asked, pages } = await startSite({
      '/robots.txt': {
        headers: { 'content-type': 'text/plain' },
        body: 'User-agent: other\nDisallow: /\n\nUser-agent: Parley\nUser-agent: third\nCrawl-delay: 0.2\nDisallow: /private\nAllow: /private/open$\nDisallow: /*.cgi',
      },
      '/': page('Home', 'Hello.', [
        '/private/a',
        '/private/open',
        '/b.cgi?x',
        '/quiet',
        '/dead-end',
        '<a rel="nofollow" href="/unloved">x</a>',
      ]),
      '/private/open': page('Open', 'Open words.'),
      '/private/a': page('Secret', 'Secret words.'),
      '/quiet': page('Quiet', 'Quiet words.', ['/behind'], '<meta name="robots" content="NOINDEX">'),
      '/behind': page('Behind', 'Words behind.'),
      '/dead-end': page('End', 'Words at the end.', ['/beyond'], '<meta name="robots" content="nofollow">'),
      '/beyond': page('Beyond', 'Words beyond.'),
      '/unloved': page('Unloved', 'Unloved words.'),
    })
    const source = await site(url)
    expect(await pathsOf(source.id)).toEqual(['/', '/behind', '/dead-end', '/private/open'])
    for (const path of ['/private/a', '/b.cgi?x', '/beyond', '/unloved']) expect(asked).not.toContain(path)
    const skipped = (await world.documents(source.id)).filter(({ status }) => status === 'skipped')
    expect(Object.fromEntries(skipped.map(({ uri, error }) => [new URL(uri).pathname, error?.code]))).toEqual(
      {
        '/private/a': 'robots_refused',
        '/b.cgi': 'robots_refused',
        '/quiet': 'noindex',
      },
    )
    expect(await world.read({ type: 'url', url: `${url}/private/a` })).toMatchObject({
      status: 'error',
      error: { code: 'robots_refused' },
    })
    pages.set('/robots.txt', { status: 503, headers: { 'retry-after': '0' } })
    expect(await site(url)).toMatchObject({ status: 'error', error: { code: 'robots_unreadable' } })
  })

  test('S5: private addresses are refused, also where a redirect leads to one', async () => {
    const { url, port } = await startSite({
      '/': page('Home', 'Hello.', ['/away', '/fine']),
      '/fine': page('Fine', 'Fine words.'),
      '/away': (_request, response) =>
        void response.writeHead(302, { location: `http://127.0.0.2:${port}/secret` }).end(),
      '/secret': page('Secret', 'Inner words.'),
    })
    for (const address of [
      `http://127.0.0.2:${port}/`,
      'http://169.254.169.254/latest/meta-data',
      'http://[::1]/',
      `${url}/away`,
    ]) {
      const refused = await world.read({ type: 'url', url: address })
      expect([address, refused.status, refused.error?.code]).toEqual([address, 'error', 'private_address'])
    }
    const source = await site(url)
    expect(await pathsOf(source.id)).toEqual(['/', '/fine'])
    expect(await world.texts(source.id)).not.toContain('Inner words')
    expect((await world.documents(source.id)).find(({ uri }) => uri.endsWith('/away'))?.error?.code).toBe(
      'private_address',
    )
  })

  test('K2: a site that is not there, refuses, or has nothing to read says so', async () => {
    const { url } = await startSite({
      '/locked': { status: 401 },
      '/picture': {
        headers: { 'content-type': 'image/png' },
        body: Buffer.from('89504e470d0a1a0a00000000', 'hex'),
      },
    })
    const codeOf = async (address: string) => (await world.read({ type: 'url', url: address })).error?.code
    expect(await codeOf(`${url}/nothing`)).toBe('not_found')
    expect(await codeOf(`${url}/locked`)).toBe('access_denied')
    expect(await codeOf(`${url}/picture`)).toBe('unsupported')
    expect(await codeOf('http://127.0.0.1:9/')).toBe('unreachable')
  })
})
