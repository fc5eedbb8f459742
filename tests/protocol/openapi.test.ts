import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeApi, personRoute, publicRoute } from '../../src/http/index.ts'
import { errorCodes, errorTable } from '../../src/protocol/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { contradictions, faultsOfSchema, lookUp } from '../support/jsonSchema.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import { insertPassage } from '../support/passages.ts'
import { type Caller, callerWith, nobody, signIn } from '../support/people.ts'
import { faultPaths } from '../support/problems.ts'

interface Operation {
  summary: string
  operationId: string
  tags: string[]
  security: object[]
  parameters: { name: string; in: string; required?: boolean; schema: object }[]
  requestBody?: { content: Record<string, { schema: object }> }
  responses: Record<string, { description: string; content?: Record<string, { schema: object }> }>
}
interface Description extends Record<string, unknown> {
  openapi: string
  info: { title: string; version: string; description: string }
  servers: { url: string }[]
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, object>; securitySchemes: Record<string, object> }
}

test('T6: a redirect and an idempotency key that a handler honours by itself are described', () => {
  const words = { tag: 'Test', summary: 'Something to be described', handle: async () => null } as const
  const link = publicRoute({ ...words, method: 'get', path: '/api/v1/link', redirects: true })
  const create = personRoute({ ...words, method: 'post', path: '/api/v1/things', idempotent: true })
  const { paths } = describeApi([link, create], { version: '1', url: 'https://chat.example' }) as {
    paths: Record<string, Record<string, Operation>>
  }
  expect(paths['/api/v1/link']?.get?.responses['302']).toHaveProperty('headers.Location')
  expect(paths['/api/v1/things']?.post?.responses).not.toHaveProperty('302')
  expect(paths['/api/v1/things']?.post?.parameters.map(({ name }) => name)).toEqual(['Idempotency-Key'])
  expect(paths['/api/v1/link']?.get?.parameters).toEqual([])
})

