import { expect } from 'vitest'
import { newId } from '../../../src/kernel/index.ts'
import { mailTo } from '../../support/outbox.ts'
import { type Caller, keyCaller, newPerson, nobody, type Person } from '../../support/people.ts'
import { nextWindow, totpCode } from '../../support/totp.ts'
import type { Audited } from './audit.ts'
import type { World } from './credentials.ts'
import { visitorRoutes } from './visitorRoutes.ts'
import { makerFor, newSide, newSomebody } from './world.ts'

/** Every route outside of workspaces: who may, and a request that is right. */
export interface PersonEntry {
  readonly access: 'public' | 'person' | 'master_admin'
  readonly status: number
  readonly request: (world: World) => Promise<PersonRequest>
  /** What a change of a workspace leaves in its audit trail. */
  readonly audit?: Audited
}

export interface PersonRequest {
  readonly path: string
  readonly body?: unknown
  readonly headers?: Record<string, string>
  /** Who may; for a public route left out. */
  readonly as?: Caller
  /** The request is about something that only `as` has: what anybody else who is signed in is told. */
  readonly others?: { readonly status: number; readonly code: string }
}

const password = (person: Person) => ({ password: person.password })
const start =
  (path: string, body: unknown): PersonEntry['request'] =>
  () =>
    Promise.resolve({ path, body })

interface TwoFactor {
  readonly person: Person
  readonly uri: string
  readonly backupCodes: readonly string[]
}

async function withTwoFactor({ parley }: World): Promise<TwoFactor> {
  const person = await newPerson(parley)
  const enabled = await person.call<{ totpURI: string; backupCodes: string[] }>(
    'post',
    '/api/auth/two-factor/enable',
    password(person),
  )
  const uri = enabled.body.totpURI
  const verified = await person.call<{ token: string }>('post', '/api/auth/two-factor/verify-totp', {
    code: totpCode(uri),
  })
  expect([enabled.status, verified.status]).toEqual([200, 200])
  // Verifying ends the session and begins another.
  const { call } = keyCaller(parley, verified.body.token)
  return { person: { ...person, call }, uri, backupCodes: enabled.body.backupCodes }
}

/** The first half of signing in; the cookies lead to the second. */
async function halfSignedIn({ parley }: World, { person }: TwoFactor): Promise<Record<string, string>> {
  const answer = await nobody(parley).call('post', '/api/auth/sign-in/email', {
    email: person.email,
    password: person.password,
  })
  const cookies = answer.headers.getSetCookie().map(line => line.split(';')[0])
  return { cookie: cookies.join('; ') }
}

async function mailLink(
  { parley }: World,
  path: string,
  body: { email: string },
  subject: RegExp,
): Promise<URL> {
  const asked = await nobody(parley).call('post', path, body)
  expect(asked.status).toBe(200)
  return (await mailTo(parley, body.email, subject)).link
}

const askedToReset = async (world: World): Promise<URL> => {
  const { email } = await newPerson(world.parley)
  return mailLink(world, '/api/auth/request-password-reset', { email }, /new password/)
}

const auth = '/api/auth'

const publicRoutes: Readonly<Record<string, PersonEntry>> = {
  ...visitorRoutes,
  'GET /api/v1/status': {
    access: 'public',
    status: 200,
    request: () => Promise.resolve({ path: '/api/v1/status' }),
  },
  'POST /api/auth/sign-up/email': {
    access: 'public',
    status: 200,
    request: async () => ({
      path: `${auth}/sign-up/email`,
      body: { name: 'New', email: `${newId()}@new.example`, password: 'a long enough password' },
    }),
  },
  'POST /api/auth/sign-in/email': {
    access: 'public',
    status: 200,
    request: async ({ parley }) => {
      const { email, password: secret } = await newPerson(parley)
      return { path: `${auth}/sign-in/email`, body: { email, password: secret } }
    },
  },
  'POST /api/auth/sign-in/social': {
    access: 'public',
    status: 200,
    request: start(`${auth}/sign-in/social`, { provider: 'github' }),
  },
  'POST /api/auth/two-factor/verify-totp': {
    access: 'public',
    status: 200,
    request: async world => {
      const twoFactor = await withTwoFactor(world)
      const headers = await halfSignedIn(world, twoFactor)
      // The code that turned it on is spent.
      const code = totpCode(twoFactor.uri, nextWindow())
      return { path: `${auth}/two-factor/verify-totp`, body: { code }, headers }
    },
  },
  'POST /api/auth/two-factor/verify-backup-code': {
    access: 'public',
    status: 200,
    request: async world => {
      const twoFactor = await withTwoFactor(world)
      const headers = await halfSignedIn(world, twoFactor)
      const [code] = twoFactor.backupCodes
      return { path: `${auth}/two-factor/verify-backup-code`, body: { code }, headers }
    },
  },
  'POST /api/auth/send-verification-email': {
    access: 'public',
    status: 200,
    request: start(`${auth}/send-verification-email`, { email: 'unknown@new.example' }),
  },
  'GET /api/auth/verify-email': {
    access: 'public',
    status: 302,
    request: async world => {
      const body = { name: 'New', email: `${newId()}@new.example`, password: 'a long enough password' }
      const { pathname, search } = await mailLink(world, `${auth}/sign-up/email`, body, /Confirm/)
      return { path: `${pathname}${search}` }
    },
  },
  'POST /api/auth/request-password-reset': {
    access: 'public',
    status: 200,
    request: start(`${auth}/request-password-reset`, { email: 'unknown@new.example' }),
  },
  'GET /api/auth/reset-password/{token}': {
    access: 'public',
    status: 302,
    request: async world => {
      const { pathname, search } = await askedToReset(world)
      return { path: `${pathname}${search}` }
    },
  },
  'POST /api/auth/reset-password': {
    access: 'public',
    status: 200,
    request: async world => {
      const token = (await askedToReset(world)).pathname.split('/').at(-1)
      return { path: `${auth}/reset-password`, body: { token, newPassword: 'another long password' } }
    },
  },
  'GET /api/auth/callback/{id}': {
    access: 'public',
    // Without a sign-in that began here it leads to a page that says so.
    status: 302,
    request: () => Promise.resolve({ path: `${auth}/callback/github?code=made-up&state=made-up` }),
  },
}

