import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Browser, newBrowser } from '../support/cookieJar.ts'
import { databaseKinds } from '../support/databases.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import { nobody, type Person } from '../support/people.ts'
import { expectProblem } from '../support/problems.ts'
import { quickAccount } from '../support/quickPeople.ts'
import { nextWindow, totpCode } from '../support/totp.ts'

interface Enrolment {
  totpURI: string
  backupCodes: string[]
}
interface Begun {
  twoFactorRedirect?: boolean
  twoFactorMethods?: string[]
  token?: string
}

test('RFC 6238: the helper computes the codes of the specification', () => {
  // Appendix B, of whose eight digits an app shows the last six.
  const uri = 'otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&period=30'
  expect([59, 1111111109, 20000000000].map(at => totpCode(uri, at * 1000))).toEqual([
    '287082',
    '081804',
    '353130',
  ])
})

describe.each(databaseKinds)('a second factor on %s', { concurrent: true }, kind => {
  let parley: TestParley
  beforeAll(async () => {
    parley = await startParley(kind)
  })
  afterAll(() => parley.remove())

  async function begin(person: Person): Promise<Browser & { begun: Begun }> {
    const browser = newBrowser(parley)
    const { status, body } = await browser.call<Begun>('post', '/api/auth/sign-in/email', {
      email: person.email,
      password: person.password,
    })
    expect(status).toBe(200)
    return { ...browser, begun: body }
  }

  /** A person signed in by cookie whose authenticator app is in use. */
  async function enrolled(): Promise<{ person: Person; browser: Browser; enrolment: Enrolment }> {
    const person = await quickAccount(parley)
    const browser = await begin(person)
    const { status, body: enrolment } = await browser.call<Enrolment>('post', '/api/auth/two-factor/enable', {
      password: person.password,
    })
    expect(status).toBe(200)
    const code = totpCode(enrolment.totpURI)
    expect((await browser.call('post', '/api/auth/two-factor/verify-totp', { code })).status).toBe(200)
    return { person, browser, enrolment }
  }
  const wrongCode = (uri: string) => String((Number(totpCode(uri)) + 500_000) % 1_000_000).padStart(6, '0')

  test('T2: it takes effect only once a code has been verified', async () => {
    const person = await quickAccount(parley)
    const browser = await begin(person)
    expectProblem(
      await browser.call('post', '/api/auth/two-factor/enable', { password: 'not my password' }),
      'unauthenticated',
    )
    const { body } = await browser.call<Enrolment>('post', '/api/auth/two-factor/enable', {
      password: person.password,
    })
    expect(new URL(body.totpURI).searchParams.get('issuer')).toBe('Parley')
    expect((await begin(person)).begun.token).toBeTypeOf('string')
    expectProblem(
      await browser.call('post', '/api/auth/two-factor/verify-totp', { code: wrongCode(body.totpURI) }),
      'unauthenticated',
    )
    expect((await begin(person)).begun.token).toBeTypeOf('string')
  })

  test('T2: signing in asks for it; the wrong code is refused, the right one lets in', async () => {
    const { person, enrolment } = await enrolled()
    const browser = await begin(person)
    expect(browser.begun).toEqual({ twoFactorRedirect: true, twoFactorMethods: ['totp'] })
    expectProblem(await browser.call('get', '/api/v1/me'), 'unauthenticated')
    expectProblem(
      await browser.call('post', '/api/auth/two-factor/verify-totp', { code: wrongCode(enrolment.totpURI) }),
      'unauthenticated',
    )
    expectProblem(await browser.call('get', '/api/v1/me'), 'unauthenticated')
    const right = await browser.call<Begun>('post', '/api/auth/two-factor/verify-totp', {
      code: totpCode(enrolment.totpURI, nextWindow()),
    })
    expect(right.status).toBe(200)
    expect((await browser.call('get', '/api/v1/me')).status).toBe(200)
  })

  test('T2: a code without the first factor is worth nothing', async () => {
    const { enrolment } = await enrolled()
    for (const path of ['verify-totp', 'verify-backup-code']) {
      const code = path === 'verify-totp' ? totpCode(enrolment.totpURI) : enrolment.backupCodes[0]
      expectProblem(
        await nobody(parley).call('post', `/api/auth/two-factor/${path}`, { code }),
        'unauthenticated',
      )
    }
  })

  test('T2: guessing ends the attempt, even for the right code', async () => {
    const { person, enrolment } = await enrolled()
    const browser = await begin(person)
    for (let attempt = 0; attempt < 6; attempt++) {
      expectProblem(
        await browser.call('post', '/api/auth/two-factor/verify-totp', {
          code: wrongCode(enrolment.totpURI),
        }),
        'unauthenticated',
      )
    }
    expectProblem(
      await browser.call('post', '/api/auth/two-factor/verify-totp', {
        code: totpCode(enrolment.totpURI, nextWindow()),
      }),
      'unauthenticated',
    )
  })

  test('T2: guessing on and on locks the account for a while', async () => {
    const { person, enrolment } = await enrolled()
    await parley.owner.query(
      `update two_factors set failed_verification_count = 10, locked_until = now() + interval '1 minute' where user_id = $1`,
      [person.userId],
    )
    const browser = await begin(person)
    expectProblem(
      await browser.call('post', '/api/auth/two-factor/verify-totp', {
        code: totpCode(enrolment.totpURI, nextWindow()),
      }),
      'rate_limited',
    )
  })

  const verify = (browser: Browser, code: string) =>
    browser.call<Begun>('post', '/api/auth/two-factor/verify-totp', { code })

  test('T2: a code works once, that of turning it on included; a refused one opens nothing', async () => {
    const person = await quickAccount(parley)
    const first = await begin(person)
    const { body } = await first.call<Enrolment>('post', '/api/auth/two-factor/enable', {
      password: person.password,
    })
    const at = Date.now()
    const [now, later] = [totpCode(body.totpURI, at), totpCode(body.totpURI, at + 30_000)]
    expect((await verify(first, now)).status).toBe(200)

    const replay = await begin(person)
    const wrong = expectProblem(await verify(await begin(person), wrongCode(body.totpURI)), 'unauthenticated')
    const refused = expectProblem(await verify(replay, now), 'unauthenticated')
    expect(refused.detail).toBe(wrong.detail)
    expectProblem(await replay.call('get', '/api/v1/me'), 'unauthenticated')
    const sessions = 'select id from auth_sessions where user_id = $1'
    const before = await parley.owner.query(sessions, [person.userId])

    const second = await begin(person)
    expect((await verify(second, later)).status).toBe(200)
    expectProblem(await verify(await begin(person), later), 'unauthenticated')
    const after = await parley.owner.query(sessions, [person.userId])
    expect(after.rowCount).toBe((before.rowCount ?? 0) + 1)
    // Whoever is signed in gains nothing by a code; it is spent all the same.
    expectProblem(await verify(second, later), 'unauthenticated')
    expect((await second.call('get', '/api/v1/me')).status).toBe(200)
  })

  test('T2: of uses of one code at once exactly one gets in', async () => {
    const { person, enrolment } = await enrolled()
    const browsers = await Promise.all([1, 2, 3].map(() => begin(person)))
    const code = totpCode(enrolment.totpURI, nextWindow())
    const answers = await Promise.all(browsers.map(browser => verify(browser, code)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401])
    const inside = await Promise.all(browsers.map(browser => browser.call('get', '/api/v1/me')))
    expect(inside.map(({ status }) => status)).toEqual(answers.map(({ status }) => status))
  })

  test('T2: one person’s code says nothing about another’s, and codes are not kept in the clear', async () => {
    const [one, other] = [await enrolled(), await enrolled()]
    const code = totpCode(one.enrolment.totpURI, nextWindow())
    await parley.owner.query(
      'update two_factors t set secret = o.secret from two_factors o where t.user_id = $1 and o.user_id = $2',
      [other.person.userId, one.person.userId],
    )
    for (const { person } of [one, other]) expect((await verify(await begin(person), code)).status).toBe(200)
    const { rows } = await parley.owner.query<{ digest: string }>('select digest from spent_codes')
    expect(rows.length).toBeGreaterThan(1)
    for (const { digest } of rows) expect(digest).toMatch(/^[\w-]{43}$/)
    // What is too old to be accepted anyway goes with the next use.
    await parley.owner.query(
      `update spent_codes set created_at = now() - interval '6 minutes' where user_id = $1`,
      [one.person.userId],
    )
    await verify(await begin(one.person), totpCode(one.enrolment.totpURI, nextWindow()))
    const { rows: left } = await parley.owner.query('select from spent_codes where user_id = $1', [
      one.person.userId,
    ])
    expect(left).toHaveLength(1)
  })

  test('T2: a backup code works once; new ones replace the old', async () => {
    const { person, browser, enrolment } = await enrolled()
    const [first, second] = enrolment.backupCodes
    const use = async (code: string | undefined) =>
      (await begin(person)).call<Begun>('post', '/api/auth/two-factor/verify-backup-code', { code })
    expect((await use(first)).status).toBe(200)
    expectProblem(await use(first), 'unauthenticated')
    const renewed = await browser.call<Enrolment>('post', '/api/auth/two-factor/generate-backup-codes', {
      password: person.password,
    })
    expect(renewed.status).toBe(200)
    expectProblem(await use(second), 'unauthenticated')
    expect((await use(renewed.body.backupCodes[0])).status).toBe(200)
  })

  test('T2: it can be given up with the password, and only with it', async () => {
    const { person, browser } = await enrolled()
    expectProblem(
      await browser.call('post', '/api/auth/two-factor/disable', { password: 'not my password' }),
      'unauthenticated',
    )
    expect(
      (await browser.call('post', '/api/auth/two-factor/disable', { password: person.password })).status,
    ).toBe(200)
    expect((await begin(person)).begun.token).toBeTypeOf('string')
  })

  test('S5: neither its secret nor its backup codes are in the table', async () => {
    const { person, enrolment } = await enrolled()
    const { rows } = await parley.owner.query('select * from two_factors where user_id = $1', [person.userId])
    expect(rows).toHaveLength(1)
    const stored = JSON.stringify(rows)
    const shown = new URL(enrolment.totpURI).searchParams.get('secret') ?? ''
    const plain = Buffer.from(
      (shown.match(/./g) ?? [])
        .map(letter => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'))
        .join('')
        .match(/.{8}/g)
        ?.map(byte => Number.parseInt(byte, 2)) ?? [],
    ).toString()
    expect(plain).toHaveLength(32)
    for (const secret of [shown, plain, ...enrolment.backupCodes]) expect(stored).not.toContain(secret)
  })
})
