import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId } from '../../src/kernel/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import { type Answer, type Caller, callerWith, keyCaller, nobody } from '../support/people.ts'
import { entriesOf, expectEntry, refuseSomeEntries, traces, unwritableId } from './matrix/audit.ts'
import { newWorld, type World } from './matrix/credentials.ts'
import { type PersonEntry, type PersonRequest, personRoutes } from './matrix/personRoutes.ts'
import { allPermissions, tenantRoutes } from './matrix/tenantRoutes.ts'
import { newSomebody, type Somebody } from './matrix/world.ts'

const socialSignIn = { GITHUB_CLIENT_ID: 'a-client', GITHUB_CLIENT_SECRET: 'a-secret' }

describe.each(databaseKinds)('S3 routes outside of workspaces on %s', kind => {
  let parley: TestParley
  let world: World
  let signedOut: Somebody
  let expired: Somebody
  let key: string
  beforeAll(async () => {
    parley = await startParley(kind, socialSignIn)
    world = await newWorld(parley)
    signedOut = await newSomebody(parley)
    await parley.owner.query('delete from auth_sessions where id = $1', [signedOut.sessionId])
    expired = await newSomebody(parley, 'expired', { expiresAt: new Date(Date.now() - 1_000) })
    key = (await world.makeA.key(allPermissions)).key
    await refuseSomeEntries(parley)
  })
  afterAll(() => parley.remove())

  test('S3 the matrix names every route of the program, and no other', async () => {
    const { body } = await nobody(parley).call<{ paths: Record<string, Record<string, object>> }>(
      'get',
      '/api/openapi.json',
    )
    const served = Object.entries(body.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map(method => `${method.toUpperCase()} ${path}`),
    )
    expect(served.length).toBeGreaterThan(50)
    expect(Object.keys({ ...tenantRoutes, ...personRoutes }).sort()).toEqual(served.sort())
  })

  const send = (
    caller: Caller,
    method: string,
    request: PersonRequest,
    headers: Record<string, string> = {},
  ) => caller.call(method, request.path, request.body, { ...request.headers, ...headers })

  const told = ({ status, body }: Answer) => ({ status, code: body.code })

  /** Everybody who is not signed in, and on a route for master admins everybody else. */
  async function refusals(method: string, request: PersonRequest, entry: PersonEntry) {
    const unauthenticated = { status: 401, code: 'unauthenticated' }
    const refused: [string, Caller, { status: number; code: string }][] = [
      ['nobody', nobody(parley), unauthenticated],
      ['a made-up token', keyCaller(parley, 'made-up'), unauthenticated],
      ['a revoked session', signedOut, unauthenticated],
      ['an expired session', expired, unauthenticated],
      ['a key, which is no person', keyCaller(parley, key), unauthenticated],
      [
        'a cookie that we did not sign',
        callerWith(parley, { cookie: `parley.session_token=${world.a.owner.token}` }),
        unauthenticated,
      ],
    ]
    if (entry.access === 'master_admin')
      refused.push(['an owner', world.a.owner, { status: 403, code: 'forbidden' }])
    const another = await newSomebody(parley, 'another')
    if (request.others) refused.push(['another person', another, request.others])
    const faults: string[] = []
    for (const [who, caller, wanted] of refused) {
      const answer = await send(caller, method, request)
      const leaks = JSON.stringify(answer.body).includes(world.a.mark)
      if (leaks || JSON.stringify(told(answer)) !== JSON.stringify(wanted))
        faults.push(`${who}: ${answer.status} ${JSON.stringify(answer.body)}`)
    }
    return faults
  }

  async function undoneWithoutEntry(method: string, request: PersonRequest, as: Caller): Promise<void> {
    const tenants = [world.a.tenantId, /[0-9a-f-]{36}$/.exec(request.path)?.[0] ?? newId()]
    const before = await traces(parley, ...tenants)
    const answer = await send(as, method, request, { 'x-request-id': unwritableId() })
    expect(told(answer)).toEqual({ status: 500, code: 'internal' })
    expect(await traces(parley, ...tenants)).toBe(before)
  }

  test.each(Object.entries(personRoutes))('S3 %s', async (name, entry) => {
    const method = name.split(' ')[0] ?? ''
    const request = await entry.request(world)
    const requestId = `request-${newId()}`
    const as = request.as ?? nobody(parley)
    if (entry.access !== 'public') {
      expect(request.as, 'somebody may').toBeDefined()
      expect(await refusals(method, request, entry)).toEqual([])
    }
    if (entry.audit) await undoneWithoutEntry(method, request, as)
    const answer = await send(as, method, request, { 'x-request-id': requestId })
    expect(answer.status, JSON.stringify(answer.body)).toBe(entry.status)
    const rows = await entriesOf(parley, requestId)
    if (entry.audit) expectEntry(rows, entry.audit, name)
    else expect(rows).toEqual([])
  })

  test('S3 what a person reads about themselves is about nobody else', async () => {
    const [one, other] = [await newSomebody(parley, 'one'), await newSomebody(parley, 'other')]
    await parley.owner.query(
      `insert into members (tenant_id, id, user_id, role) values ($1, $2, $3, 'member')`,
      [world.a.tenantId, newId(), one.userId],
    )
    const [mine, theirs] = [await one.call('get', '/api/v1/me'), await other.call('get', '/api/v1/me')]
    expect(mine.body).toMatchObject({ userId: one.userId, memberships: [{ tenantId: world.a.tenantId }] })
    expect(theirs.body).toMatchObject({ userId: other.userId, memberships: [] })
    const sessions = await other.call('get', '/api/v1/me/sessions')
    expect(sessions.body).toEqual({
      items: [expect.objectContaining({ id: other.sessionId, current: true })],
    })
    for (const person of [one, other]) {
      const { body } = await person.call<{ items: { action: string }[] }>('get', '/api/v1/me/security-events')
      // Two transactions within one tick of a coarse clock may stand in either order.
      expect(body.items.map(({ action }) => action).toSorted()).toEqual([
        'account.created',
        'session.started',
      ])
      expect(JSON.stringify(body)).toContain(person.sessionId)
    }
    await other.call('delete', '/api/v1/me/sessions')
    expect((await one.call('get', '/api/v1/me')).status).toBe(200)
  })
})