const ofPerson: Readonly<Record<string, PersonEntry>> = {
  'POST /api/auth/sign-out': {
    access: 'person',
    status: 200,
    request: async ({ parley }) => ({ path: `${auth}/sign-out`, as: await newSomebody(parley) }),
  },
  'POST /api/auth/change-password': {
    access: 'person',
    status: 200,
    request: async ({ parley }) => {
      const person = await newPerson(parley)
      const body = { currentPassword: person.password, newPassword: 'another long password' }
      return { path: `${auth}/change-password`, body, as: person }
    },
  },
  'GET /api/auth/two-factor': {
    access: 'person',
    status: 200,
    request: async ({ parley }) => ({ path: `${auth}/two-factor`, as: await newSomebody(parley) }),
  },
  'POST /api/auth/two-factor/enable': {
    access: 'person',
    status: 200,
    request: async ({ parley }) => {
      const person = await newPerson(parley)
      return { path: `${auth}/two-factor/enable`, body: password(person), as: person }
    },
  },
  'POST /api/auth/two-factor/disable': {
    access: 'person',
    status: 200,
    request: async world => {
      const { person } = await withTwoFactor(world)
      return { path: `${auth}/two-factor/disable`, body: password(person), as: person }
    },
  },
  'POST /api/auth/two-factor/generate-backup-codes': {
    access: 'person',
    status: 200,
    request: async world => {
      const { person } = await withTwoFactor(world)
      return { path: `${auth}/two-factor/generate-backup-codes`, body: password(person), as: person }
    },
  },
  'GET /api/v1/me': {
    access: 'person',
    status: 200,
    request: async ({ parley }) => ({ path: '/api/v1/me', as: await newSomebody(parley) }),
  },
  'POST /api/v1/tenants': {
    access: 'person',
    status: 201,
    request: async ({ parley }) => ({
      path: '/api/v1/tenants',
      body: { name: 'New', slug: `n-${newId()}` },
      as: await newSomebody(parley),
    }),
    audit: ['tenant.created', 'new'],
  },
  'POST /api/v1/invitations/accept': {
    access: 'person',
    status: 200,
    request: async ({ parley, makeA }) => {
      const as = await newSomebody(parley)
      const { token } = await makeA.invitation(as.email)
      const others = { status: 403, code: 'forbidden' }
      return { path: '/api/v1/invitations/accept', body: { token }, as, others }
    },
    audit: ['member.joined', 'new'],
  },
  'GET /api/v1/me/sessions': {
    access: 'person',
    status: 200,
    request: async ({ parley }) => ({ path: '/api/v1/me/sessions', as: await newSomebody(parley) }),
  },
  'GET /api/v1/me/security-events': {
    access: 'person',
    status: 200,
    request: async ({ parley }) => ({ path: '/api/v1/me/security-events', as: await newSomebody(parley) }),
  },
  'DELETE /api/v1/me/sessions/{id}': {
    access: 'person',
    status: 204,
    request: async ({ parley }) => {
      const as = await newSomebody(parley)
      const others = { status: 404, code: 'not_found' }
      return { path: `/api/v1/me/sessions/${as.sessionId}`, as, others }
    },
  },
  'DELETE /api/v1/me/sessions': {
    access: 'person',
    status: 200,
    request: async ({ parley }) => ({ path: '/api/v1/me/sessions', as: await newSomebody(parley) }),
  },
}

const ofMasterAdmin: Readonly<Record<string, PersonEntry>> = {
  'GET /api/v1/platform/tenants': {
    access: 'master_admin',
    status: 200,
    request: async ({ parley }) => ({
      path: '/api/v1/platform/tenants',
      as: await newSomebody(parley, 'admin', { masterAdmin: true }),
    }),
  },
  'PATCH /api/v1/platform/tenants/{id}': {
    access: 'master_admin',
    status: 200,
    request: async ({ parley }) => {
      const side = await newSide(parley, 'ccc')
      await makerFor(parley, side).contact()
      return {
        path: `/api/v1/platform/tenants/${side.tenantId}`,
        body: { plan: 'pro' },
        as: await newSomebody(parley, 'admin', { masterAdmin: true }),
      }
    },
    audit: ['tenant.updated', 'both'],
  },
}

export const personRoutes: Readonly<Record<string, PersonEntry>> = {
  ...publicRoutes,
  ...ofPerson,
  ...ofMasterAdmin,
}
