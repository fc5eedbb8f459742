import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newBrowser } from '../support/cookieJar.ts'
import { databaseKinds } from '../support/databases.ts'
import { type FakeGithub, startFakeGithub } from '../support/fakeGithub.ts'
import { mailTo } from '../support/outbox.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import { type Caller, nobody } from '../support/people.ts'
import { expectProblem, faultPaths } from '../support/problems.ts'
import { quickAccount, quickPerson } from '../support/quickPeople.ts'
import { nextWindow, totpCode } from '../support/totp.ts'

interface Event {
  id: string
  action: string
  oldValues: Record<string, unknown> | null
  newValues: Record<string, unknown> | null
  ipAddress: string | null
  userAgent: string | null
  createdAt: string
}
interface Page {
  items: Event[]
  nextCursor: string | null
}

const password = 'a long enough password'
const from = { 'user-agent': 'Test/1.0', 'x-forwarded-for': '203.0.113.7' }

// One database after the other: the stand-in for the provider takes the place of addresses that are the process's.
describe.each(databaseKinds)('T5 the trail of an account on %s', kind => {
  let parley: TestParley
  let github: FakeGithub
  beforeAll(async () => {
    github = await startFakeGithub()
    const client = { GITHUB_CLIENT_ID: 'client', GITHUB_CLIENT_SECRET: 'secret' }
    parley = await startParley(kind, { TRUST_PROXY: '1', ...client })
  })
  afterAll(async () => {
    await github.close()
    await parley.remove()
  })

  const list = async (caller: Caller, query = '') =>
    (await caller.call<Page>('get', `/api/v1/me/security-events${query}`)).body
  /** From the first to the last. */
  const actions = async (caller: Caller) =>
    (await list(caller, '?limit=100')).items.map(({ action }) => action).reverse()

  test.concurrent('T5 signing up, confirming, resetting: each in the transaction of the change, with where it came from', async () => {
    const email = `trail-${kind.toLowerCase()}-${Date.now()}@people.example`
    const browser = newBrowser(parley)
    const post = (path: string, body: object) => browser.call('post', `/api/auth${path}`, body, from)
    await post('/sign-up/email', { name: 'Ada', email, password })
    const confirm = (await mailTo(parley, email, /confirm/i)).link
    await browser.call('get', `${confirm.pathname}${confirm.search}`, undefined, from)
    await post('/request-password-reset', { email })
    const reset = (await mailTo(parley, email, /new password/i)).link
    const token = reset.pathname.split('/').at(-1)
    expect((await post('/reset-password', { token, newPassword: `${password} 2` })).status).toBe(200)
    expectProblem(await post('/sign-in/email', { email, password }), 'unauthenticated')
    expect((await post('/sign-in/email', { email, password: `${password} 2` })).status).toBe(200)

    const events = (await list(browser)).items.reverse()
    expect(events.map(({ action }) => action)).toEqual([
      'account.created',
      'password.set',
      'email.verified',
      'password.reset',
      'session.started',
    ])
    for (const event of events)
      expect(event).toMatchObject({ ipAddress: '203.0.113.7', userAgent: 'Test/1.0' })
    expect(events[0]?.newValues).toMatchObject({ email, name: 'Ada' })
    expect(events[3]).toMatchObject({ oldValues: { password: 'secret' }, newValues: { password: 'changed' } })
    const { rows } = await parley.owner.query<{ password: string }>(
      'select password from accounts a join users u on u.id = a.user_id where u.email = $1',
      [email],
    )
    expect(JSON.stringify(events)).not.toContain(rows[0]?.password ?? 'missing')
  })

  test.concurrent('T5 passwords, second factors and sessions', async () => {
    const person = await quickAccount(parley)
    const browser = newBrowser(parley)
    const post = (path: string, body: object = {}) =>
      browser.call<{ totpURI: string; backupCodes: string[] }>('post', `/api/auth${path}`, body, from)
    const signIn = () => post('/sign-in/email', { email: person.email, password: person.password })
    const known = (await actions(person)).length
    await signIn()
    const { body: factor } = await post('/two-factor/enable', { password: person.password })
    await post('/two-factor/verify-totp', { code: totpCode(factor.totpURI) })
    await post('/two-factor/generate-backup-codes', { password: person.password })
    await post('/sign-out')
    await signIn()
    await post('/two-factor/verify-totp', { code: totpCode(factor.totpURI, nextWindow()) })
    await post('/change-password', { currentPassword: person.password, newPassword: password })
    await post('/two-factor/disable', { password })
    await person.call('delete', '/api/v1/me/sessions', undefined, from)

    const told = await actions(person)
    expect(told.slice(known)).toEqual([
      'session.started',
      'second_factor.begun',
      'second_factor.enabled',
      'session.started',
      'session.ended',
      'second_factor.verified',
      'backup_codes.renewed',
      'session.ended',
      'session.started',
      'second_factor.asked',
      'session.started',
      'password.changed',
      ...told.slice(known + 12),
    ])
    const end = told.slice(known + 12)
    expect(end).toEqual(
      expect.arrayContaining(['second_factor.disabled', 'second_factor.removed', 'session.ended']),
    )
    const [last] = (await list(person, '?limit=1')).items
    expect(last).toMatchObject({ action: 'session.ended', ipAddress: '203.0.113.7', userAgent: 'Test/1.0' })

    // Nothing that is stored in secret stands in the trail.
    const secrets = [
      ...factor.backupCodes,
      new URL(factor.totpURI).searchParams.get('secret') ?? '',
      person.token,
    ]
    const all = JSON.stringify(await list(person, '?limit=100'))
    for (const secret of secrets) expect(all).not.toContain(secret)
  })

  test.concurrent('T5 a used backup code is told from new ones', async () => {
    const person = await quickAccount(parley)
    const { body: factor } = await person.call<{ totpURI: string; backupCodes: string[] }>(
      'post',
      '/api/auth/two-factor/enable',
      { password: person.password },
    )
    const browser = newBrowser(parley)
    await person.call('post', '/api/auth/two-factor/verify-totp', { code: totpCode(factor.totpURI) })
    await browser.call('post', '/api/auth/sign-in/email', { email: person.email, password: person.password })
    const [code] = factor.backupCodes
    expect((await browser.call('post', '/api/auth/two-factor/verify-backup-code', { code })).status).toBe(200)
    expect((await actions(browser)).slice(-2)).toEqual(['backup_code.used', 'session.started'])
  })

  test.concurrent('T5 an account at a provider that joins, once', async () => {
    const person = await quickAccount(parley)
    github.profile = { id: 4711, login: 'octo', name: 'Octo', email: person.email, verified: true }
    for (let round = 0; round < 2; round++) {
      const browser = newBrowser(parley)
      const begun = await browser.call<{ url: string }>('post', '/api/auth/sign-in/social', {
        provider: 'github',
        callbackURL: '/',
      })
      const state = encodeURIComponent(new URL(begun.body.url).searchParams.get('state') ?? '')
      const back = await browser.call('get', `/api/auth/callback/github?code=granted&state=${state}`)
      expect(back.headers.get('location')).toBe('/')
    }
    const linked = (await list(person, '?limit=100')).items.filter(
      ({ action }) => action === 'provider.linked',
    )
    expect(linked).toHaveLength(1)
    expect(linked[0]).toMatchObject({
      oldValues: null,
      newValues: { provider: 'github', provider_account: '4711' },
    })
    expect(JSON.stringify(linked)).not.toContain(github.accessToken)
  })

  test.concurrent('T5 the list is read in pages, and is one’s own', async () => {
    const [one, other] = [await quickPerson(parley), await quickPerson(parley)]
    await parley.owner.query(`update users set name = 'x' where id = $1`, [one.userId])
    const seen: string[] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: Page = await list(one, `?limit=1${cursor && `&cursor=${cursor}`}`)
      expect(page.items.length).toBe(1)
      seen.push(...page.items.map(({ action }) => action))
      cursor = page.nextCursor
    }
    expect(seen).toEqual(['profile.changed', 'session.started', 'account.created'])
    expect((await list(other)).items).toHaveLength(2)
    expect(faultPaths(await one.call('get', '/api/v1/me/security-events?userId=y'))).toEqual(['userId'])
    expectProblem(await nobody(parley).call('get', '/api/v1/me/security-events'), 'unauthenticated')
    const { rows } = await parley.owner.query(
      'select count(*)::int as count from audit_logs where user_id = $1',
      [one.userId],
    )
    expect(rows).toEqual([{ count: 0 }])
  })
})
