import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newBrowser } from '../support/cookieJar.ts'
import { databaseKinds } from '../support/databases.ts'
import { allMails, mailsTo, mailTo } from '../support/outbox.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import { callerWith, newWorkspace, nobody } from '../support/people.ts'
import { expectProblem, faultPaths } from '../support/problems.ts'
import { quickAccount } from '../support/quickPeople.ts'

const password = 'a long enough password'
let counter = 0
const freshAddress = () => `new-${++counter}-${Date.now()}@people.example`

interface SignedIn {
  token: string | null
  user: { id: string; email: string; emailVerified: boolean }
}
interface Me {
  email: string
  masterAdmin: boolean
}

describe.each(databaseKinds)('signing up on %s', kind => {
  let parley: TestParley
  const boss = freshAddress()
  beforeAll(async () => {
    parley = await startParley(kind, { MASTER_ADMIN_EMAILS: `someone@else.example, ${boss.toUpperCase()}` })
  })
  afterAll(() => parley.remove())

  const signUp = (email: string, fields: object = {}) =>
    nobody(parley).call<SignedIn>('post', '/api/auth/sign-up/email', {
      name: 'New Person',
      email,
      password,
      ...fields,
    })
  const signIn = (email: string, secret = password) =>
    newBrowser(parley).call<SignedIn>('post', '/api/auth/sign-in/email', { email, password: secret })

  async function follow(link: URL) {
    return newBrowser(parley).call('get', `${link.pathname}${link.search}`)
  }

  test('T2: the link in the mail verifies the address; then the person can sign in', async () => {
    const email = freshAddress()
    const made = await signUp(email.toUpperCase(), { callbackURL: '/welcome' })
    expect(made.status).toBe(200)
    expect(made.body.token).toBeNull()
    expect(made.body.user).toMatchObject({ email, emailVerified: false })

    const { link } = await mailTo(parley, email, /confirm/i)
    expectProblem(await signIn(email), 'email_unverified')
    const verified = await follow(link)
    expect(verified.status).toBe(302)
    expect(verified.headers.get('location')).toBe('/welcome')

    const browser = newBrowser(parley)
    const signedIn = await browser.call<SignedIn>('post', '/api/auth/sign-in/email', { email, password })
    expect(signedIn.status).toBe(200)
    expect(signedIn.body.user).toMatchObject({ email, emailVerified: true })
    expect((await browser.call<Me>('get', '/api/v1/me')).body).toMatchObject({ email, masterAdmin: false })
  })

  test('T2: signing in too early sends the mail again, and that link works too', async () => {
    const email = freshAddress()
    await signUp(email)
    await mailTo(parley, email, /confirm/i)
    expectProblem(await signIn(email), 'email_unverified')
    const mails = await mailsTo(parley, email, 2)
    expect(mails.map(({ subject }) => subject)).toEqual(['Confirm your address', 'Confirm your address'])
    await follow(mails[1]?.link ?? new URL('http://none.invalid'))
    expect((await signIn(email)).status).toBe(200)
  })

  test('T2: the mail can be asked for again; an unknown address is told the same', async () => {
    const email = freshAddress()
    await signUp(email)
    await mailTo(parley, email, /confirm/i)
    const ask = (address: string) =>
      nobody(parley).call('post', '/api/auth/send-verification-email', { email: address })
    const [known, unknown] = [await ask(email), await ask(freshAddress())]
    expect([known.status, known.body]).toEqual([unknown.status, unknown.body])
    expect(known.status).toBe(200)
    expect(await mailsTo(parley, email, 2)).toHaveLength(2)
  })

  test('T2: a taken address is answered like a free one, and its owner is told by mail', async () => {
    const owner = await quickAccount(parley)
    const free = await signUp(freshAddress())
    const taken = await signUp(owner.email)
    expect(taken.status).toBe(free.status)
    const apart = { id: 'x', email: 'x' }
    expect({ ...taken.body, user: { ...taken.body.user, ...apart } }).toEqual({
      ...free.body,
      user: { ...free.body.user, ...apart },
    })
    expect(taken.body.token).toBeNull()
    expect(taken.body.user.id).not.toBe(owner.userId)
    expect(taken.body.user.emailVerified).toBe(false)
    expect((await mailTo(parley, owner.email, /already have an account/i)).text).toContain('Hello Quick')
    // Nothing of the account has changed.
    expect((await signIn(owner.email)).status).toBe(401)
    expect((await signIn(owner.email, owner.password)).status).toBe(200)
  })

  test('T2: two sign-ups of one address at once make one account and no fault', async () => {
    const email = freshAddress()
    const answers = await Promise.all([signUp(email), signUp(email), signUp(email)])
    for (const answer of answers) expect([200, 409]).toContain(answer.status)
    const { rows } = await parley.owner.query('select id from users where email = $1', [email])
    expect(rows).toHaveLength(1)
  })

  test('T2: a forged or altered link verifies nothing', async () => {
    const email = freshAddress()
    await signUp(email)
    const { link } = await mailTo(parley, email, /confirm/i)
    const token = link.searchParams.get('token') ?? ''
    const altered = token.replace(
      /\.[^.]+\./,
      `.${Buffer.from('{"email":"a@b.example"}').toString('base64url')}.`,
    )
    for (const forged of [altered, token.slice(0, -4), 'x', 'a.b.c']) {
      expectProblem(
        await nobody(parley).call('get', `/api/auth/verify-email?token=${encodeURIComponent(forged)}`),
        'unauthenticated',
      )
    }
    expectProblem(await signIn(email), 'email_unverified')
  })

  test('T1: a listed address administers the installation once it is verified, not before', async () => {
    await signUp(boss)
    const { rows: before } = await parley.owner.query('select platform_role from users where email = $1', [
      boss,
    ])
    expect(before).toEqual([{ platform_role: 'user' }])
    await follow((await mailTo(parley, boss, /confirm/i)).link)
    const { body } = await signIn(boss)
    const me = await nobody(parley).call<Me>('get', '/api/v1/me', undefined, {
      authorization: `Bearer ${body.token}`,
    })
    expect(me.body).toMatchObject({ email: boss, masterAdmin: true })
    // The setting alone says so: whoever is taken off the list is no master admin any more.
    const { rows } = await parley.owner.query('select platform_role from users where email = $1', [boss])
    expect(rows).toEqual([{ platform_role: 'user' }])
  })

  test('S5: passwords are stored as salted hashes only', async () => {
    const [one, two] = [freshAddress(), freshAddress()]
    await signUp(one)
    await signUp(two)
    const { rows } = await parley.owner.query<{ password: string }>(
      'select a.password from accounts a join users u on u.id = a.user_id where u.email = any($1)',
      [[one, two]],
    )
    expect(rows).toHaveLength(2)
    expect(new Set(rows.map(row => row.password)).size).toBe(2)
    for (const row of rows) {
      expect(row.password).not.toContain(password)
      expect(row.password).toMatch(/^[0-9a-f]{32}:[0-9a-f]{128}$/)
    }
  })
})

