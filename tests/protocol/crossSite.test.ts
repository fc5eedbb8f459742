import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newBrowser } from '../support/cookieJar.ts'
import { databaseKinds } from '../support/databases.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import { newPerson } from '../support/people.ts'
import { expectProblem } from '../support/problems.ts'
import { send } from '../support/rawHttp.ts'

const publicUrl = 'https://chat.example'
const foreign = 'https://evil.example'

const kind = databaseKinds.at(-1) ?? 'embedded'

describe('S4: a cookie counts for changes only from pages of ours', () => {
  let parley: TestParley
  let cookie: string
  let token: string
  beforeAll(async () => {
    parley = await startParley(kind, { PUBLIC_URL: publicUrl })
    const person = await newPerson(parley)
    token = person.token
    const browser = newBrowser(parley)
    await browser.call('post', '/api/auth/sign-in/email', { email: person.email, password: person.password })
    cookie = browser.cookieHeader()
    await person.call('post', '/api/v1/tenants', { name: 'Ours', slug: 'ours' })
  })
  afterAll(() => parley.remove())

  const change = (headers: Record<string, string>, method = 'POST', path = '/api/v1/contacts') =>
    send(parley, {
      method,
      path,
      headers: { 'content-type': 'application/json', ...headers },
      ...(method === 'DELETE' ? {} : { body: '{}' }),
    })

  test.each([
    { origin: foreign },
    { origin: 'null' },
    { origin: '' },
    { origin: 'http://chat.example' },
    { origin: 'https://chat.example.evil.example' },
    { origin: 'https://chat.example:8443' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'nonsense' },
    { origin: foreign, 'sec-fetch-site': 'same-origin' },
    { origin: foreign, 'x-forwarded-host': 'evil.example' },
  ])('refused: %o', async headers => {
    for (const [method, path] of [
      ['POST', '/api/v1/contacts'],
      ['PATCH', '/api/v1/tenant'],
      ['DELETE', '/api/v1/me/sessions'],
      ['POST', '/api/auth/sign-out'],
    ] as const) {
      expectProblem(await change({ cookie, ...headers } as Record<string, string>, method, path), 'forbidden')
    }
    expect((await send(parley, { path: '/api/v1/tenant', headers: { cookie } })).status).toBe(200)
  })

  test.each([
    {},
    { origin: publicUrl, 'sec-fetch-site': 'same-origin' },
    { host: 'other.example', origin: 'http://other.example' },
    { 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-site': 'none' },
  ])('served: %o', async headers => {
    expect((await change({ cookie, ...headers } as Record<string, string>)).status).toBe(201)
  })

  test('reading is served from anywhere, but no page elsewhere may see the answer', async () => {
    const answer = await send(parley, { path: '/api/v1/tenant', headers: { cookie, origin: foreign } })
    expect(answer.status).toBe(200)
    expect(answer.headers.has('access-control-allow-origin')).toBe(false)
    expect(answer.headers.has('access-control-allow-credentials')).toBe(false)
    const preflight = await send(parley, {
      method: 'OPTIONS',
      path: '/api/v1/contacts',
      headers: { origin: foreign, 'access-control-request-method': 'POST' },
    })
    expect(preflight.headers.has('access-control-allow-origin')).toBe(false)
  })

  test('a bearer token is no cookie: whoever holds it may use it from anywhere', async () => {
    const answer = await change({
      authorization: `Bearer ${token}`,
      origin: foreign,
      'sec-fetch-site': 'cross-site',
    })
    expect(answer.status).toBe(201)
  })

  test('a made-up Authorization beside the cookie does not open the way round', async () => {
    for (const authorization of ['Basic eDp5', 'x', 'Bearer', 'Bearer x', 'Bearer x.y', `Bearer ${token}`]) {
      expectProblem(await change({ cookie, authorization, origin: foreign }), 'forbidden')
    }
  })

  test('the cookie is marked for https where that is the public address', async () => {
    const person = await newPerson(parley)
    const answer = await change({}, 'POST', '/api/v1/contacts')
    expectProblem(answer, 'unauthenticated')
    const signedIn = await send(parley, {
      method: 'POST',
      path: '/api/auth/sign-in/email',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: person.email, password: person.password }),
    })
    expect(signedIn.headers.getSetCookie().find(line => line.startsWith('parley.session_token='))).toMatch(
      /; Secure/i,
    )
  })
})
