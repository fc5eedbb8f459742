import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId } from '../../src/kernel/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import { nobody, type Workspace } from '../support/people.ts'
import { expectProblem, faultPaths } from '../support/problems.ts'
import { quickWorkspace } from '../support/quickPeople.ts'
import { type RawAnswer, send } from '../support/rawHttp.ts'

interface Stored {
  id: string
  name: string | null
  metadata: Record<string, unknown>
}

describe.each(databaseKinds)('bad input on %s', kind => {
  let parley: TestParley
  let workspace: Workspace
  beforeAll(async () => {
    parley = await startParley(kind)
    workspace = await quickWorkspace(parley)
  })
  afterAll(() => parley.remove())

  const bearer = () => ({ authorization: `Bearer ${workspace.owner.token}` })
  const get = (path: string) => send(parley, { path, headers: bearer() })
  const post = (
    body: string | Buffer,
    headers: Record<string, string | undefined> = {},
    path = '/api/v1/contacts',
  ) =>
    send(parley, {
      method: 'POST',
      path,
      headers: Object.fromEntries(
        Object.entries({ 'content-type': 'application/json', ...bearer(), ...headers }).filter(
          ([, value]) => value !== undefined,
        ),
      ),
      body,
    })
  const countContacts = async () =>
    Number((await parley.owner.query('select count(*) from contacts')).rows[0].count)

  test.each([
    ['malformed', '{"name":'],
    ['two values', '{} {}'],
    ['a trailing comma', '{"name":"x",}'],
    ['a bare word', 'name'],
    ['a text', '"name"'],
    ['a number', '1'],
    ['null', 'null'],
    ['a list', '[]'],
    ['not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d])],
    ['a NUL', '\u0000'],
  ])('a body that is %s is refused', async (_what, body) => {
    expectProblem(await post(body), 'invalid_request')
  })

  test.each([
    ['an unknown field', { nickname: 'x' }, ['nickname']],
    [
      'fields of the table that are not offered',
      { id: newId(), tenantId: newId(), verified: true },
      ['id', 'tenantId', 'verified'],
    ],
    ['wrong types', { name: 1, tags: 'x', metadata: [], email: {} }, ['email', 'metadata', 'name', 'tags']],
    ['a NUL in a line', { name: 'a\u0000b' }, ['name']],
    ['a NUL in free-form settings', { metadata: { a: ['\u0000'] } }, ['metadata']],
    ['a NUL in a key', { metadata: { 'a\u0000': 1 } }, ['metadata']],
    ['a line too long', { name: 'x'.repeat(201) }, ['name']],
    ['too many tags', { tags: Array(51).fill('x') }, ['tags']],
    ['too much metadata', { metadata: { a: 'x'.repeat(17_000) } }, ['metadata']],
    ['an address that runs scripts', { avatar: 'javascript:alert(1)' }, ['avatar']],
    ['a newline where a line belongs', { externalId: 'a\nb' }, ['externalId']],
  ])('%s is refused by name', async (_what, body, paths) => {
    expect(faultPaths(await post(JSON.stringify(body)))).toEqual(paths)
  })

  test('half a character is refused by name, wherever it stands', async () => {
    for (const body of [
      '{"name":"\\ud800"}',
      '{"tags":["x","\\udc00x"]}',
      '{"metadata":{"a":{"b":"\\ud800\\u0041"}}}',
    ]) {
      expect(faultPaths(await post(body))).toHaveLength(1)
    }
    expect(faultPaths(await post('{"metadata":{"\\ud800":1}}'))).toEqual(['metadata'])
    const whole = await post('{"name":"\\ud83e\\udd81"}')
    expect((whole.body as Stored).name).toBe('🦁')
  })

  test('nesting deeper than anything meant is refused, however deep', async () => {
    for (const depth of [60, 1_000, 40_000]) {
      const body = `{"metadata":{"a":${'['.repeat(depth)}${']'.repeat(depth)}}}`
      expect(faultPaths(await post(body))).toEqual(['metadata'])
    }
    const kept = `{"metadata":{"a":${'['.repeat(30)}${']'.repeat(30)}}}`
    expect((await post(kept)).status).toBe(201)
  })

  test('numbers are kept as JSON numbers or refused', async () => {
    const kept = await post('{"metadata":{"big":1e308,"small":1e-308,"whole":9007199254740993,"minus":-0}}')
    expect(kept.status).toBe(201)
    expect(faultPaths(await post('{"metadata":{"a":1e999}}'))).toEqual(['metadata.a'])
    for (const limit of [
      ...['0', '-1', '101', '1.5', '1e999', 'NaN', 'x', '%20', '9'.repeat(400)],
      ...['0x10', '5e1', '1e0', '%205', '5%20', '+5', '5.0', '0b11', '', '%D9%A5', 'true', 'Infinity'],
    ]) {
      expect(faultPaths(await get(`/api/v1/contacts?limit=${limit}`)), limit).toEqual(['limit'])
    }
  })

  test('keys that would reach a prototype are data or refused, and reach nothing', async () => {
    expect(faultPaths(await post('{"__proto__":{"verified":true}}'))).toEqual(['__proto__'])
    expect(faultPaths(await post('{"constructor":{"prototype":{"polluted":1}}}'))).toEqual(['constructor'])
    const answer = await post(
      '{"metadata":{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":2}}}}',
    )
    expect(answer.status).toBeLessThan(500)
    expect(faultPaths(await get('/api/v1/contacts?__proto__=x'))).toEqual(['__proto__'])
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
  })

  test('only JSON is read, and nothing is ignored as if it were not there', async () => {
    const before = await countContacts()
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'application/xml',
      'nonsense',
      undefined,
    ]) {
      expectProblem(await post('{"name":"x"}', { 'content-type': type }), 'unsupported_media_type')
    }
    expectProblem(
      await post('{"name":"x"}', { 'content-type': 'application/json; charset=latin1' }),
      'unsupported_media_type',
    )
    expectProblem(await post('{"name":"x"}', { 'content-encoding': 'nonsense' }), 'unsupported_media_type')
    expect(await countContacts()).toBe(before)
    expect((await post('{"name":"x"}', { 'content-type': 'application/json; charset=utf-8' })).status).toBe(
      201,
    )
  })

  test('a body beyond the limit is refused, also when it hides behind compression', async () => {
    expectProblem(await post(JSON.stringify({ name: 'x'.repeat(300_000) })), 'payload_too_large')
    const { gzipSync } = await import('node:zlib')
    const bomb = gzipSync(JSON.stringify({ name: 'x'.repeat(5_000_000) }))
    expect(bomb.length).toBeLessThan(10_000)
    expectProblem(await post(bomb, { 'content-encoding': 'gzip' }), 'payload_too_large')
  })

  test.each([
    'nonsense',
    '1',
    '..',
    '%00',
    '%F0%9F',
    `${newId()}x`,
    newId().replaceAll('-', ''),
    '%27;--',
    '{id}',
  ])('%s is no id', async id => {
    for (const list of ['contacts', 'widgets', 'members', 'conversations']) {
      const answer = await get(`/api/v1/${list}/${id}`)
      expect([400, 404], id).toContain(answer.status)
      expectProblem(answer, (answer.body as { code: 'invalid_request' }).code)
    }
  })

  test('an id that nobody has, or somebody else, is not found', async () => {
    const other = await quickWorkspace(parley)
    const foreign = await other.owner.call<Stored>('post', '/api/v1/contacts', { name: 'Theirs' })
    for (const id of [
      newId(),
      foreign.body.id,
      '00000000-0000-0000-0000-000000000000',
      'ffffffff-ffff-ffff-ffff-ffffffffffff',
    ]) {
      for (const [method, body] of [['get'], ['patch', { name: 'Mine' }], ['delete']] as const) {
        expectProblem(await workspace.owner.call(method, `/api/v1/contacts/${id}`, body), 'not_found')
      }
    }
    const kept = await other.owner.call<Stored>('get', `/api/v1/contacts/${foreign.body.id}`)
    expect(kept.body.name).toBe('Theirs')
  })

  test.each([
    '',
    'x',
    'null',
    '%00',
    Buffer.from('0').toString('base64url'),
    Buffer.from(newId()).toString('base64url'),
    Buffer.from(`${newId()} or 1=1`).toString('base64url'),
    'A'.repeat(101),
  ])('"%s" is no cursor', async cursor => {
    for (const list of [
      'contacts',
      'widgets',
      'members',
      'conversations',
      'audit',
      'keys',
      'roles',
      'invitations',
    ]) {
      expect(faultPaths(await get(`/api/v1/${list}?cursor=${cursor}`))).toEqual(['cursor'])
    }
  })

  test('unknown, repeated and malformed parameters are refused, and what the database cannot hold', async () => {
    expect(faultPaths(await get('/api/v1/contacts?page=2&offset=1'))).toEqual(['offset', 'page'])
    expect(faultPaths(await get('/api/v1/contacts?limit=1&limit=2'))).toEqual(['limit'])
    expect(faultPaths(await get('/api/v1/contacts?limit[]=1'))).toEqual(['limit[]'])
    expect(faultPaths(await get('/api/v1/tenant?x=1'))).toEqual(['x'])
    for (const query of ['search=%00', 'tag=%00', 'externalId=a%00b', 'email=%00']) {
      expectProblem(await get(`/api/v1/contacts?${query}`), 'invalid_request')
    }
    expectProblem(await get('/api/v1/audit?action=%00'), 'invalid_request')
    const { id } = (await workspace.owner.call<Stored>('post', '/api/v1/contacts', {})).body
    for (const after of ['-1', '1.5', '1e30', '0x1', '9007199254740991', 'x']) {
      const answer = await get(`/api/v1/conversations/${id}/messages?after=${after}`)
      expect([400, 404], after).toContain(answer.status)
    }
  })

  test('search texts are matched as they are', async () => {
    const name = `100%_\\ ${newId()}`
    await workspace.owner.call('post', '/api/v1/contacts', { name })
    const found = async (search: string) =>
      ((await get(`/api/v1/contacts?search=${encodeURIComponent(search)}`)).body as { items: Stored[] }).items
        .length
    expect(await found(name)).toBe(1)
    expect(await found(name.replace('%', 'x'))).toBe(0)
    expect(await found(name.replace('_', 'x'))).toBe(0)
    for (const search of ["'; drop table contacts; --", '\\', '%', '\ufffd']) {
      expect(await found(search)).toBeLessThanOrEqual(2)
    }
  })

  test('addresses that are not well formed are refused, others are not found', async () => {
    for (const path of ['/api/v1/contacts/%zz', '/api/v1/contacts/%', '/%zz', '/%c0%ae%c0%ae/']) {
      const answer = await get(path)
      expect([400, 404], path).toContain(answer.status)
      expectProblem(answer, (answer.body as { code: 'not_found' }).code)
    }
    for (const path of [
      '/api',
      '/api/',
      '/api/v1',
      '/api/v1/',
      '/api/v2/tenant',
      '/api/auth/',
      '/api/auth/get-session',
      '/api/auth/update-user',
      '/api/auth/list-sessions',
      '/api/v1/contacts/x/y',
    ]) {
      expectProblem(await get(path), 'not_found')
    }
    for (const path of [
      '/../package.json',
      '/..%2f..%2fpackage.json',
      '/%2e%2e/%2e%2e/package.json',
      '/.env',
      '/%00',
      '/site/%00',
    ]) {
      const answer = await get(path)
      expect([400, 404], path).toContain(answer.status)
      expect(answer.text).not.toContain('"dependencies"')
    }
  })

  test('a method that is not answered is told which are', async () => {
    const asked = async (method: string, path: string): Promise<RawAnswer> =>
      send(parley, { method, path, headers: bearer() })
    for (const method of ['PUT', 'OPTIONS', 'TRACE', 'PROPFIND', 'DELETE', 'PATCH']) {
      const answer = await asked(method, '/api/v1/contacts')
      expectProblem(answer, 'method_not_allowed')
      expect(answer.headers.get('allow')?.split(', ').sort()).toEqual(['GET', 'HEAD', 'POST'])
    }
    expect((await asked('POST', '/api/auth/sign-in/email')).headers.has('allow')).toBe(false)
    expectProblem(await asked('GET', '/api/auth/sign-in/email'), 'method_not_allowed')
    const [head, whole] = [await asked('HEAD', '/api/v1/tenant'), await asked('GET', '/api/v1/tenant')]
    expect([head.status, head.text]).toEqual([200, ''])
    expect(head.headers.get('content-length')).toBe(whole.headers.get('content-length'))
    expect((await nobody(parley).call('head', '/api/v1/tenant')).status).toBe(401)
  })
})
