import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { createToolbox, readDefinition } from '../../src/agents/index.ts'
import { publishAgent } from '../../src/agents/publishAgent.ts'
import { updateAgent } from '../../src/agents/updateAgent.ts'
import { createLog, newId } from '../../src/kernel/index.ts'
import { type AgentWorld, openAgents } from '../support/agentWorld.ts'
import { databaseKinds } from '../support/databases.ts'
import { closeServers, outgoing, serving } from '../support/outgoing.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

const secret = 'sk-very-secret-0815'

/** A server that notes what it is asked. */
async function noting(answer: (url: string) => { status?: number; type?: string; body: string }) {
  const asked: { method: string; url: string; headers: Record<string, unknown>; body: string }[] = []
  const { url, port } = await serving(async (request, response) => {
    let body = ''
    for await (const part of request) body += part
    asked.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body })
    const { status = 200, type = 'application/json', body: said } = answer(request.url ?? '')
    response.writeHead(status, { 'content-type': type, location: 'http://169.254.169.254/latest' }).end(said)
  })
  return { url, port, asked }
}

const order = {
  type: 'object' as const,
  properties: { id: { type: 'string' }, count: { type: 'integer', minimum: 1 }, note: { type: 'string' } },
  required: ['id'],
  additionalProperties: false,
}
const httpTool = (url: string, more: Record<string, unknown> = {}) => ({
  tools: [],
  toolResources: {
    httpTools: [
      ...[
        { name: 'order', description: 'An order', method: 'GET' as const, url, parameters: order, ...more },
      ],
    ],
  },
})

