import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { databaseKinds } from '../support/databases.ts'
import { closeServers } from '../support/outgoing.ts'
import { quickMember, quickWorkspace } from '../support/quickPeople.ts'
import { page, startSite } from '../support/site.ts'
import { connectMember, type TestSocket } from '../support/sockets.ts'
import { type SourcesWorld, slow, startSourcesWorld } from '../support/sourcesWorld.ts'

vi.setConfig({ testTimeout: 120_000 })

describe.each(databaseKinds)('K2 news of sources on %s', kind => {
  let world: SourcesWorld
  const sockets: TestSocket[] = []
  beforeAll(async () => {
    world = await startSourcesWorld(kind)
  })
  afterAll(() => world.parley.remove())
  afterEach(() => {
    closeServers()
    for (const socket of sockets.splice(0)) socket.close()
  })

  async function connect(person: { token: string }): Promise<TestSocket> {
    const socket = await connectMember(world.parley.url, person)
    sockets.push(socket)
    return socket
  }

  test('K2: who follows the knowledge sees how far each source has come, not too often, and its end', async () => {
    const links = Array.from({ length: 20 }, (_, at) => `/p${at}`)
    const pages = links.map(link => [link, page(link, `Words of ${link}.`)] as const)
    const { url } = await startSite({ '/': page('Home', 'Home words.', links), ...Object.fromEntries(pages) })
    const support = await quickMember(world.parley, world.workspace, 'support_agent')
    const follower = await connect(support)
    const stranger = await connect((await quickWorkspace(world.parley)).owner)
    expect((await follower.ask('knowledge.subscribe', {})).sources).toEqual([])
    await stranger.ask('knowledge.subscribe', {})
    const began = Date.now()
    const { id } = await world.add({ type: 'url', url, settings: { mode: 'site' } })
    const end = await follower.next('source', source => source.id === id && source.status === 'ready', slow)
    const seconds = (Date.now() - began) / 1_000
    expect(end).toMatchObject({
      error: null,
      counts: { documents: 21 },
      progress: { stage: 'done', done: 21 },
    })
    const told = follower.received('source')
    expect(told.some(({ progress }) => progress.stage === 'reading' && progress.done < 21)).toBe(true)
    expect(told.map(({ progress }) => progress.done)).toEqual(
      told.map(({ progress }) => progress.done).sort((one, other) => one - other),
    )
    expect(told.length).toBeLessThanOrEqual(4 * seconds + 2)
    expect((await follower.ask('knowledge.subscribe', {})).sources).toEqual([end])
    await world.workspace.owner.call('delete', `/api/v1/knowledge/sources/${id}`)
    await follower.next('source.gone', gone => gone.id === id, slow)
    expect(stranger.received('source')).toEqual([])
    expect(stranger.received('source.gone')).toEqual([])
  })

  test('S3 K2: who may not read the knowledge cannot follow it, and who has left hears nothing', async () => {
    const member = await connect(await quickMember(world.parley, world.workspace, 'member'))
    expect(await member.answer('knowledge.subscribe', {})).toMatchObject({
      ok: false,
      error: { code: 'forbidden' },
    })
    const [left, there] = [await connect(world.workspace.owner), await connect(world.workspace.owner)]
    for (const socket of [left, there]) await socket.ask('knowledge.subscribe', {})
    await left.ask('knowledge.unsubscribe', {})
    const { id } = await world.add({ type: 'text', name: 'A text', text: 'Words.' })
    await there.next('source', source => source.id === id && source.status === 'ready', slow)
    expect(left.received('source')).toEqual([])
    expect(member.received('source')).toEqual([])
  })
})
