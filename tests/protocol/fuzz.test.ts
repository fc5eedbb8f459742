import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { databaseKinds } from '../support/databases.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import type { Caller, Workspace } from '../support/people.ts'
import { quickMember, quickPerson, quickWorkspace } from '../support/quickPeople.ts'

interface Described {
  paths: Record<string, Record<string, { requestBody?: { content: Record<string, { schema: object }> } }>>
  components: { schemas: Record<string, object> }
}
const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000_000)

/** Values that have broken programs before, beside arbitrary ones. */
const nasty = fc.oneof(
  fc.constantFrom(
    null,
    true,
    0,
    -1,
    1e308,
    -0,
    '',
    ' ',
    '\u0000',
    '\ud800',
    '🦁',
    '__proto__',
    'constructor',
    '$where',
    '%00',
    "'",
    '../..',
    'x'.repeat(5_000),
    '1970-01-01T00:00:00Z',
    '+275760-09-13T00:00:00Z',
    '0000-01-01T00:00:00Z',
    '9999-12-31T23:59:59Z',
    'owner',
    'active',
    'contacts:read',
    'a@b.example',
    'https://x.example/\u0000',
    '#1a2b3c',
    '*.example.com',
  ),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.integer(),
  fc.double(),
  fc.array(fc.constantFrom(null, 'x', '\u0000', 'contacts:read', {}, []), { maxLength: 4 }),
  fc.jsonValue({ maxDepth: 4 }),
)

/** Bodies near to what is accepted get past the first check, where the interesting faults are. */
function bodiesFor(schema: Described['components']['schemas'][string]): fc.Arbitrary<unknown> {
  const fields = 'properties' in schema ? (schema.properties as Record<string, object>) : {}
  const near = fc.record(
    Object.fromEntries(
      Object.entries(fields).map(([name, field]) => [name, fc.oneof(plausible(field), nasty)]),
    ),
    { requiredKeys: [] },
  )
  const required = 'required' in schema ? (schema.required as string[]) : []
  const valid = fc.record(
    Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, plausible(field)])),
    { requiredKeys: required },
  )
  return fc.oneof(
    { weight: 3, arbitrary: near },
    { weight: 3, arbitrary: valid },
    { weight: 1, arbitrary: nasty },
  )
}

function plausible(schema: object): fc.Arbitrary<unknown> {
  const { type, enum: values, properties, items, anyOf, format } = schema as Record<string, unknown>
  if (Array.isArray(values)) return fc.constantFrom(...values)
  if (Array.isArray(anyOf)) return fc.oneof(...anyOf.map(plausible))
  if (properties) return bodiesFor(schema)
  if (type === 'array') return fc.array(plausible((items ?? {}) as object), { maxLength: 3 })
  if (type === 'boolean') return fc.boolean()
  if (type === 'integer' || type === 'number') {
    const { minimum = 0, maximum = 200 } = schema as { minimum?: number; maximum?: number }
    return fc.integer({ min: Math.ceil(minimum), max: Math.max(Math.ceil(minimum), Math.min(maximum, 1e6)) })
  }
  if (type === 'null') return fc.constant(null)
  if (type === 'object') return fc.dictionary(fc.string({ maxLength: 10 }), fc.jsonValue({ maxDepth: 3 }))
  if (format === 'uuid') return fc.uuid()
  if (format === 'email') return fc.emailAddress()
  if (format === 'date-time')
    return fc.date({ min: new Date('2030-01-01'), noInvalidDate: true }).map(date => date.toISOString())
  return fc.oneof(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }),
    fc.constantFrom('abc', 'a-b', 'https://x.example/y'),
  )
}