describe('T6: the description of the API', () => {
  let parley: TestParley
  let api: Description
  let owner: Caller
  beforeAll(async () => {
    parley = await startParley(databaseKinds.at(-1) ?? 'embedded', {
      SEED_DEMO: 'true',
      MASTER_ADMIN_EMAILS: 'demo@parley.example',
      PUBLIC_URL: 'https://chat.example',
    })
    api = (await nobody(parley).call<Description>('get', '/api/openapi.json')).body
    const { email = '', password = '' } = parley.demo ?? {}
    owner = callerWith(parley, { authorization: `Bearer ${await signIn(parley, email, password)}` })
  })
  afterAll(() => parley.remove())

  const operations = () =>
    Object.entries(api.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
    )

  test('says which document it is and where the server is', () => {
    expect(api.openapi).toMatch(/^3\.1\./)
    expect(api.servers).toEqual([{ url: 'https://chat.example' }])
    for (const code of errorCodes)
      expect(api.info.description).toContain(`\`${code}\` ${errorTable[code].status}`)
    expect(api.info.description).toContain('(https://chat.example/api/docs/errors)')
  })

  test('the introduction speaks of what there is', () => {
    const called = [...api.info.description.matchAll(/`(GET|POST) (\/[^`]+)`/g)]
    expect(called.length).toBeGreaterThan(2)
    for (const [, method = '', path = ''] of called)
      expect(api.paths[path], path).toHaveProperty(method.toLowerCase())
    const headers = new Set(
      operations().flatMap(({ operation }) => operation.parameters.map(({ name }) => name)),
    )
    for (const name of ['Parley-Tenant', 'Idempotency-Key', 'cursor', 'limit']) {
      expect(headers, name).toContain(name)
      expect(api.info.description).toContain(`\`${name}\``)
    }
  })

  test('tells for every route which credentials it takes, and a key is refused where it says so', async () => {
    const made = await owner.call<{ key: string }>('post', '/api/v1/keys', {
      name: 'A program',
      permissions: ['tenant:read'],
    })
    const program = callerWith(parley, { authorization: `Bearer ${made.body.key}` })
    let refused = 0
    for (const { path, method, operation } of operations()) {
      const kinds = operation.security.flatMap(Object.keys)
      if (kinds.length === 0) continue
      expect(kinds, `${method} ${path}`).toEqual(expect.arrayContaining(['sessionToken', 'session']))
      const answer = await program.call(
        method,
        path.replace(/\{\w+\}/g, '00000000-0000-0000-0000-000000000000'),
      )
      expect(answer.status === 401, `${method} ${path}: ${answer.status}`).toBe(!kinds.includes('key'))
      if (answer.status === 401) refused += 1
    }
    expect(refused).toBeGreaterThan(8)
  })

  test('shows values that can be sent, and no bound that is none', async () => {
    const parts: Record<string, unknown>[] = []
    JSON.stringify(api, (_name, part) => {
      // The properties of something may have these names too, and are schemas then.
      if (typeof part === 'object' && [part?.format, part?.type].some(word => typeof word === 'string'))
        parts.push(part)
      return part
    })
    const examples: Record<string, unknown> = {}
    for (const part of parts) {
      expect(Math.abs(Number(part.minimum ?? 0)), JSON.stringify(part)).toBeLessThan(Number.MAX_SAFE_INTEGER)
      expect(Math.abs(Number(part.maximum ?? 0)), JSON.stringify(part)).toBeLessThan(Number.MAX_SAFE_INTEGER)
      if (!/^(date-time|email|uuid)$/.test(String(part.format))) continue
      const [example] = (part.examples ?? []) as unknown[]
      expect(contradictions(api, part, example), JSON.stringify(part)).toEqual([])
      examples[String(part.format)] = example
      if (part.format === 'date-time') expect(part).not.toHaveProperty('pattern')
    }
    const field = (path: string, name: string) => {
      const body = api.paths[path]?.post?.requestBody?.content['application/json']?.schema as {
        properties: Record<string, { format?: string; anyOf?: { format?: string }[] }>
      }
      return body.properties[name]?.format ?? body.properties[name]?.anyOf?.[0]?.format
    }
    expect(field('/api/v1/contacts', 'email')).toBe('email')
    expect(field('/api/v1/keys', 'expiresAt')).toBe('date-time')
    const { status } = await owner.call('post', '/api/v1/contacts', { email: examples.email })
    expect(status).toBe(201)
    const key = { name: 'Until then', permissions: ['audit:read'], expiresAt: examples['date-time'] }
    expect((await owner.call('post', '/api/v1/keys', key)).status).toBe(201)
  })

  test('describes every operation: what it is, who may, what it takes and answers', () => {
    expect(operations().length).toBeGreaterThan(40)
    const ids = operations().map(({ operation }) => operation.operationId)
    expect(ids).toEqual([...new Set(ids)])
    for (const { path, method, operation } of operations()) {
      const name = `${method} ${path}`
      expect(operation.operationId, name).toMatch(/^[a-z][A-Za-z0-9]+$/)
      expect(operation.summary, name).toMatch(/^[A-Z].{5,}[^.]$/)
      expect(operation.tags, name).toHaveLength(1)
      for (const scheme of operation.security.flatMap(Object.keys))
        expect(api.components.securitySchemes).toHaveProperty(scheme)
      expect(operation.responses.default?.content?.['application/problem+json']?.schema, name).toEqual({
        $ref: '#/components/schemas/Problem',
      })
      expect(
        Object.keys(operation.responses).filter(status => /^2\d\d$/.test(status)),
        name,
      ).toHaveLength(1)
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter)
      expect(
        operation.parameters.filter(({ in: place }) => place === 'path').map(parameter => parameter.name),
        name,
      ).toEqual(inPath)
      if (/^(post|patch)$/.test(method) && operation.requestBody && !/\/(files|uploads\/{token})$/.test(path))
        expect(operation.requestBody.content).toHaveProperty('application/json')
    }
  })

  test('T6: says which types of files are taken, and that a link answers with a file', () => {
    const upload = api.paths['/api/v1/conversations/{id}/files']?.post
    expect(Object.keys(upload?.requestBody?.content ?? {})).toEqual(
      expect.arrayContaining(['image/png', 'application/pdf', 'text/plain', 'audio/webm']),
    )
    expect(upload?.parameters.map(({ name }) => name)).toContain('Idempotency-Key')
    expect(api.paths['/files/{token}']?.get?.responses['200']?.content).toEqual({ '*/*': { schema: {} } })
  })

  test('holds sound schemas: every reference leads somewhere, every pattern compiles', () => {
    const all = [
      ...Object.values(api.components.schemas),
      ...operations().flatMap(({ operation }) => [
        ...operation.parameters.map(({ schema }) => schema),
        ...Object.values(operation.requestBody?.content ?? {}).map(({ schema }) => schema),
        ...Object.values(operation.responses).flatMap(({ content }) =>
          Object.values(content ?? {}).map(({ schema }) => schema),
        ),
      ]),
    ]
    expect(all.length).toBeGreaterThan(80)
    expect(all.flatMap(schema => faultsOfSchema(api, schema))).toEqual([])
    for (const [name, schema] of Object.entries(api.components.schemas)) {
      expect(name).toMatch(/^[A-Z]\w+$/)
      expect(schema, name).not.toHaveProperty('$ref')
    }
    expect(lookUp(api, '#/components/schemas/Problem')).toMatchObject({ type: 'object' })
  })

  test('tells nobody who is not signed in that a route is open which is not', async () => {
    for (const { path, method, operation } of operations()) {
      if (operation.security.length === 0) continue
      const answer = await nobody(parley).call(
        method,
        path.replace(/\{\w+\}/g, '00000000-0000-0000-0000-000000000000'),
      )
      expect(answer.status, `${method} ${path}`).toBe(401)
    }
  })

  test('is kept by every answer to a GET', async () => {
    for (const [path, name] of [
      ['/api/v1/roles', 'Auditor'],
      ['/api/v1/keys', 'Key'],
    ] as const) {
      await owner.call('post', path, { name, permissions: ['audit:read'] })
    }
    await owner.call('post', '/api/v1/invitations', { email: 'guest@people.example', role: 'member' })
    await owner.call('put', '/api/v1/usage/budgets/day', { limitUsd: 1 })
    for (const rows of [
      `cost_events (tenant_id, id, service, provider, model) select tenant_id, id, 'model', 'openai', 'plain' from budgets`,
      `budget_alerts (tenant_id, id, budget_id, period_start, threshold, current_spend, severity)
         select tenant_id, id, id, period_start, 0.5, 0.5, 'notice' from budgets`,
      `memories (tenant_id, id, contact_id, key, value) select tenant_id, id, id, 'size', '42' from contacts`,
      `surveys (tenant_id, id, conversation_id, rating, comment) select tenant_id, id, id, 4, 'Fine' from conversations`,
      `escalations (tenant_id, id, conversation_id, epoch, reason, brief) select tenant_id, id, id, 1, 'asked_for_person',
         '{"summary": "s", "asked": "a", "tried": [], "contact": {}}' from conversations`,
      `agent_runs (tenant_id, id, conversation_id, agent_id, agent_version, epoch, answers_seq, state, node, lease_until, provider, model)
         select c.tenant_id, c.id, c.id, a.id, 1, 0, 1, 'done', c.id, now(), 'openai', 'plain' from conversations c join agents a using (tenant_id)`,
      `mcp_servers (tenant_id, id, name, transport) select id, id, 'Tools', 'sse' from tenants`,
      `agent_permissions (tenant_id, id, agent_id, member_id, visibility)
         select a.tenant_id, a.id, a.id, m.id, 'visible' from agents a join members m using (tenant_id)`,
    ])
      await parley.owner.query(`insert into ${rows}`)
    const { rows: widgetKeys } = await parley.owner.query<{ public_key: string }>(
      'select public_key from widgets',
    )
    const { rows: tenants } = await parley.owner.query<{ id: string }>('select id from tenants')
    const passage = { title: 'Delivery', text: 'Delivery takes two days.' }
    const chunkId = await insertPassage(parley.owner, tenants[0]?.id ?? '', passage)
    await owner.call('post', '/api/v1/knowledge/search', { query: 'delivery' })
    let checked = 0
    for (const { path, method, operation } of operations()) {
      // What follows a link of a mail or a provider answers with a redirect, that of a file with a file; their own tests look at them.
      if (method !== 'get' || /verify-email|reset-password|callback|^\/files/.test(path)) continue
      const list = path.replace(/\/\{.*$/, '')
      const idOf = async () => {
        if (path.includes('{period}')) return 'day'
        if (path.includes('{key}')) return widgetKeys[0]?.public_key ?? ''
        if (list.endsWith('/chunks')) return chunkId
        return (await owner.call<{ items: { id: string }[] }>('get', list)).body.items[0]?.id ?? ''
      }
      const id = path.includes('{') ? await idOf() : ''
      const answer = await owner.call('get', path.replace('{version}', '1').replace(/\{\w+\}/, id))
      expect(answer.status, path).toBe(200)
      const items = (answer.body as { items?: unknown[] }).items
      if (items && !/sessions/.test(path)) expect(items.length, `${path} shows something`).toBeGreaterThan(0)
      const schema = operation.responses['200']?.content?.['application/json']?.schema
      expect(contradictions(api, schema, answer.body), path).toEqual([])
      checked += 1
    }
    expect(checked).toBeGreaterThan(14)
  })

  test('positions in a log may be any whole number', async () => {
    const { body } = await owner.call<{ items: { id: string; seq: number }[] }>(
      'get',
      '/api/v1/conversations',
    )
    const [conversation] = body.items
    const read = (query: string) =>
      owner.call<{ items: { seq: number }[]; head: number }>(
        'get',
        `/api/v1/conversations/${conversation?.id}/messages?${query}`,
      )
    const whole = await read('')
    expect(whole.body.items.map(({ seq }) => seq)).toEqual(
      Array.from({ length: whole.body.head }, (_, at) => at + 1),
    )
    expect((await read('after=1&limit=1')).body.items.map(({ seq }) => seq)).toEqual([2])
    for (const after of [String(whole.body.head), '2147483648', '9007199254740991']) {
      const answer = await read(`after=${after}`)
      expect([answer.status, answer.body.items], after).toEqual([200, []])
    }
    for (const after of ['-1', '1.5', '1e30', 'x', '9007199254740993'])
      expect(faultPaths(await read(`after=${after}`)), after).toEqual(['after'])
  })
})
