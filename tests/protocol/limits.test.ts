import { afterEach, describe, expect, inject, test } from 'vitest'
import { newId } from '../../src/kernel/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import { expectProblem } from '../support/problems.ts'
import { quickAccount } from '../support/quickPeople.ts'
import { type RawAnswer, send } from '../support/rawHttp.ts'

const kind = databaseKinds.at(-1) ?? 'embedded'
const anAddress = () => `10.${[1, 2, 3].map(() => Math.floor(Math.random() * 250) + 1).join('.')}`

describe('S4: limits', () => {
  const running: TestParley[] = []
  afterEach(async () => {
    for (const parley of running.splice(0)) await parley.remove()
  })
  async function start(environment: Record<string, string>): Promise<TestParley> {
    const parley = await startParley(kind, environment)
    running.push(parley)
    return parley
  }
  const status = (parley: TestParley, address?: string, headers: Record<string, string> = {}) =>
    send(parley, {
      path: '/api/v1/status',
      headers: { ...headers, ...(address ? { 'x-forwarded-for': address } : {}) },
    })
  const signIn = (parley: TestParley, address: string) =>
    send(parley, {
      method: 'POST',
      path: '/api/auth/sign-in/email',
      headers: { 'content-type': 'application/json', 'x-forwarded-for': address },
      body: '{}',
    })

  test('an address has so many requests a minute; a made-up one buys no more', async () => {
    const parley = await start({ REQUESTS_PER_MINUTE: '5' })
    const remaining: (string | null)[] = []
    for (let at = 0; at < 5; at++) {
      const answer = await status(parley, anAddress(), { authorization: `Bearer ${Math.random()}` })
      expect(answer.status).toBe(200)
      remaining.push(answer.headers.get('ratelimit-remaining'))
    }
    expect(remaining).toEqual(['4', '3', '2', '1', '0'])
    const refused = await status(parley, anAddress(), { authorization: 'Bearer another' })
    expectProblem(refused, 'rate_limited')
    const wait = Number(refused.headers.get('retry-after'))
    expect(wait).toBeGreaterThan(0)
    expect(wait).toBeLessThanOrEqual(60)
    // A balancer that asks whether this node lives is not counted.
    for (const path of ['/healthz', '/readyz']) expect((await send(parley, { path })).status).toBe(200)
  })

  test('behind a proxy every client has a limit of its own; guesses have a smaller one', async () => {
    const parley = await start({ TRUST_PROXY: '1', REQUESTS_PER_MINUTE: '6', SIGN_INS_PER_MINUTE: '2' })
    const [one, two] = [anAddress(), anAddress()]
    for (let at = 0; at < 2; at++) expectProblem(await signIn(parley, one), 'invalid_request')
    expectProblem(await signIn(parley, one), 'rate_limited')
    expect((await status(parley, one)).status).toBe(200)
    expectProblem(await signIn(parley, two), 'invalid_request')
    // The last entry is the proxy's word; those before it are the client's.
    for (let at = 0; at < 5; at++) await status(parley, `${anAddress()}, ${two}`)
    expectProblem(await status(parley, two), 'rate_limited')
  })

  test.runIf(inject('services').redis)(
    'two nodes count together through Redis, and alone without it',
    async () => {
      const REDIS_URL = inject('services').redis?.url ?? ''
      const settings = { REDIS_URL, TRUST_PROXY: '1', REQUESTS_PER_MINUTE: '6' }
      const [left, right] = [await start(settings), await start(settings)]
      const address = anAddress()
      for (let at = 0; at < 3; at++) {
        expect((await status(left, address)).status).toBe(200)
        expect((await status(right, address)).status).toBe(200)
      }
      expectProblem(await status(left, address), 'rate_limited')
      expectProblem(await status(right, address), 'rate_limited')
      expect((await status(right, anAddress())).status).toBe(200)

      const alone = await start({ ...settings, REDIS_URL: 'redis://127.0.0.1:1' })
      for (let at = 0; at < 6; at++) expect((await status(alone, address)).status).toBe(200)
      expectProblem(await status(alone, address), 'rate_limited')
    },
  )

  describe.each(databaseKinds)('S4: wrong passwords on %s', database => {
    const failures = 20
    const wrong = async (parley: TestParley, email: string, password = 'not the password') =>
      send(parley, {
        method: 'POST',
        path: '/api/auth/sign-in/email',
        headers: { 'content-type': 'application/json', 'x-forwarded-for': anAddress() },
        body: JSON.stringify({ email, password }),
      })
    const startHere = async (environment: Record<string, string> = {}) => {
      const parley = await startParley(database, {
        TRUST_PROXY: '1',
        SIGN_INS_PER_MINUTE: '2',
        ...environment,
      })
      running.push(parley)
      return parley
    }
    const guess = async (parley: TestParley, email: string, times: number) => {
      const answers: RawAnswer[] = []
      for (let at = 0; at < times; at++) answers.push(await wrong(parley, email))
      return answers
    }

    test('an account has so many, whatever the address they come from; one that does not exist likewise', async () => {
      const parley = await startHere()
      const person = await quickAccount(parley)
      const told: unknown[] = []
      for (const email of [person.email, 'nobody@people.example']) {
        for (const answer of await guess(parley, email, failures)) expectProblem(answer, 'unauthenticated')
        const refused = await wrong(parley, email.toUpperCase())
        expectProblem(refused, 'rate_limited')
        const wait = Number(refused.headers.get('retry-after'))
        expect(wait).toBeGreaterThan(60)
        expect(wait).toBeLessThanOrEqual(15 * 60)
        const { status, body } = refused
        told.push({ status, body: { ...(body as object), requestId: '' } })
      }
      expect(told[0]).toEqual(told[1])
      // The right password does not help now, and others are not concerned.
      expectProblem(await wrong(parley, person.email, person.password), 'rate_limited')
      const other = await quickAccount(parley)
      expect((await wrong(parley, other.email, other.password)).status).toBe(200)
    })

    test('signing in clears the count', async () => {
      const parley = await startHere()
      const { email, password } = await quickAccount(parley)
      for (let round = 0; round < 2; round++) {
        await guess(parley, email, failures - 1)
        expect((await wrong(parley, email, password)).status).toBe(200)
      }
    })

    test('guesses at the same moment are counted before they are answered', async () => {
      const parley = await startHere()
      const { email } = await quickAccount(parley)
      const answers = await Promise.all(Array.from({ length: failures + 5 }, () => wrong(parley, email)))
      const refused = answers.filter(({ status }) => status === 429)
      expect(refused).toHaveLength(5)
    })
  })

  test.runIf(inject('services').redis)('two nodes count wrong passwords together through Redis', async () => {
    const REDIS_URL = inject('services').redis?.url ?? ''
    const [left, right] = [await start({ REDIS_URL }), await start({ REDIS_URL })]
    const body = JSON.stringify({ email: `${newId()}@people.example`, password: 'not the password' })
    const headers = { 'content-type': 'application/json' }
    const guess = (parley: TestParley) =>
      send(parley, { method: 'POST', path: '/api/auth/sign-in/email', headers, body })
    for (let at = 0; at < 10; at++) {
      for (const parley of [left, right]) expectProblem(await guess(parley), 'unauthenticated')
    }
    for (const parley of [left, right]) expectProblem(await guess(parley), 'rate_limited')
  })
})
