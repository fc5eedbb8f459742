import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { newId } from '../../src/kernel/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import type { Workspace } from '../support/people.ts'
import { expectProblem, faultPaths } from '../support/problems.ts'
import { quickMember, quickWorkspace } from '../support/quickPeople.ts'
import { connectVisitor, newWidget, visit } from '../support/sockets.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

interface Agent {
  id: string
  name: string
  status: string
  instructions: string
  published: boolean
  version: number
  tools: string[]
  toolResources: { httpTools?: Record<string, unknown>[] }
  createdBy: string | null
}
interface List<Item> {
  items: Item[]
  nextCursor: string | null
}

const api = '/api/v1/agents'
const secret = 'sk-very-secret-0815'

const lookUp = {
  name: 'look_up',
  description: 'Looks an order up',
  method: 'GET',
  url: 'https://shop.example.com/orders/{id}?lang={lang}',
  parameters: {
    type: 'object',
    properties: { id: { type: 'string' }, lang: { type: 'string', enum: ['en', 'de'] } },
    required: ['id', 'lang'],
  },
}

describe.each(databaseKinds)('K1: agents on %s', kind => {
  let parley: TestParley
  let workspace: Workspace
  const name = () => `Agent ${newId()}`
  const call = <Body = Agent>(method: string, path: string, body?: unknown) =>
    workspace.owner.call<Body>(method, path, body)

  beforeAll(async () => {
    parley = await startParley(kind)
    workspace = await quickWorkspace(parley)
  })
  afterAll(() => parley?.remove())

  async function newAgent(values: Record<string, unknown> = {}): Promise<Agent> {
    const answer = await call('post', api, { name: name(), ...values })
    expect(answer.status, JSON.stringify(answer.body)).toBe(201)
    return answer.body
  }
  const withTool = (tool: Record<string, unknown>) => ({
    toolResources: { httpTools: [{ ...lookUp, ...tool }] },
  })
  const rowOf = async (table: string, id: string) =>
    (await parley.owner.query(`select * from ${table} where id = $1`, [id])).rows[0]

  test('K1: a draft answers nobody; published it does, and every publication is a version that stays as it was', async () => {
    const draft = await newAgent({ instructions: 'Say one.' })
    expect(draft).toMatchObject({ status: 'draft', published: false, version: 0 })
    expectProblem(await call('patch', `${api}/${draft.id}`, { status: 'active' }), 'conflict')

    const first = await call('post', `${api}/${draft.id}/publish`, { note: 'The beginning' })
    expect(first.body).toMatchObject({ status: 'active', published: true, version: 1 })
    await call('patch', `${api}/${draft.id}`, { instructions: 'Say two.', tools: ['hand_over'] })
    const versionOne = `${api}/${draft.id}/versions/1`
    expect((await call(`get`, versionOne)).body).toMatchObject({
      ...{ version: 1, note: 'The beginning' },
      definition: { instructions: 'Say one.' },
    })
    expect((await call('post', `${api}/${draft.id}/publish`)).body.version).toBe(2)

    await call('patch', `${api}/${draft.id}`, { instructions: 'Say three.' })
    const back = await call('post', `${versionOne}/restore`, {})
    expect(back.body).toMatchObject({ version: 3, instructions: 'Say one.' })
    expect(back.body.tools).toEqual(draft.tools)
    const versions = await call<List<{ version: number; note: string }>>(
      'get',
      `${api}/${draft.id}/versions?limit=2`,
    )
    expect(versions.body.items.map(({ version }) => version)).toEqual([3, 2])
    expect(versions.body.items[0]?.note).toBe('Version 1 again')
    expect(versions.body.nextCursor).not.toBeNull()
    expect(
      (await call<{ definition: Agent }>('get', `${api}/${draft.id}/versions/2`)).body.definition,
    ).toMatchObject({
      ...{ instructions: 'Say two.', tools: ['hand_over'] },
    })
    expectProblem(await call('get', `${api}/${draft.id}/versions/4`), 'not_found')
    expectProblem(await call('post', `${api}/${draft.id}/versions/9/restore`), 'not_found')
  })

  test('K1: publications at once are versions one after the other', async () => {
    const { id } = await newAgent()
    const answers = await Promise.all(Array.from({ length: 6 }, () => call('post', `${api}/${id}/publish`)))
    expect(answers.map(({ body }) => body.version).toSorted()).toEqual([1, 2, 3, 4, 5, 6])
  })

  test('K1: templates are there for everybody, and an agent that starts from one is its own', async () => {
    const { items } = (
      await call<List<{ id: string; name: string; basePrompt: string; suggestedTools: string[] }>>(
        'get',
        '/api/v1/agent-templates',
      )
    ).body
    expect(items.length).toBeGreaterThanOrEqual(5)
    for (const template of items) {
      const agent = await newAgent({ templateId: template.id, name: `${template.name} ${newId()}` })
      expect(agent).toMatchObject({ instructions: template.basePrompt, tools: template.suggestedTools })
    }
    const [template] = items
    const plain = await call('post', api, { templateId: template?.id })
    expect(plain.body.name).toBe(template?.name)
    expectProblem(await call('post', api, { templateId: template?.id }), 'conflict')
    expectProblem(await call('post', api, { templateId: newId() }), 'not_found')
    expect(faultPaths(await call('post', api, {}))).toEqual(['name'])
  })

  test('K1: to a member from whom it is hidden an agent is not there', async () => {
    const [shown, hidden] = [await newAgent(), await newAgent()]
    await call('post', `${api}/${hidden.id}/publish`)
    const admin = await quickMember(parley, workspace, 'admin')
    const permission = `${api}/${hidden.id}/permissions/${admin.memberId}`
    expect((await call('put', permission, { visibility: 'hidden' })).status).toBe(204)
    const seen = async () =>
      (await admin.call<List<Agent>>('get', `${api}?limit=100`)).body.items.map(({ id }) => id)
    expect(await seen()).toContain(shown.id)
    expect(await seen()).not.toContain(hidden.id)
    for (const [method, path, body] of [
      ['get', `${api}/${hidden.id}`],
      ['patch', `${api}/${hidden.id}`, { instructions: 'x' }],
      ['delete', `${api}/${hidden.id}`],
      ['post', `${api}/${hidden.id}/publish`],
      ['get', `${api}/${hidden.id}/versions`],
      ['get', `${api}/${hidden.id}/versions/1`],
      ['post', `${api}/${hidden.id}/versions/1/restore`],
      ['get', `${api}/${hidden.id}/permissions`],
      ['put', permission, { visibility: 'visible' }],
      ['delete', permission],
    ] as const)
      expectProblem(await admin.call(method, path, body), 'not_found')
    expect((await call('get', `${api}/${hidden.id}`)).status).toBe(200)
    expect((await call('delete', permission)).status).toBe(204)
    expect(await seen()).toContain(hidden.id)
    expectProblem(await call('delete', permission), 'not_found')
    const own = `${api}/${hidden.id}/permissions/${admin.memberId}`
    expectProblem(await admin.call('put', own, { visibility: 'hidden' }), 'conflict')
    expectProblem(
      await call('put', `${api}/${hidden.id}/permissions/${newId()}`, { visibility: 'hidden' }),
      'not_found',
    )
  })

  test.each([
    ['toolResources.httpTools.0.name', withTool({ name: 'hand_over' })],
    ['toolResources.httpTools.1.name', { toolResources: { httpTools: [lookUp, lookUp] } }],
    ['toolResources.httpTools.0.name', withTool({ name: 'two words' })],
    ['toolResources.httpTools.0.url', withTool({ url: 'no address' })],
    ['toolResources.httpTools.0.url', withTool({ url: 'ftp://shop.example.com/{id}{lang}' })],
    ['toolResources.httpTools.0.url', withTool({ url: 'https://ada:secret@shop.example.com/{id}' })],
    ['toolResources.httpTools.0.url', withTool({ url: 'http://169.254.169.254/{id}' })],
    ['toolResources.httpTools.0.url', withTool({ url: 'http://127.0.0.1/{id}' })],
    ['toolResources.httpTools.0.url', withTool({ url: 'https://{id}.example.com/' })],
    ['toolResources.httpTools.0.url', withTool({ url: 'https://shop.example.com{id}/' })],
    ['toolResources.httpTools.0.url', withTool({ url: 'https://shop.example.com/{other}' })],
    ['toolResources.httpTools.0.parameters.type', withTool({ parameters: { type: 'string' } })],
    ['toolResources.httpTools.0.parameters', withTool({ parameters: { type: 'object', required: ['id'] } })],
    [
      'toolResources.httpTools.0.parameters.properties.id.pattern',
      withTool({ parameters: { type: 'object', properties: { id: { type: 'string', pattern: '(a+)+$' } } } }),
    ],
    [
      'toolResources.httpTools.0.parameters.properties.id.type',
      withTool({ parameters: { type: 'object', properties: { id: { type: 'text' } } } }),
    ],
    ['toolResources.httpTools.0.headers.x-key', withTool({ headers: { 'x-key': 'line\nbreak' } })],
    ['tools.0', { tools: ['run_shell'] }],
    [
      `allowedMcpServers.01a00000-0000-7000-8000-000000000000`,
      {
        allowedMcpServers: { '01a00000-0000-7000-8000-000000000000': { tools: 'all' } },
      },
    ],
    ['parameters.temperature', { parameters: { temperature: 3 } }],
    ['limits.seconds', { limits: { seconds: 100_000 } }],
  ])('K5: refuses what cannot be right: %s %j', async (path, values) => {
    const answer = await call('post', api, { name: name(), ...values })
    expectProblem(answer, 'invalid_request')
    expect(faultPaths(answer)).toContain(path)
  })

  test('S5: headers are sealed, never given back, and go to no other origin', async () => {
    const headers = { authorization: `Bearer ${secret}` }
    const agent = await newAgent(withTool({ headers }))
    await call('post', `${api}/${agent.id}/publish`)
    const change = async (tool: Record<string, unknown>) =>
      (await call('patch', `${api}/${agent.id}`, withTool(tool))).body.toolResources.httpTools?.[0]
    const sealed = async () => (await rowOf('agents', agent.id)).tool_resources.httpTools[0].sealedHeaders
    const first = await sealed()
    expect(await change({ description: 'Looks it up' })).toMatchObject({ headerNames: ['authorization'] })
    expect(await sealed()).toBe(first)
    await change({ url: 'https://elsewhere.example.com/{id}' })
    expect(await sealed()).toBeUndefined()
    await call('post', `${api}/${agent.id}/versions/1/restore`)
    expect(await sealed()).toBe(first)

    const said = await Promise.all([
      ...['', '/versions/1', '/versions/2'].map(part => call('get', `${api}/${agent.id}${part}`)),
      call('get', api),
      call('get', '/api/v1/audit?limit=100'),
    ])
    const audit = await parley.owner.query('select * from audit_logs where resource_id = $1', [agent.id])
    const stored = [await rowOf('agents', agent.id), audit.rows, ...said.map(({ body }) => body)]
    expect(JSON.stringify(stored)).not.toContain(secret)
    expect(JSON.stringify([audit.rows, ...said.map(({ body }) => body)])).not.toContain('sealedHeaders')
    expect(JSON.stringify(audit.rows)).not.toContain(first)
  })

  test('K1: a conversation of a widget has its agent where that answers', async () => {
    const [answering, draft] = [await newAgent(), await newAgent()]
    await call('post', `${api}/${answering.id}/publish`)
    const agentOf = async (agentId: string | null) => {
      const widget = await newWidget(workspace)
      const set = await call<{ agentId: string }>('patch', `/api/v1/widgets/${widget.id}`, { agentId })
      expect(set.body.agentId).toBe(agentId)
      const socket = await connectVisitor(parley.url, await visit(parley.url, widget.publicKey))
      const { conversation } = await socket.ask('conversation.open', { clientId: 'main' })
      socket.close()
      return (await rowOf('conversations', conversation.id)).agent_id
    }
    expect(await agentOf(answering.id)).toBe(answering.id)
    expect(await agentOf(draft.id)).toBeNull()
    expect(await agentOf(null)).toBeNull()
    await call('patch', `${api}/${answering.id}`, { status: 'paused' })
    expect(await agentOf(answering.id)).toBeNull()
    const { id } = await newWidget(workspace)
    expectProblem(await call('patch', `/api/v1/widgets/${id}`, { agentId: newId() }), 'conflict')
  })

  test('K1: a deleted agent is gone from its widgets, which stay', async () => {
    const agent = await newAgent()
    const widget = await newWidget(workspace)
    await call('patch', `/api/v1/widgets/${widget.id}`, { agentId: agent.id })
    expect((await call('delete', `${api}/${agent.id}`)).status).toBe(204)
    expect((await call<{ agentId: null }>('get', `/api/v1/widgets/${widget.id}`)).body.agentId).toBeNull()
    expectProblem(await call('get', `${api}/${agent.id}`), 'not_found')
  })

  test('K1: two agents of a workspace have two names', async () => {
    const [one, other] = [await newAgent(), await newAgent()]
    expectProblem(await call('post', api, { name: one.name }), 'conflict')
    expectProblem(await call('patch', `${api}/${other.id}`, { name: one.name }), 'conflict')
  })
})

test('K1: the demo workspace has an agent that answers in its widget', async () => {
  const parley = await startParley(databaseKinds.at(-1) ?? 'embedded', { SEED_DEMO: 'true' })
  try {
    const { rows } = await parley.owner.query(
      `select a.name, a.status, a.version, v.definition from widgets w
       join agents a on a.id = w.agent_id join agent_versions v on v.agent_id = a.id and v.version = a.version`,
    )
    expect(rows).toMatchObject([{ name: 'Pine', status: 'active', version: 1, definition: { name: 'Pine' } }])
  } finally {
    await parley.remove()
  }
})
