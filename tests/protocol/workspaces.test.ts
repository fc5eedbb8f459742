import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId } from '../../src/kernel/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import { keyCaller, newWorkspace, nobody, type Person } from '../support/people.ts'
import { expectProblem, faultPaths } from '../support/problems.ts'
import { quickMember, quickPerson, quickWorkspace } from '../support/quickPeople.ts'

interface Tenant {
  id: string
  slug: string
  name: string
  status: string
  settings: object
}
const boss = 'boss@people.example'

describe.each(databaseKinds)('workspaces on %s', { concurrent: true }, kind => {
  let parley: TestParley
  beforeAll(async () => {
    parley = await startParley(kind, { MASTER_ADMIN_EMAILS: boss })
  })
  afterAll(() => parley.remove())

  const create = (by: Person, slug: string, key?: string, name = 'Workspace') =>
    by.call<Tenant>('post', '/api/v1/tenants', { name, slug }, key ? { 'idempotency-key': key } : {})
  const freshSlug = () => `s-${newId().slice(-12)}`
  const countOf = async (slug: string) =>
    (await parley.owner.query('select id from tenants where slug = $1', [slug])).rows.length

  test('T1: whoever creates one owns it', async () => {
    const person = await quickPerson(parley)
    const slug = freshSlug()
    const made = await create(person, slug)
    expect(made.status).toBe(201)
    expect((await person.call<Tenant>('get', '/api/v1/tenant')).body).toEqual(made.body)
    const me = await person.call<{ memberships: object[] }>('get', '/api/v1/me')
    expect(me.body.memberships).toEqual([
      expect.objectContaining({ tenantId: made.body.id, slug, role: 'owner', status: 'active' }),
    ])
    const other = await quickPerson(parley)
    expect(expectProblem(await create(other, slug), 'conflict').detail).toBe('This slug is taken.')
    expectProblem(await other.call('get', '/api/v1/tenant'), 'forbidden')
  })

  test('T1: slugs are what fits into a host name', async () => {
    const person = await quickPerson(parley)
    const none = [
      'A-Slug',
      '-a',
      'a-',
      'a',
      'a b',
      'a.b',
      'a/b',
      'ä-b',
      'a'.repeat(64),
      '',
      'a_b',
      'a\u0000b',
      'ab\n',
    ]
    for (const slug of none) expect(faultPaths(await create(person, slug)), slug).toEqual(['slug'])
  })

  test('T1: two that want one slug at once: one gets it, the other is told', async () => {
    const people = await Promise.all([quickPerson(parley), quickPerson(parley)])
    const slug = freshSlug()
    const answers = await Promise.all(people.map(person => create(person, slug)))
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409])
  })

  test('T1: a repeat with the same key answers the same workspace, also at the same moment', async () => {
    const person = await quickPerson(parley)
    const slug = freshSlug()
    const answers = await Promise.all([1, 2, 3].map(() => create(person, slug, 'key-1')))
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201])
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1)
    expect(await countOf(slug)).toBe(1)
    // Of version 7 like every id, and told apart as on every other route.
    expect(answers[0]?.body.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/)
    const replayed = answers.filter(({ headers }) => headers.get('idempotent-replayed') === 'true')
    expect(replayed).toHaveLength(2)
    const repeat = await create(person, slug, 'key-1')
    expect([repeat.body, repeat.headers.get('idempotent-replayed')]).toEqual([answers[0]?.body, 'true'])
    expectProblem(await create(person, freshSlug(), 'key-1'), 'idempotency_mismatch')
    // Another person's key is another key, and another key of the same person is another workspace.
    const other = await quickPerson(parley)
    expect((await create(other, freshSlug(), 'key-1')).status).toBe(201)
    expect((await create(person, freshSlug(), 'key-2')).status).toBe(201)
  })

  test('T1: a try that failed does not use up its key', async () => {
    const [person, other] = [await quickPerson(parley), await quickPerson(parley)]
    const slug = freshSlug()
    await create(other, slug)
    expectProblem(await create(person, slug, 'retry'), 'conflict')
    expect((await create(person, freshSlug(), 'retry')).status).toBe(201)
  })

  test('T1: a first request that ended between its reservation and its workspace does not block the next', async () => {
    const person = await quickPerson(parley)
    const reserved = newId()
    await parley.owner.query(
      `insert into founding_keys (user_id, key, reserved) values ($1, 'cut-off', $2)`,
      [person.userId, reserved],
    )
    const made = await create(person, freshSlug(), 'cut-off')
    expect([made.status, made.body.id]).toEqual([201, reserved])
    expect(made.headers.has('idempotent-replayed')).toBe(false)
  })

  test('T1: a key is kept for a day; after that it makes another workspace', async () => {
    const person = await quickPerson(parley)
    const first = await create(person, freshSlug(), 'old')
    await parley.owner.query(
      `update founding_keys set created_at = now() - interval '25 hours' where user_id = $1`,
      [person.userId],
    )
    const second = await create(person, freshSlug(), 'old')
    expect([first.status, second.status]).toEqual([201, 201])
    expect(second.body.id).not.toBe(first.body.id)
  })

  test('T1: who belongs to several names one, by id or slug; the others are as if they were not there', async () => {
    const person = await quickPerson(parley)
    const [one, two] = [await newWorkspace(parley, person), await newWorkspace(parley, person)]
    const foreign = await quickWorkspace(parley)
    const read = (tenant?: string) =>
      person.call<Tenant>(
        'get',
        '/api/v1/tenant',
        undefined,
        tenant === undefined ? {} : { 'parley-tenant': tenant },
      )
    expect(faultPaths(await read())).toEqual(['Parley-Tenant'])
    for (const { tenantId, slug } of [one, two]) {
      expect((await read(tenantId)).body.id).toBe(tenantId)
      expect((await read(tenantId.toUpperCase())).body.id).toBe(tenantId)
      expect((await read(slug)).body.id).toBe(tenantId)
    }
    const refusals = await Promise.all([foreign.tenantId, foreign.slug, newId(), 'no-such', ''].map(read))
    const shapes = refusals.map(answer => ({ ...expectProblem(answer, 'forbidden'), requestId: '' }))
    for (const shape of shapes) expect(shape).toEqual(shapes[0])
  })

  test('T1: settings and branding are kept as given and checked', async () => {
    const { owner } = await quickWorkspace(parley)
    const patch = {
      name: 'Løvenskiold & Søn 🦁',
      branding: { primaryColor: '#1a2B3c', logo: 'https://cdn.example/logo.svg' },
      settings: { maxMembers: 7, timezone: 'Europe/Oslo' },
    }
    expect((await owner.call<Tenant>('patch', '/api/v1/tenant', patch)).body).toMatchObject(patch)
    expect((await owner.call<Tenant>('get', '/api/v1/tenant')).body).toMatchObject(patch)
    const bad = {
      name: ' ',
      status: 'active',
      plan: 'enterprise',
      customDomain: 'http://x',
      branding: { primaryColor: 'red', logo: 'javascript:alert(1)' },
      settings: { maxMembers: 0, isAdmin: true },
    }
    expect(faultPaths(await owner.call('patch', '/api/v1/tenant', bad))).toEqual([
      'branding.logo',
      'branding.primaryColor',
      'customDomain',
      'name',
      'plan',
      'settings.isAdmin',
      'settings.maxMembers',
      'status',
    ])
  })

  test('T1: one custom domain belongs to one workspace', async () => {
    const [one, two] = [await quickWorkspace(parley), await quickWorkspace(parley)]
    const customDomain = `help.${one.slug}.example`
    expect((await one.owner.call('patch', '/api/v1/tenant', { customDomain })).status).toBe(200)
    expect(
      expectProblem(await two.owner.call('patch', '/api/v1/tenant', { customDomain }), 'conflict').detail,
    ).toBe('This domain is taken.')
  })

  test('T1: a master admin suspends a workspace, for people and keys, and lets it go on', async () => {
    const workspace = await quickWorkspace(parley)
    const { owner, tenantId } = workspace
    const made = await owner.call<{ key: string }>('post', '/api/v1/keys', {
      name: 'k',
      permissions: ['tenant:read'],
    })
    const program = keyCaller(parley, made.body.key)
    const master = await quickPerson(parley, 'Boss')
    await parley.owner.query('update users set email = $1 where id = $2', [boss, master.userId])
    const path = `/api/v1/platform/tenants/${tenantId}`

    for (const caller of [owner, program]) {
      for (const [method, url] of [
        ['get', '/api/v1/platform/tenants'],
        ['patch', path],
      ] as const) {
        const { status } = await caller.call(
          method,
          url,
          method === 'patch' ? { status: 'active' } : undefined,
        )
        expect([401, 403]).toContain(status)
      }
    }
    expectProblem(await nobody(parley).call('patch', path, { status: 'suspended' }), 'unauthenticated')

    const listed = await master.call<{ items: Tenant[] }>('get', '/api/v1/platform/tenants?limit=100')
    expect(listed.body.items.map(({ id }) => id)).toContain(tenantId)
    const suspended = await master.call<Tenant>('patch', path, { status: 'suspended' })
    expect(suspended.body.status).toBe('suspended')
    for (const caller of [owner, program])
      expectProblem(await caller.call('get', '/api/v1/tenant'), 'tenant_suspended')
    expect(
      (
        await master.call('patch', path, {
          status: 'active',
          plan: 'pro',
          trialEndsAt: '2031-01-31T12:00:00+02:00',
        })
      ).status,
    ).toBe(200)
    for (const caller of [owner, program]) {
      expect((await caller.call<Tenant>('get', '/api/v1/tenant')).body).toMatchObject({
        plan: 'pro',
        trialEndsAt: '2031-01-31T10:00:00.000Z',
      })
    }
    const { rows } = await parley.owner.query(
      `select actor_kind from audit_logs where tenant_id = $1 and action = 'tenant.updated'`,
      [tenantId],
    )
    expect(rows).toEqual([{ actor_kind: 'platform' }, { actor_kind: 'platform' }])
    await master.call('patch', path, { status: 'closed' })
    expectProblem(await owner.call('get', '/api/v1/tenant'), 'unauthenticated')
    expectProblem(
      await master.call('patch', `/api/v1/platform/tenants/${newId()}`, { plan: 'pro' }),
      'not_found',
    )
    expect(faultPaths(await master.call('patch', path, { status: 'open', slug: 'x' }))).toEqual([
      'slug',
      'status',
    ])
  })

  test('T3: a member who is not active is refused', async () => {
    const workspace = await quickWorkspace(parley)
    const member = await quickMember(parley, workspace, 'admin')
    const patched = await workspace.owner.call('patch', `/api/v1/members/${member.memberId}`, {
      status: 'suspended',
    })
    expect(patched.status).toBe(200)
    expectProblem(await member.call('get', '/api/v1/tenant'), 'forbidden')
    await workspace.owner.call('delete', `/api/v1/members/${member.memberId}`)
    expectProblem(await member.call('get', '/api/v1/tenant'), 'forbidden')
  })
})