describe.each(databaseKinds)('K5: what an agent can do, on %s', kind => {
  let world: AgentWorld
  beforeAll(async () => {
    world = await openAgents(kind)
  })
  afterEach(closeServers)
  afterAll(() => world?.drop())

  const contactRow = async (id: string) =>
    (await world.owner.query('select * from contacts where id = $1', [id])).rows[0]

  test('K1: an agent answers with what was published, and only while it is active', async () => {
    const { scope, db } = world
    const { id } = await world.newAgent({ instructions: 'Say one.' })
    const read = () => db.scoped(scope, tx => readDefinition(tx, scope, id))
    const update = (values: Parameters<typeof updateAgent>[4]) =>
      db.scoped(scope, tx => updateAgent(scope, tx, world.parts(), id, values))
    expect(await read()).toBeUndefined()
    await db.scoped(scope, tx => publishAgent(scope, tx, id))
    await update({ instructions: 'Say two.' })
    expect(await read()).toMatchObject({
      version: 1,
      definition: { instructions: 'Say one.' },
      agent: { id },
    })
    for (const status of ['paused', 'archived'] as const) {
      await update({ status })
      expect(await read()).toBeUndefined()
    }
    await expect(db.scoped(scope, tx => publishAgent(scope, tx, id))).rejects.toMatchObject({
      code: 'conflict',
    })
    await update({ status: 'active' })
    await db.scoped(scope, tx => publishAgent(scope, tx, id))
    expect(await read()).toMatchObject({ version: 2, definition: { instructions: 'Say two.' } })
  })

  test('K5: only what is switched on is there', async () => {
    expect((await world.open({ tools: [] })).tools).toEqual([])
    const { tools } = await world.open({ tools: ['hand_over', 'remember'] })
    expect(tools.map(({ name }) => name)).toEqual(['hand_over', 'remember'])
    for (const tool of tools) expect(tool.parameters).toMatchObject({ type: 'object' })
  })

  test.each([
    [null],
    ['text'],
    [[1]],
    [{}],
    [{ reason: '' }],
    [{ reason: 1 }],
    [{ reason: 'x', tenantId: 'y' }],
  ])('K5: arguments that do not fit do nothing, and the model is told: %j', async args => {
    const { ask } = await world.open({ tools: ['hand_over'] })
    const result = await ask('hand_over', args)
    expect(result.text).toMatch(/^The arguments do not fit: .+Nothing was done\.$/)
    expect(result.effect).toBeUndefined()
  })

  test('K5: handing over is said to the run, which carries it out', async () => {
    const { ask } = await world.open({ tools: ['hand_over'] })
    expect((await ask('hand_over', { reason: 'Wants a refund', priority: 'high' })).effect).toEqual({
      ...{ kind: 'hand_over', reason: 'Wants a refund', priority: 2 },
    })
    expect((await ask('hand_over', { reason: 'Asks' })).effect).toMatchObject({ priority: 1 })
  })

  test('K5: a passage has one number in a run, and whom to search for comes from the run', async () => {
    const wanted: unknown[] = []
    const passage = (id: string) => ({ number: 1, id, title: `Title ${id}`, text: `text of ${id}` })
    const found = [
      [passage('a'), passage('b')],
      [passage('b'), passage('c')],
    ]
    const find = async (_scope: unknown, asked: object) => {
      wanted.push(asked)
      return {
        passages: found[wanted.length - 1] ?? [],
        judgement: 'unsure' as const,
        recorded: Promise.resolve(),
      }
    }
    const { ask } = await world.open({ tools: ['knowledge_search'] }, { find })
    const first = await ask('knowledge_search', { question: 'What?' })
    expect(first.passages?.map(({ id, number }) => [id, number])).toEqual([
      ['a', 1],
      ['b', 2],
    ])
    const second = await ask('knowledge_search', { question: 'And?' })
    expect(second.passages?.map(({ id, number }) => [id, number])).toEqual([
      ['b', 2],
      ['c', 3],
    ])
    expect(second.text).toContain('[3] Title c\ntext of c')
    const { conversationId, runId, agentId } = world.context
    expect(wanted[0]).toMatchObject({ question: 'What?', conversationId, runId, agentId })
  })

  test('K5: contact details are checked, kept, and never written over what was proved', async () => {
    const { ask } = await world.open({ tools: ['collect_contact'] })
    expect((await ask('collect_contact', { email: 'no address' })).text).toMatch(/^This failed: email/)
    expect((await ask('collect_contact', { phone: 'call me' })).text).toMatch(/^This failed: phone/)
    const kept = await ask('collect_contact', {
      name: ' Ada ',
      email: 'ADA@Shop.example',
      phone: '+47 123 45',
    })
    expect(kept.effect).toMatchObject({ kind: 'contact', taken: ['name', 'email', 'phone'] })
    expect(await contactRow(world.contactId)).toMatchObject({ name: 'Ada', email: 'ada@shop.example' })
    await ask('collect_contact', { name: 'Ada Lovelace' })
    expect(await contactRow(world.contactId)).toMatchObject({ name: 'Ada Lovelace' })

    const contactId = await world.newContact({ name: 'Grace', email: 'grace@navy.example', verified: true })
    const other = await world.open({ tools: ['collect_contact'] }, { context: { contactId } })
    const result = await other.ask('collect_contact', { email: 'eve@evil.example', phone: '12345' })
    expect(result.text).toContain('left as it is: email')
    expect(result.effect).toMatchObject({ taken: ['phone'] })
    expect(await contactRow(contactId)).toMatchObject({ email: 'grace@navy.example', phone: '12345' })
    const nobody = await world.open({ tools: ['collect_contact'] }, { context: { contactId: null } })
    expect((await nobody.ask('collect_contact', { name: 'X' })).text).toMatch(/^This failed: there is nobody/)
  })

  test('K6: what is remembered is kept under its key, with where it was learnt', async () => {
    const { ask } = await world.open({ tools: ['remember'] })
    await ask('remember', { key: 'shoe size', value: '42', category: 'sizes' })
    await ask('remember', { key: 'shoe size', value: '43\u0000' })
    const { rows } = await world.owner.query('select * from memories where contact_id = $1', [
      world.contactId,
    ])
    const { conversationId, agentId } = world.context
    expect(rows).toMatchObject([
      { key: 'shoe size', value: '43', source: 'conversation', source_id: conversationId, agent_id: agentId },
    ])
  })

  test('K5: a call over HTTP has its arguments where they belong, and its secrets for itself', async () => {
    const { url, asked } = await noting(() => ({
      body: JSON.stringify({ saw: `Bearer ${secret}`, ok: true }),
    }))
    const headers = { authorization: `Bearer ${secret}` }
    const get = await world.open(httpTool(`${url}/orders/{id}?fixed=1`, { headers }))
    const result = await get.ask('order', { id: 'ä b?&#', count: 2 })
    expect(asked[0]).toMatchObject({
      method: 'GET',
      url: '/orders/%C3%A4%20b%3F%26%23?fixed=1&count=2',
      body: '',
    })
    expect(asked[0]?.headers.authorization).toBe(`Bearer ${secret}`)
    expect(result).toMatchObject({ data: { status: 200 }, text: '{"saw":"[secret]","ok":true}' })

    const post = await world.open(httpTool(`${url}/orders/{id}`, { method: 'POST', headers }))
    await post.ask('order', { id: '7', count: 2, note: 'now' })
    expect(asked[1]).toMatchObject({ method: 'POST', url: '/orders/7', body: '{"count":2,"note":"now"}' })
    expect(asked[1]?.headers['content-type']).toBe('application/json')
    const { rows } = await world.owner.query('select tool_resources from agents')
    expect(JSON.stringify([rows, get.tools, post.tools, world.logged])).not.toContain(secret)
  })

  test.each([
    ['..', 'path'],
    ['.', 'path'],
    ['', 'path'],
    ['a/b', 'path'],
    ['..\\..\\admin', 'path'],
    ['../admin', 'path'],
  ])('S5: an argument in a path is one step of it: %j', async id => {
    const { url, asked } = await noting(() => ({ body: '{}' }))
    const { ask } = await world.open(httpTool(`${url}/public/{id}/x`))
    expect((await ask('order', { id })).text).toMatch(/^This failed: id cannot be part/)
    expect(asked).toEqual([])
    const query = await world.open(httpTool(`${url}/public?id={id}`))
    await query.ask('order', { id })
    expect(asked[0]?.url).toBe(`/public?id=${encodeURIComponent(id)}`)
  })

  test('K5: arguments that break the schema reach no server', async () => {
    const { url, asked } = await noting(() => ({ body: '{}' }))
    const { ask } = await world.open(httpTool(`${url}/{id}`))
    for (const args of [
      {},
      { id: 1 },
      { id: 'a', count: 0 },
      { id: 'a', other: true },
      { id: 'a', count: 1.5 },
    ])
      expect((await ask('order', args)).text).toMatch(/^The arguments do not fit/)
    expect((await ask('order', { id: 'a', note: 'x'.repeat(40_000) })).text).toMatch(/too long/)
    expect(asked).toEqual([])
  })

  test('K5: what a server answers is cut, named or reported, and never ends a run', async () => {
    const { url } = await noting(path => {
      if (path.startsWith('/missing')) return { status: 404, body: '{"error":"unknown"}' }
      if (path.startsWith('/picture')) return { type: 'image/png', body: 'PNG' }
      if (path.startsWith('/moved')) return { status: 302, body: '' }
      if (path.startsWith('/huge')) return { body: 'x'.repeat(600 * 1024) }
      return { type: 'text/plain', body: 'x'.repeat(30_000) }
    })
    const { ask } = await world.open(httpTool(`${url}/{id}`))
    const said = async (id: string) => (await ask('order', { id })).text
    expect(await said('missing')).toBe('HTTP 404\n{"error":"unknown"}')
    expect(await said('picture')).toMatch(/^\[an answer of the type image\/png/)
    expect(await said('long')).toMatch(/\[cut: 10000 more characters\]$/)
    expect(await said('huge')).toMatch(/^This failed: .*bytes/)
    expect(await said('moved')).toMatch(/^This failed: This address is not public/)
    closeServers()
    expect(await said('gone')).toMatch(/^This failed: The server cannot be reached/)
  })

  test('S5: an address that has become private since it was saved is not asked', async () => {
    const { port, asked } = await noting(() => ({ body: '{}' }))
    const { definition } = await world.newAgent(httpTool(`http://127.0.0.1:${port}/{id}`))
    const [tool] = definition.toolResources.httpTools ?? []
    if (!tool) throw new Error('there is no tool')
    const strict = createToolbox({
      ...{ ...world.parts(), outgoing: outgoing([]), log: createLog({ level: 'silent' }) },
      find: async () => ({ passages: [], judgement: 'none', recorded: Promise.resolve() }),
    })
    const { tools } = await strict.toolsFor(world.context, definition)
    const result = await tools[0]?.call(
      { ...world.context, callKey: 'key' },
      { id: 'a' },
      new AbortController().signal,
    )
    expect(result?.text).toBe('This failed: This address is not public.')
    expect(asked).toEqual([])
  })

  test('K5: an aborted run throws, whatever its tools do', async () => {
    const { url } = await serving(() => undefined)
    const { ask } = await world.open({ ...httpTool(`${url}/{id}`), tools: ['hand_over'] })
    const controller = new AbortController()
    const asking = ask('order', { id: 'a' }, controller.signal)
    controller.abort(new Error('stopped'))
    await expect(asking).rejects.toThrow('stopped')
    await expect(ask('hand_over', { reason: 'x' }, controller.signal)).rejects.toThrow('stopped')
  })

  test('S5: of what was not foreseen the model learns nothing, and the log no text', async () => {
    const find = async () => {
      throw new Error(`password is ${secret}`)
    }
    const { ask } = await world.open({ tools: ['knowledge_search'] }, { find })
    expect((await ask('knowledge_search', { question: `about ${newId()}` })).text).toBe(
      'This failed: something went wrong inside.',
    )
    expect(world.logged.at(-1)).toContain('a tool failed')
    expect(world.logged.at(-1)).not.toContain('about ')
  })
})
