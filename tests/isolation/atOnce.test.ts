import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { markCursor } from '../../src/http/page.ts'
import { databaseKinds } from '../support/databases.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import { type Caller, keyCaller } from '../support/people.ts'
import { fingerprintOfTenant } from '../support/tenantRows.ts'
import { within } from './matrix/credentials.ts'
import { allPermissions } from './matrix/tenantRoutes.ts'
import { type Maker, makerFor, newSide, newSomebody, type Side } from './matrix/world.ts'

describe.each(databaseKinds)('S3 between workspaces on %s', kind => {
  let parley: TestParley
  let a: Side
  let b: Side
  let makeA: Maker
  let makeB: Maker
  beforeAll(async () => {
    parley = await startParley(kind)
    a = await newSide(parley, 'aaa')
    b = await newSide(parley, 'bbb')
    makeA = makerFor(parley, a)
    makeB = makerFor(parley, b)
  })
  afterAll(() => parley.remove())

  const told = async (caller: Caller, method: string, path: string, body?: unknown) => {
    const answer = await caller.call(method, path, body)
    return answer.body.code === undefined ? String(answer.status) : `${answer.status} ${answer.body.code}`
  }

  test('S3 a member who is removed, suspended or demoted is refused at once', async () => {
    const member = await makeA.member('admin')
    const path = `/api/v1/members/${member.memberId}`
    const change = (body: object) => told(a.owner, 'patch', path, body)
    expect(await told(member, 'get', '/api/v1/keys')).toBe('200')
    expect(await change({ role: 'member' })).toBe('200')
    expect(await told(member, 'get', '/api/v1/keys')).toBe('403 forbidden')
    expect(await change({ role: 'admin', status: 'suspended' })).toBe('200')
    expect(await told(member, 'get', '/api/v1/keys')).toBe('403 forbidden')
    expect(await change({ status: 'active' })).toBe('200')
    expect(await told(member, 'get', '/api/v1/keys')).toBe('200')
    expect(await told(a.owner, 'delete', path)).toBe('204')
    expect(await told(member, 'get', '/api/v1/keys')).toBe('403 forbidden')
  })

  test('S3 a custom role that is taken away, narrowed or deleted grants nothing any more', async () => {
    const granting = await makeA.role(['keys:read'])
    const member = await makeA.member()
    const path = `/api/v1/members/${member.memberId}/roles/${granting}`
    expect(await told(member, 'get', '/api/v1/keys')).toBe('403 forbidden')
    expect(await told(a.owner, 'put', path)).toBe('204')
    expect(await told(member, 'get', '/api/v1/keys')).toBe('200')
    expect(await told(a.owner, 'delete', path)).toBe('204')
    expect(await told(member, 'get', '/api/v1/keys')).toBe('403 forbidden')
    expect(await told(a.owner, 'put', path)).toBe('204')
    const role = `/api/v1/roles/${granting}`
    expect(await told(a.owner, 'patch', role, { permissions: ['roles:read'] })).toBe('200')
    expect(await told(member, 'get', '/api/v1/keys')).toBe('403 forbidden')
    expect(await told(a.owner, 'patch', role, { permissions: ['keys:read'] })).toBe('200')
    expect(await told(member, 'get', '/api/v1/keys')).toBe('200')
    expect(await told(a.owner, 'delete', role)).toBe('204')
    expect(await told(member, 'get', '/api/v1/keys')).toBe('403 forbidden')
  })

  test('S3 a key that is revoked, and a workspace that is suspended or closed, are refused at once', async () => {
    const side = await newSide(parley, 'ddd')
    const key = await makerFor(parley, side).key(allPermissions)
    const other = keyCaller(parley, (await makerFor(parley, side).key(allPermissions)).key)
    const master = await newSomebody(parley, 'admin', { masterAdmin: true })
    const set = (status: string) =>
      told(master, 'patch', `/api/v1/platform/tenants/${side.tenantId}`, { status })
    expect(await told(keyCaller(parley, key.key), 'get', '/api/v1/contacts')).toBe('200')
    expect(await told(side.owner, 'delete', `/api/v1/keys/${key.id}`)).toBe('204')
    expect(await told(keyCaller(parley, key.key), 'get', '/api/v1/contacts')).toBe('401 unauthenticated')
    for (const [status, answer] of [
      ['suspended', '403 tenant_suspended'],
      ['closed', '401 unauthenticated'],
      ['active', '200'],
    ] as const) {
      expect(await set(status)).toBe('200')
      expect(await told(side.owner, 'get', '/api/v1/contacts'), status).toBe(answer)
      expect(await told(other, 'get', '/api/v1/contacts'), status).toBe(answer)
    }
  })

  test('S3 a session that ends elsewhere is refused at once', async () => {
    const member = await makeA.member()
    expect(await told(member, 'get', '/api/v1/tenant')).toBe('200')
    expect(await told(member, 'delete', `/api/v1/me/sessions/${member.sessionId}`)).toBe('204')
    expect(await told(member, 'get', '/api/v1/tenant')).toBe('401 unauthenticated')
    expect(await told(member, 'get', '/api/v1/me')).toBe('401 unauthenticated')
  })

  test('S3 things of two workspaces are never joined', async () => {
    const [memberA, memberB] = [await makeA.member(), await makeB.member()]
    const [roleA, roleB] = [await makeA.role(['tenant:read']), await makeB.role(['tenant:read'])]
    const before = await fingerprintOfTenant(parley.owner, a.tenantId)
    for (const [member, role] of [
      [memberB.memberId, roleA],
      [memberA.memberId, roleB],
    ]) {
      for (const method of ['put', 'delete']) {
        expect(await told(b.owner, method, `/api/v1/members/${member}/roles/${role}`)).toBe('404 not_found')
      }
    }
    expect(await fingerprintOfTenant(parley.owner, a.tenantId)).toBe(before)
    expect(await told(b.owner, 'put', `/api/v1/members/${memberB.memberId}/roles/${roleB}`)).toBe('204')
  })

  test('S3 filters and cursors made of things of another workspace find nothing of it', async () => {
    const contactId = await makeA.contact()
    const conversationId = await makeA.conversation()
    const { rows } = await parley.owner.query<{ email: string; contact_id: string }>(
      `select k.email, c.contact_id from contacts k, conversations c where k.id = $1 and c.id = $2`,
      [contactId, conversationId],
    )
    await told(a.owner, 'patch', `/api/v1/contacts/${contactId}`, { phone: '1' })
    const raw = Buffer.from('ffffffff-ffff-7fff-bfff-ffffffffffff').toString('base64url')
    const cursorOf = (list: string) =>
      (markCursor(`/api/v1/${list}`, { nextCursor: raw }) as { nextCursor: string }).nextCursor
    const paths = [
      `/api/v1/contacts?email=${encodeURIComponent(rows[0]?.email ?? '')}`,
      `/api/v1/contacts?search=${a.mark}`,
      `/api/v1/contacts?cursor=${cursorOf('contacts')}`,
      `/api/v1/conversations?contactId=${rows[0]?.contact_id}`,
      `/api/v1/conversations?cursor=${cursorOf('conversations')}`,
      `/api/v1/audit?resourceId=${contactId}`,
      `/api/v1/members?cursor=${cursorOf('members')}`,
      `/api/v1/keys?cursor=${cursorOf('keys')}`,
    ]
    for (const path of paths) {
      const mine = await a.owner.call<{ items: object[] }>('get', path)
      const theirs = await b.owner.call<{ items: object[] }>('get', path)
      expect([mine.status, theirs.status], path).toEqual([200, 200])
      if (!path.includes('/keys')) expect(mine.body.items.length, path).toBeGreaterThan(0)
      const leaked = [a.mark, a.tenantId, contactId].filter(text =>
        JSON.stringify(theirs.body).includes(text),
      )
      expect(leaked, path).toEqual([])
    }
  })

  test('S3 a person of two workspaces must say which, and acts in that one', async () => {
    const person = await makeA.member('owner')
    await parley.owner.query(
      `insert into members (tenant_id, id, user_id, role) values ($1, $2, $3, 'member')`,
      [b.tenantId, person.memberId, person.userId],
    )
    expect(await told(person, 'get', '/api/v1/tenant')).toBe('400 invalid_request')
    const inA = await within(person, a.slug).call<{ id: string }>('get', '/api/v1/tenant')
    const inB = await within(person, b.tenantId.toUpperCase()).call<{ id: string }>('get', '/api/v1/tenant')
    expect([inA.body.id, inB.body.id]).toEqual([a.tenantId, b.tenantId])
    // The rank in one is no rank in the other.
    expect(await told(within(person, a.slug), 'get', '/api/v1/keys')).toBe('200')
    expect(await told(within(person, b.slug), 'get', '/api/v1/keys')).toBe('403 forbidden')
  })

  test('S3 a stored permission that this program does not know grants nothing', async () => {
    const { key } = await makeB.key(['contacts:read ', 'CONTACTS:READ', '*', 'contacts:*'])
    expect(await told(keyCaller(parley, key), 'get', '/api/v1/contacts')).toBe('403 forbidden')
    const member = await makeB.memberWith(['*', 'keys:*', 'KEYS:READ'])
    expect(await told(member, 'get', '/api/v1/keys')).toBe('403 forbidden')
  })
})
