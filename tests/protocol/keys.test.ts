import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Permission, permissionsOf } from '../../src/kernel/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import { type Caller, keyCaller } from '../support/people.ts'
import { expectProblem, faultPaths } from '../support/problems.ts'
import { quickMember, quickWorkspace } from '../support/quickPeople.ts'

interface Key {
  id: string
  key: string
  prefix: string
  lastUsedAt: string | null
  revokedAt: string | null
  permissions: Permission[]
}

describe.each(databaseKinds)('API keys on %s', { concurrent: true }, kind => {
  let parley: TestParley
  beforeAll(async () => {
    parley = await startParley(kind)
  })
  afterAll(() => parley.remove())

  const make = (
    by: Caller,
    permissions: string[],
    fields: object = {},
    headers: Record<string, string> = {},
  ) => by.call<Key>('post', '/api/v1/keys', { name: 'A key', permissions, ...fields }, headers)

  test('T3: a key is shown once; only its digest and its beginning are stored', async () => {
    const { owner, tenantId } = await quickWorkspace(parley)
    const { status, body } = await make(owner, ['contacts:read'])
    expect(status).toBe(201)
    expect(body.key).toMatch(/^parley_[\w-]{54}$/)
    expect(body.key.startsWith(body.prefix)).toBe(true)
    expect(body.prefix.length).toBeLessThan(15)
    const { rows } = await parley.owner.query('select * from api_keys where tenant_id = $1', [tenantId])
    expect(rows).toHaveLength(1)
    expect(rows[0].hash).toBe(createHash('sha256').update(body.key).digest('hex'))
    expect(JSON.stringify(rows)).not.toContain(body.key)
    const listed = await owner.call('get', '/api/v1/keys')
    expect(JSON.stringify(listed.body)).not.toContain(body.key)
    expect(JSON.stringify(listed.body)).not.toContain(rows[0].hash)
    const audit = await parley.owner.query('select * from audit_logs where tenant_id = $1', [tenantId])
    expect(JSON.stringify(audit.rows)).not.toContain(body.key)
  })

  test('T3: it can do what its permissions say and nothing else', async () => {
    const { owner, slug } = await quickWorkspace(parley)
    const program = keyCaller(parley, (await make(owner, ['contacts:read', 'tenant:read'])).body.key)
    expect((await program.call('get', '/api/v1/contacts')).status).toBe(200)
    expect((await program.call<{ slug: string }>('get', '/api/v1/tenant')).body.slug).toBe(slug)
    expectProblem(await program.call('post', '/api/v1/contacts', {}), 'forbidden')
    expectProblem(await program.call('get', '/api/v1/widgets'), 'forbidden')
    expectProblem(await program.call('get', '/api/v1/me'), 'unauthenticated')
    expectProblem(await program.call('get', '/api/v1/platform/tenants'), 'unauthenticated')
    expectProblem(await program.call('post', '/api/v1/tenants', { name: 'x', slug: 'xx' }), 'unauthenticated')
  })

  test('T3: a key belongs to its own workspace, whatever the request says', async () => {
    const [one, two] = [await quickWorkspace(parley), await quickWorkspace(parley)]
    const program = keyCaller(parley, (await make(one.owner, ['tenant:read'])).body.key)
    const answer = await program.call<{ id: string }>('get', '/api/v1/tenant', undefined, {
      'parley-tenant': two.tenantId,
    })
    expect(answer.body.id).not.toBe(two.tenantId)
  })

  test('T3: a key cut to fit another workspace is unknown', async () => {
    const [one, two] = [await quickWorkspace(parley), await quickWorkspace(parley)]
    const { key } = (await make(one.owner, ['tenant:read'])).body
    const other = (await make(two.owner, ['tenant:read'])).body.key
    for (const forged of [
      key.slice(0, -22) + other.slice(-22),
      key.slice(0, -1),
      `${key}A`,
      key.toUpperCase(),
    ]) {
      expectProblem(await keyCaller(parley, forged).call('get', '/api/v1/tenant'), 'unauthenticated')
    }
  })

  test('T3: it cannot do more than whoever made it, and makes no keys itself', async () => {
    const workspace = await quickWorkspace(parley)
    const admin = await quickMember(parley, workspace, 'admin')
    expect((await make(admin, [...permissionsOf('admin')])).status).toBe(201)
    const maker = keyCaller(parley, (await make(admin, ['keys:write', 'contacts:read'])).body.key)
    // One that leaked would outlive its revocation through what it made.
    expectProblem(await make(maker, ['contacts:read']), 'forbidden')
    // A key stands as an admin and never reaches an owner.
    const all = keyCaller(parley, (await make(workspace.owner, [...permissionsOf('owner')])).body.key)
    const members = await all.call<{ items: { id: string; role: string }[] }>('get', '/api/v1/members')
    const ownerId = members.body.items.find(({ role }) => role === 'owner')?.id
    expectProblem(await all.call('patch', `/api/v1/members/${ownerId}`, { role: 'member' }), 'forbidden')
    expectProblem(
      await all.call('post', '/api/v1/invitations', { email: 'a@b.example', role: 'owner' }),
      'forbidden',
    )
  })

  test('T3: it ends when it expires, and at once when it is revoked', async () => {
    const { owner, tenantId } = await quickWorkspace(parley)
    const past = await make(owner, ['tenant:read'], { expiresAt: '2020-01-01T00:00:00Z' })
    expect(faultPaths(past)).toEqual(['expiresAt'])
    const made = (await make(owner, ['tenant:read'], { expiresAt: '2090-01-01T00:00:00Z' })).body
    const program = keyCaller(parley, made.key)
    expect((await program.call('get', '/api/v1/tenant')).status).toBe(200)
    await parley.owner.query(
      `update api_keys set expires_at = now() - interval '1 second' where tenant_id = $1`,
      [tenantId],
    )
    expectProblem(await program.call('get', '/api/v1/tenant'), 'unauthenticated')

    const second = (await make(owner, ['tenant:read'])).body
    expect((await owner.call('delete', `/api/v1/keys/${second.id}`)).status).toBe(204)
    expectProblem(await keyCaller(parley, second.key).call('get', '/api/v1/tenant'), 'unauthenticated')
    expect((await owner.call('delete', `/api/v1/keys/${second.id}`)).status).toBe(204)
    const { rows } = await parley.owner.query(
      `select id from audit_logs where tenant_id = $1 and action = 'key.revoked'`,
      [tenantId],
    )
    expect(rows).toHaveLength(1)
  })

  test('T3: it ends with what its maker may do: demoted, suspended, removed', async () => {
    const workspace = await quickWorkspace(parley)
    const admin = await quickMember(parley, workspace, 'admin')
    const small = (await make(admin, ['tenant:read'])).body.key
    const large = (await make(admin, ['members:write'])).body.key
    const works = async (key: string) =>
      (await keyCaller(parley, key).call('get', '/api/v1/tenant')).status !== 401
    const change = (body: unknown) => workspace.owner.call('patch', `/api/v1/members/${admin.memberId}`, body)
    expect([await works(small), await works(large)]).toEqual([true, true])
    expect((await change({ role: 'member' })).status).toBe(200)
    expect([await works(small), await works(large)]).toEqual([true, false])
    expect((await change({ status: 'suspended' })).status).toBe(200)
    expect(await works(small)).toBe(false)
    expect((await change({ status: 'active' })).status).toBe(200)
    const last = (await make(admin, ['tenant:read'], {})).body.key
    // A member of this rank makes no keys; one made while it was higher ends with the membership.
    expect(last).toBeUndefined()
    const other = await quickMember(parley, workspace, 'admin')
    const kept = (await make(other, ['tenant:read'])).body.key
    expect((await workspace.owner.call('delete', `/api/v1/members/${other.memberId}`)).status).toBe(204)
    expect(await works(kept)).toBe(false)
    const { rows } = await parley.owner.query(
      `select count(*)::int as revoked from audit_logs where tenant_id = $1 and action = 'key.revoked'`,
      [workspace.tenantId],
    )
    expect(rows[0].revoked).toBe(3)
  })

  test('T3: it is seen when a key was last used, not merely tried', async () => {
    const { owner } = await quickWorkspace(parley)
    const { key } = (await make(owner, ['tenant:read'])).body
    const used = async () =>
      (await owner.call<{ items: Key[] }>('get', '/api/v1/keys')).body.items[0]?.lastUsedAt
    expect(await used()).toBeNull()
    const before = Date.now()
    await keyCaller(parley, key).call('get', '/api/v1/tenant')
    expect(Math.abs(Date.parse((await used()) ?? '') - before)).toBeLessThan(30_000)
  })

  test('S5: a repeat shows the same key, and what is kept for that cannot be read', async () => {
    const { owner, tenantId } = await quickWorkspace(parley)
    const headers = { 'idempotency-key': 'make-key' }
    const first = await make(owner, ['tenant:read'], {}, headers)
    const second = await make(owner, ['tenant:read'], {}, headers)
    expect(second.body).toEqual(first.body)
    expect(first.headers.has('idempotent-replayed')).toBe(false)
    expect(second.headers.get('idempotent-replayed')).toBe('true')
    const { rows } = await parley.owner.query('select * from idempotency_keys where tenant_id = $1', [
      tenantId,
    ])
    expect(rows).toHaveLength(1)
    expect(rows[0].response.length).toBeGreaterThan(100)
    const kept = JSON.stringify(rows) + Buffer.from(rows[0].response, 'base64url').toString('latin1')
    for (const part of [first.body.key, first.body.id, 'tenant:read']) expect(kept).not.toContain(part)
  })

  test('T3: malformed keys name their faults', async () => {
    const { owner } = await quickWorkspace(parley)
    expect(faultPaths(await make(owner, ['all'], { name: '\n', expiresAt: 'tomorrow', scopes: [] }))).toEqual(
      ['expiresAt', 'name', 'permissions.0', 'scopes'],
    )
    expect(faultPaths(await make(owner, []))).toEqual(['permissions'])
  })
})
