import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Browser, newBrowser } from '../support/cookieJar.ts'
import { databaseKinds } from '../support/databases.ts'
import { type FakeGithub, startFakeGithub } from '../support/fakeGithub.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import { nobody } from '../support/people.ts'
import { expectProblem } from '../support/problems.ts'
import { quickAccount } from '../support/quickPeople.ts'
import { send } from '../support/rawHttp.ts'

const clients = {
  GOOGLE_CLIENT_ID: 'google-client',
  GOOGLE_CLIENT_SECRET: 'google-secret',
  GITHUB_CLIENT_ID: 'github-client',
  GITHUB_CLIENT_SECRET: 'github-secret',
}
const publicUrl = 'http://chat.example'
let ids = 1000

describe.each(databaseKinds)('signing in with a provider on %s', kind => {
  let parley: TestParley
  let closed: TestParley
  let github: FakeGithub
  beforeAll(async () => {
    parley = await startParley(kind, { ...clients, PUBLIC_URL: publicUrl })
    closed = await startParley(kind, { ...clients, PUBLIC_URL: publicUrl, SIGN_UP: 'false' })
    github = await startFakeGithub()
  })
  afterAll(async () => {
    await github.close()
    await parley.remove()
    await closed.remove()
  })

  const begin = (browser: Browser, provider: string, fields: object = {}) =>
    browser.call<{ url: string }>('post', '/api/auth/sign-in/social', {
      provider,
      callbackURL: '/desk',
      ...fields,
    })

  /** The whole way round: our answer, the provider's consent, its redirect back to us. */
  async function signInWithGithub(at: TestParley, profile: Partial<FakeGithub['profile']>) {
    const id = ++ids
    github.profile = {
      id,
      login: 'octo',
      name: 'Octo',
      email: `octo-${id}@people.example`,
      verified: true,
      ...profile,
    }
    const browser = newBrowser(at)
    const begun = await begin(browser, 'github', { errorCallbackURL: '/sign-in-failed' })
    const state = new URL(begun.body.url).searchParams.get('state') ?? ''
    const path = `/api/auth/callback/github?code=granted&state=${encodeURIComponent(state)}`
    const back = await browser.call('get', path)
    return { browser, back, path, email: github.profile.email }
  }

  test.each([
    ['google', 'accounts.google.com', 'google-client'],
    ['github', 'github.com', 'github-client'],
  ])(
    'T2: %s: the answer leads to the provider, and from there back to us',
    async (provider, host, client) => {
      const { status, body } = await begin(newBrowser(parley), provider)
      expect(status).toBe(200)
      const url = new URL(body.url)
      expect([url.protocol, url.host]).toEqual(['https:', host])
      expect(url.searchParams.get('redirect_uri')).toBe(`${publicUrl}/api/auth/callback/${provider}`)
      expect(url.searchParams.get('client_id')).toBe(client)
      expect(url.searchParams.get('state')?.length).toBeGreaterThan(20)
      expect(body.url).not.toContain('-secret')
    },
  )

  test('T2: a provider that is not configured is not there', async () => {
    expectProblem(await begin(newBrowser(parley), 'microsoft'), 'not_found')
    expectProblem(await begin(newBrowser(parley), 'myspace'), 'invalid_request')
  })

  test('T2: a first sign-in makes an account with a verified address; its tokens are stored sealed', async () => {
    const { browser, back, email } = await signInWithGithub(parley, {})
    expect([back.status, back.headers.get('location')]).toEqual([302, '/desk'])
    expect((await browser.call<object>('get', '/api/v1/me')).body).toMatchObject({
      email,
      emailVerified: true,
    })
    const { rows } = await parley.owner.query(
      `select a.* from accounts a join users u on u.id = a.user_id where u.email = $1`,
      [email],
    )
    expect(rows).toHaveLength(1)
    expect(rows[0].access_token).toBeTypeOf('string')
    expect(JSON.stringify(rows)).not.toContain(github.accessToken)
  })

  test('T2: a verified address joins the account that has it; an unverified one takes nothing over', async () => {
    const person = await quickAccount(parley)
    const joined = await signInWithGithub(parley, { email: person.email, verified: true })
    expect(joined.back.headers.get('location')).toBe('/desk')
    expect((await joined.browser.call<object>('get', '/api/v1/me')).body).toMatchObject({
      userId: person.userId,
    })

    const victim = await quickAccount(parley)
    const thief = await signInWithGithub(parley, { email: victim.email, verified: false })
    expect(thief.back.headers.get('location')).toMatch(/^\/sign-in-failed\?error=account_not_linked/)
    expectProblem(await thief.browser.call('get', '/api/v1/me'), 'unauthenticated')
  })

  test('T2: SIGN_UP=false lets nobody in who has no account, and everybody who has', async () => {
    const stranger = await signInWithGithub(closed, {})
    expect(stranger.back.headers.get('location')).toMatch(/^\/sign-in-failed\?error=signup_disabled/)
    expectProblem(await stranger.browser.call('get', '/api/v1/me'), 'unauthenticated')
    const { rows } = await closed.owner.query('select id from users where email = $1', [stranger.email])
    expect(rows).toEqual([])
    const person = await quickAccount(closed)
    const known = await signInWithGithub(closed, { email: person.email })
    expect((await known.browser.call('get', '/api/v1/me')).status).toBe(200)
  })

  test('T2: a state works once, in the browser it was given to', async () => {
    const { browser, path } = await signInWithGithub(parley, {})
    const again = await browser.call('get', path)
    expect(again.status).toBe(302)
    expect(again.headers.get('location')).toMatch(/error=/)

    const begun = await begin(newBrowser(parley), 'github')
    const state = encodeURIComponent(new URL(begun.body.url).searchParams.get('state') ?? '')
    const elsewhere = newBrowser(parley)
    const back = await elsewhere.call('get', `/api/auth/callback/github?code=granted&state=${state}`)
    expect(back.headers.get('location')).toMatch(/error=state_mismatch/)
    expectProblem(await elsewhere.call('get', '/api/v1/me'), 'unauthenticated')
  })

  test.each([
    'github?code=x&state=forged',
    'github?code=x',
    'github?state=forged',
    'github?error=access_denied&state=x',
    'github?error=access_denied&error_description=%00%0d%0a',
    'github',
    'google?code=%00&state=%00',
    'microsoft?code=x&state=x',
  ])('T2: a callback that nobody asked for leads to a page that says so: %s', async query => {
    const answer = await send(parley, { path: `/api/auth/callback/${query}` })
    expect(answer.status).toBe(302)
    const target = new URL(answer.headers.get('location') ?? '')
    expect(target.origin).toBe(publicUrl)
    expect(target.searchParams.get('error')).toMatch(/^\w+$/)
    expect((await nobody(parley).call('get', target.pathname)).status).toBe(200)
  })

  test('T2: repeated and unknown parameters of a callback are refused plainly', async () => {
    expectProblem(
      await send(parley, { path: '/api/auth/callback/github?state=a&state=b' }),
      'invalid_request',
    )
    expectProblem(await send(parley, { path: '/api/auth/callback/nonsense?state=a' }), 'invalid_request')
  })

  test('T2: the way back leads to this server only', async () => {
    const targets = [
      'https://evil.example',
      '//evil.example',
      '/\t/evil.example',
      '/%2fevil.example',
      '/\\evil.example',
    ]
    for (const elsewhere of targets) {
      for (const field of ['callbackURL', 'errorCallbackURL']) {
        const answer = await begin(newBrowser(parley), 'github', { [field]: elsewhere })
        expect([400, 403], `${field} ${elsewhere}`).toContain(answer.status)
        expect(answer.body.code).toMatch(/invalid_request|forbidden/)
      }
    }
  })
})

describe('signing in from a page', () => {
  let parley: TestParley
  beforeAll(async () => {
    parley = await startParley(databaseKinds.at(-1) ?? 'embedded', { PUBLIC_URL: publicUrl })
  })
  afterAll(() => parley.remove())

  const signIn = async (headers: Record<string, string>) => {
    const person = await quickAccount(parley)
    const body = JSON.stringify({ email: person.email, password: person.password })
    return send(parley, {
      method: 'POST',
      path: '/api/auth/sign-in/email',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    })
  }
  const foreign = 'https://evil.example'

  test.each([
    { origin: foreign },
    { origin: foreign, cookie: 'other=1' },
    { origin: foreign, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
  ])('S4: of another site is refused: %o', async headers => {
    expectProblem(await signIn(headers), 'forbidden')
  })

  test.each([
    {},
    { cookie: 'other=1' },
    { origin: publicUrl, 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' },
    { host: 'other-name.example', origin: 'http://other-name.example', 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-mode': 'cors' },
  ])('S4: of ours, or from no page, is served: %o', async headers => {
    expect((await signIn(headers as Record<string, string>)).status).toBe(200)
  })
})
