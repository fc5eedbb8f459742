import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newBrowser } from '../support/cookieJar.ts'
import { databaseKinds } from '../support/databases.ts'
import { allMails, mailTo } from '../support/outbox.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import { callerWith, nobody, type Person, signIn } from '../support/people.ts'
import { expectProblem, faultPaths } from '../support/problems.ts'
import { quickAccount } from '../support/quickPeople.ts'

const next = 'a different password'

describe.each(databaseKinds)('passwords on %s', { concurrent: true }, kind => {
  let parley: TestParley
  beforeAll(async () => {
    parley = await startParley(kind)
  })
  afterAll(() => parley.remove())

  const post = (path: string, body: unknown) => nobody(parley).call('post', `/api/auth${path}`, body)
  const trySignIn = (person: Person, password: string) =>
    post('/sign-in/email', { email: person.email, password })

  /** Asks for a reset and follows the link of the mail to the page that takes the new password. */
  async function resetToken(person: Person): Promise<string> {
    const asked = await post('/request-password-reset', { email: person.email })
    expect(asked.status).toBe(200)
    const { link } = await mailTo(parley, person.email, /new password/i)
    const page = await newBrowser(parley).call('get', `${link.pathname}${link.search}`)
    expect(page.status).toBe(302)
    const target = new URL(page.headers.get('location') ?? '', 'http://base.invalid')
    expect(target.pathname).toBe('/reset-password')
    return target.searchParams.get('token') ?? ''
  }

  test('T2: a reset by mail ends all sessions, and its link works once', async () => {
    const person = await quickAccount(parley)
    const token = await resetToken(person)
    expect(token).toMatch(/^\w{20,}$/)

    const done = await post('/reset-password', { token, newPassword: next })
    expect(done.status).toBe(200)
    expectProblem(await person.call('get', '/api/v1/me'), 'unauthenticated')
    expectProblem(await trySignIn(person, person.password), 'unauthenticated')
    expect((await trySignIn(person, next)).status).toBe(200)

    expectProblem(
      await post('/reset-password', { token, newPassword: 'a third password' }),
      'unauthenticated',
    )
    expect((await trySignIn(person, next)).status).toBe(200)
  })

  test('T2: two uses of one link at once change the password once', async () => {
    const person = await quickAccount(parley)
    const token = await resetToken(person)
    const answers = await Promise.all(
      ['the first password', 'the second password'].map(newPassword =>
        post('/reset-password', { token, newPassword }),
      ),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401])
  })

  test('T2: an expired link is refused, on its page and by the API', async () => {
    const person = await quickAccount(parley)
    const token = await resetToken(person)
    await parley.owner.query(
      `update verifications set expires_at = now() - interval '1 second' where value = $1`,
      [person.userId],
    )
    const page = await newBrowser(parley).call(
      'get',
      `/api/auth/reset-password/${token}?callbackURL=/reset-password`,
    )
    expect(page.headers.get('location')).toMatch(/\/reset-password\?error=INVALID_TOKEN$/)
    expectProblem(await post('/reset-password', { token, newPassword: next }), 'unauthenticated')
    expect((await trySignIn(person, person.password)).status).toBe(200)
  })

  test('T2: an unknown address is answered the same and gets no mail', async () => {
    const person = await quickAccount(parley)
    const known = await post('/request-password-reset', { email: person.email })
    const unknown = await post('/request-password-reset', { email: 'nobody@people.example' })
    expect([unknown.status, unknown.body]).toEqual([known.status, known.body])
    await mailTo(parley, person.email, /new password/i)
    expect((await allMails(parley)).filter(({ to }) => to === 'nobody@people.example')).toEqual([])
  })

  test('S5: what a reset link carries is not in the table', async () => {
    const person = await quickAccount(parley)
    const token = await resetToken(person)
    const { rows } = await parley.owner.query<{ identifier: string }>(
      'select identifier from verifications where value = $1',
      [person.userId],
    )
    const hashed = createHash('sha256').update(`reset-password:${token}`).digest('base64url')
    expect(rows).toEqual([{ identifier: hashed }])
  })

  test('T2: the link leads to pages of this server only', async () => {
    const token = 'x'.repeat(24)
    for (const elsewhere of [
      'https://evil.example/',
      '//evil.example',
      '/\\evil.example',
      '/\t/evil.example',
    ]) {
      const callbackURL = encodeURIComponent(elsewhere)
      const answer = await newBrowser(parley).call(
        'get',
        `/api/auth/reset-password/${token}?callbackURL=${callbackURL}`,
      )
      expect([400, 403], elsewhere).toContain(answer.status)
      expect(answer.headers.has('location')).toBe(false)
      const asked = await post('/request-password-reset', { email: 'a@b.example', redirectTo: elsewhere })
      expect([400, 403], elsewhere).toContain(asked.status)
    }
  })

  test('T2: changing the password keeps this session and ends the others when asked', async () => {
    const person = await quickAccount(parley)
    const other = await signIn(parley, person.email, person.password)
    const change = (body: object, token = person.token) =>
      callerWith(parley, { authorization: `Bearer ${token}` }).call<{ token: string | null }>(
        'post',
        '/api/auth/change-password',
        body,
      )
    expectProblem(await change({ currentPassword: 'not my password', newPassword: next }), 'unauthenticated')
    expect(faultPaths(await change({ currentPassword: person.password, newPassword: 'short' }))).toEqual([
      'newPassword',
    ])
    const kept = await change({ currentPassword: person.password, newPassword: next })
    expect([kept.status, kept.body.token]).toEqual([200, null])
    expectProblem(await trySignIn(person, person.password), 'unauthenticated')
    expect(
      (await callerWith(parley, { authorization: `Bearer ${other}` }).call('get', '/api/v1/me')).status,
    ).toBe(200)

    const last = 'yet another password'
    const ended = await change({ currentPassword: next, newPassword: last, revokeOtherSessions: true })
    expect(ended.status).toBe(200)
    for (const token of [other, person.token]) {
      expectProblem(
        await callerWith(parley, { authorization: `Bearer ${token}` }).call('get', '/api/v1/me'),
        'unauthenticated',
      )
    }
    const fresh = callerWith(parley, { authorization: `Bearer ${ended.body.token}` })
    expect((await fresh.call('get', '/api/v1/me')).status).toBe(200)
  })

  test('T2: nobody changes a password without being signed in', async () => {
    expectProblem(
      await post('/change-password', { currentPassword: 'x', newPassword: next }),
      'unauthenticated',
    )
  })
})
