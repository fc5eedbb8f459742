import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newBrowser } from '../support/cookieJar.ts'
import { databaseKinds } from '../support/databases.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import { callerWith, newPerson, newWorkspace, nobody, type Person, signIn } from '../support/people.ts'
import { expectProblem } from '../support/problems.ts'
import { send } from '../support/rawHttp.ts'

interface Session {
  id: string
  current: boolean
  userAgent: string | null
  ipAddress: string | null
}

describe.each(databaseKinds)('sessions on %s', { concurrent: true }, kind => {
  let parley: TestParley
  beforeAll(async () => {
    parley = await startParley(kind)
  })
  afterAll(() => parley.remove())

  const withToken = (token: string) => callerWith(parley, { authorization: `Bearer ${token}` })
  const sessionsOf = async (person: Person) =>
    (await person.call<{ items: Session[] }>('get', '/api/v1/me/sessions')).body.items

  test('T2: the list says where a person is signed in, without the tokens', async () => {
    const person = await newPerson(parley)
    const other = await signIn(parley, person.email, person.password)
    const answer = await person.call<{ items: Session[] }>('get', '/api/v1/me/sessions')
    expect(answer.body.items).toHaveLength(2)
    expect(answer.body.items.filter(({ current }) => current)).toHaveLength(1)
    expect(answer.body.items[0]?.ipAddress).toMatch(/127\.0\.0\.1|::1/)
    const text = JSON.stringify(answer.body)
    for (const token of [person.token, other]) expect(text).not.toContain(token)
  })

  test('T2: an ended session is refused at once, and nobody else can end it', async () => {
    const person = await newPerson(parley)
    const stranger = await newPerson(parley)
    const other = await signIn(parley, person.email, person.password)
    const ended = (await sessionsOf(person)).find(({ current }) => !current)?.id
    expectProblem(await stranger.call('delete', `/api/v1/me/sessions/${ended}`), 'not_found')
    expect((await withToken(other).call('get', '/api/v1/me')).status).toBe(200)
    expect((await person.call('delete', `/api/v1/me/sessions/${ended}`)).status).toBe(204)
    expectProblem(await withToken(other).call('get', '/api/v1/me'), 'unauthenticated')
    expectProblem(await person.call('delete', `/api/v1/me/sessions/${ended}`), 'not_found')
    expect((await person.call('get', '/api/v1/me')).status).toBe(200)
  })

  test('T2: all other sessions end together', async () => {
    const person = await newPerson(parley)
    const others = await Promise.all([1, 2].map(() => signIn(parley, person.email, person.password)))
    const answer = await person.call<{ ended: number }>('delete', '/api/v1/me/sessions')
    expect(answer.body).toEqual({ ended: 2 })
    for (const token of others) {
      expectProblem(await withToken(token).call('get', '/api/v1/me'), 'unauthenticated')
    }
    expect(await sessionsOf(person)).toHaveLength(1)
  })

  test('T2: signing out ends the session, by bearer and by cookie', async () => {
    const person = await newPerson(parley)
    const browser = newBrowser(parley)
    await browser.call('post', '/api/auth/sign-in/email', { email: person.email, password: person.password })
    const stolen = browser.cookieHeader()
    expect((await browser.call('get', '/api/v1/me')).status).toBe(200)
    expect((await browser.call('post', '/api/auth/sign-out')).status).toBe(200)
    expect(browser.cookies.has('parley.session_token')).toBe(false)
    expectProblem(
      await nobody(parley).call('get', '/api/v1/me', undefined, { cookie: stolen }),
      'unauthenticated',
    )

    expect((await person.call('post', '/api/auth/sign-out')).status).toBe(200)
    expectProblem(await person.call('get', '/api/v1/me'), 'unauthenticated')
    expectProblem(await person.call('post', '/api/auth/sign-out'), 'unauthenticated')
  })

  test('S1: cookie and bearer admit to the same scope', async () => {
    const workspace = await newWorkspace(parley)
    const { owner } = workspace
    const browser = newBrowser(parley)
    await browser.call('post', '/api/auth/sign-in/email', { email: owner.email, password: owner.password })
    for (const [name, caller] of Object.entries({ cookie: browser, bearer: owner })) {
      expect((await caller.call('post', '/api/v1/contacts', { externalId: name })).status).toBe(201)
    }
    const { rows } = await parley.owner.query(
      `select actor_kind, actor_id, user_id, tenant_id from audit_logs where tenant_id = $1 and action = 'contact.created'`,
      [workspace.tenantId],
    )
    expect(rows).toHaveLength(2)
    expect(rows[0]).toEqual(rows[1])
    expect(rows[0]).toMatchObject({ user_id: owner.userId, actor_kind: 'member' })
    const [me, same] = [await browser.call('get', '/api/v1/me'), await owner.call('get', '/api/v1/me')]
    expect(me.body).toEqual(same.body)
  })

  test('T2: an expired session is refused and not listed', async () => {
    const person = await newPerson(parley)
    const other = await signIn(parley, person.email, person.password)
    await parley.owner.query(
      `update auth_sessions set expires_at = now() - interval '1 second' where token = $1`,
      [other.split('.')[0]],
    )
    expect(await sessionsOf(person)).toHaveLength(1)
    expectProblem(await withToken(other).call('get', '/api/v1/me'), 'unauthenticated')
  })

  test('T2: credentials that are none are refused, whatever they look like', async () => {
    const person = await newPerson(parley)
    const [stored = '', signature = ''] = person.token.split('.')
    const { rowCount } = await parley.owner.query('select 1 from auth_sessions where token = $1', [stored])
    expect(rowCount).toBe(1)
    const credentials = [
      // What the table holds is no credential: whoever reads it cannot use it (S5).
      { authorization: `Bearer ${stored}` },
      { authorization: 'Bearer' },
      { authorization: 'Bearer ' },
      { authorization: `Basic ${Buffer.from('a:b').toString('base64')}` },
      { authorization: `Bearer ${stored}x.${signature}` },
      { authorization: 'Bearer %00' },
      { authorization: 'Bearer a.%00' },
      { authorization: 'Bearer %zz.%' },
      { authorization: `Bearer ${'x'.repeat(5000)}` },
      { authorization: 'Bearer parley_short' },
      { authorization: `Bearer parley_${'A'.repeat(54)}` },
      { cookie: 'parley.session_token=' },
      { cookie: 'parley.session_token=%zz' },
      { cookie: 'parley.session_token=%00.%00' },
      { cookie: `parley.session_token=${stored}` },
      { cookie: `parley.session_token=${stored}.${'A'.repeat(43)}%3D` },
      { cookie: 'parley.session_token' },
    ]
    for (const headers of credentials) {
      for (const path of ['/api/v1/me', '/api/v1/tenant']) {
        expectProblem(await send(parley, { path, headers }), 'unauthenticated')
      }
    }
  })

  test('S4: the cookie is out of reach for scripts and other sites', async () => {
    const person = await newPerson(parley)
    const answer = await nobody(parley).call('post', '/api/auth/sign-in/email', {
      email: person.email,
      password: person.password,
    })
    const cookie = answer.headers.getSetCookie().find(line => line.startsWith('parley.session_token='))
    expect(cookie).toMatch(/; HttpOnly/i)
    expect(cookie).toMatch(/; SameSite=Lax/i)
    expect(cookie).toMatch(/; Path=\//i)
  })
})