describe('what signing up refuses', () => {
  let parley: TestParley
  beforeAll(async () => {
    parley = await startParley(databaseKinds.at(-1) ?? 'embedded', { SIGN_UP: 'false' })
  })
  afterAll(() => parley.remove())

  const post = (path: string, body: unknown) => nobody(parley).call('post', `/api/auth${path}`, body)

  test('S5: a name that could be an address is not carried to strangers by our mails', async () => {
    const workspace = await newWorkspace(parley)
    await parley.owner.query('update users set name = $1', ['Win at http://evil.example/prize'])
    const email = freshAddress()
    await workspace.owner.call('post', '/api/v1/invitations', { email, role: 'member' })
    const { text } = await mailTo(parley, email, /Join/)
    expect(text).not.toContain('evil')
    expect(text).toContain('A member invites you')
  })

  test('T2: SIGN_UP=false refuses strangers and sends no mail', async () => {
    const body = { name: 'Eve', email: 'eve@people.example', password }
    expectProblem(await post('/sign-up/email', body), 'forbidden')
    const { rows } = await parley.owner.query('select id from users where email = $1', [body.email])
    expect(rows).toEqual([])
    expect((await allMails(parley)).filter(mail => mail.to === body.email)).toEqual([])
  })

  test('T3: SIGN_UP=false lets in whom a member invited, with the address of the invitation and no other', async () => {
    const workspace = await newWorkspace(parley)
    const email = freshAddress()
    await workspace.owner.call('post', '/api/v1/invitations', { email, role: 'member' })
    const invitation = (await mailTo(parley, email, /Join/)).link.hash.slice(1)
    const body = { name: 'Ida', email, password, invitation }
    const refused = [
      { ...body, email: freshAddress() },
      { ...body, invitation: `${invitation.slice(0, -1)}x` },
      { ...body, invitation: 'invite_none' },
    ]
    for (const attempt of refused) expectProblem(await post('/sign-up/email', attempt), 'forbidden')
    expect((await post('/sign-up/email', body)).status).toBe(200)
    await fetch((await mailTo(parley, email, /Confirm/)).link)
    const { body: session } = await nobody(parley).call<SignedIn>('post', '/api/auth/sign-in/email', {
      email,
      password,
    })
    const invited = callerWith(parley, { authorization: `Bearer ${session.token}` })
    const accepted = await invited.call('post', '/api/v1/invitations/accept', { token: invitation })
    expect(accepted.status).toBe(200)
    expectProblem(await post('/sign-up/email', { ...body, email: freshAddress() }), 'forbidden')
  })

  test.each([
    [{ password: 'too short' }, ['password']],
    [{ password: 'x'.repeat(129) }, ['password']],
    [{ email: 'not an address', name: '' }, ['email', 'name']],
    [{ name: 'tab\there' }, ['name']],
    [{ callbackURL: 'https://evil.example/' }, ['callbackURL']],
    [{ callbackURL: '//evil.example' }, ['callbackURL']],
    [{ callbackURL: '/\\evil.example' }, ['callbackURL']],
    [{ image: 'x', role: 'admin', emailVerified: true }, ['emailVerified', 'image', 'role']],
  ])('%o names the faults', async (fields, paths) => {
    const body = { name: 'Eve', email: 'eve@people.example', password, ...fields }
    expect(faultPaths(await post('/sign-up/email', body))).toEqual(paths)
  })

  test('a wrong password and an unknown address are told the same', async () => {
    const person = await quickAccount(parley)
    const wrong = expectProblem(
      await post('/sign-in/email', { email: person.email, password: 'wrong password' }),
      'unauthenticated',
    )
    const unknown = expectProblem(
      await post('/sign-in/email', { email: 'no@people.example', password: 'wrong password' }),
      'unauthenticated',
    )
    expect({ ...wrong, requestId: '' }).toEqual({ ...unknown, requestId: '' })
  })
})