describe.each(databaseKinds)('any JSON on %s', kind => {
  let parley: TestParley
  let workspace: Workspace
  let described: Described
  beforeAll(async () => {
    parley = await startParley(kind)
    workspace = await quickWorkspace(parley)
    described = (await (await fetch(`${parley.url}/api/openapi.json`)).json()) as Described
    console.log(`fuzz seed: ${seed}`)
  })
  afterAll(() => parley.remove())

  const resolve = (schema: object): object => {
    const name = '$ref' in schema ? String(schema.$ref).split('/').at(-1) : undefined
    return name === undefined ? schema : (described.components.schemas[name] ?? {})
  }

  /** One thing of every kind to patch, so that a body reaches the verb behind the route. */
  async function idsFor(path: string): Promise<string> {
    const post = async (url: string, body: object) =>
      (await workspace.owner.call<{ id: string }>('post', url, body)).body.id
    if (path.includes('/contacts/')) return post('/api/v1/contacts', {})
    if (path.includes('/widgets/')) return post('/api/v1/widgets', { name: `w ${Math.random()}` })
    if (path.includes('/roles/'))
      return post('/api/v1/roles', { name: `r ${Math.random()}`, permissions: ['tenant:read'] })
    if (path.includes('/members/')) return (await quickMember(parley, workspace, 'member')).memberId
    if (path.includes('{period}')) return 'month'
    return workspace.tenantId
  }

  test('S4: no body whatever makes a route fail', async () => {
    // The throwaway's key and session, so that nothing here locks the owner out of their workspace.
    const program = await quickPerson(parley)
    const routes = Object.entries(described.paths).flatMap(([path, methods]) =>
      Object.entries(methods).flatMap(([method, operation]) =>
        operation.requestBody &&
        !/\/api\/auth\/(sign-up|sign-in\/email|reset-password|change-password|two-factor|request-password)/.test(
          path,
        )
          ? [
              {
                method,
                path,
                schema: resolve(operation.requestBody.content['application/json']?.schema ?? {}),
              },
            ]
          : [],
      ),
    )
    expect(routes.length).toBeGreaterThan(8)
    const reached = new Map<string, Set<number>>()
    for (const { method, path, schema } of routes) {
      const address = path.includes('{') ? path.replace(/\{\w+\}/g, await idsFor(path)) : path
      const caller: Caller = path === '/api/v1/tenants' ? program : workspace.owner
      const statuses = new Set<number>()
      reached.set(`${method} ${path}`, statuses)
      await fc.assert(
        fc.asyncProperty(bodiesFor(schema), async body => {
          const { status, body: answer } = await caller.call<object>(method, address, body)
          statuses.add(status)
          if (status >= 500) throw new Error(`${method} ${path} ${status} ${JSON.stringify(answer)}`)
        }),
        { seed, numRuns: 25 },
      )
    }
    // The bodies are worth something only where some of them are accepted.
    const accepted = [...reached]
      .filter(([, statuses]) => statuses.has(200) || statuses.has(201))
      .map(([name]) => name)
    expect(accepted).toEqual(
      expect.arrayContaining([
        'post /api/v1/contacts',
        'patch /api/v1/contacts/{id}',
        'put /api/v1/usage/budgets/{period}',
      ]),
    )
  })

  test('S4: no query whatever makes a list fail', async () => {
    const lists = Object.entries(described.paths).filter(
      ([path, { get }]) => get && /^\/api\/v1\/[a-z]+(\/[a-z]+)?$/.test(path),
    )
    expect(lists.length).toBeGreaterThan(8)
    const names = [
      'limit',
      'cursor',
      'search',
      'tag',
      'email',
      'status',
      'action',
      'contactId',
      'from',
      'to',
      'until',
      'by',
      'x',
    ]
    for (const [path] of lists) {
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...names),
          fc.string({ unit: 'binary', maxLength: 30 }),
          async (name, value) => {
            const { status } = await workspace.owner.call(
              'get',
              `${path}?${name}=${encodeURIComponent(value.toWellFormed())}`,
            )
            if (status >= 500) throw new Error(`${path} ${status}`)
          },
        ),
        { seed, numRuns: 20 },
      )
    }
  })
})
