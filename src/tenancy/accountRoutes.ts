import { z } from 'zod'
import {
  emailField,
  type FailureLimit,
  lineField,
  type Method,
  personRoute,
  publicRoute,
  type Route,
} from '../http/index.ts'
import { ParleyError } from '../kernel/index.ts'
import { isInvited } from './acceptInvitation.ts'
import { authPath } from './accounts.ts'
import { type ForwardedCall, type ForwardParts, forward } from './forward.ts'

/**
 * The endpoints of better-auth that exist here: what is not in this list is not served. Requests are checked by our schemas first,
 * so a sign-in is refused in the same words as anything else.
 */

const password = z
  .string()
  .min(10, 'must have at least 10 characters')
  .max(128, 'must have at most 128 characters')
const givenPassword = z.string().min(1, 'must not be empty').max(128, 'must have at most 128 characters')
const code = z.string().min(4, 'must have at least 4 characters').max(32, 'must have at most 32 characters')
const returnTo = z
  .string()
  .max(2_000)
  .regex(/^\/(?![/\\])/, 'must be a path on this server')
  .optional()
  .describe('Path on this server to go to afterwards')
const userView = z.object({ id: z.uuid(), email: z.string(), name: z.string(), emailVerified: z.boolean() })
const done = z.object({ status: z.boolean().optional(), success: z.boolean().optional() })
const signedIn = z.object({ token: z.string().nullable(), user: userView })
const signedInOrSecond = z.union([
  signedIn,
  z.object({ twoFactorRedirect: z.literal(true), twoFactorMethods: z.array(z.string()) }),
])

const signUpInput = z.strictObject({
  name: lineField(100),
  email: emailField,
  password,
  callbackURL: returnTo,
  invitation: z
    .string()
    .max(200)
    .optional()
    .describe('Token of an invitation; needed where only invited people may sign up'),
})

const signInInput = z.strictObject({
  email: emailField,
  password: givenPassword,
  rememberMe: z.boolean().optional(),
  callbackURL: returnTo,
})

interface Endpoint {
  readonly method: Method
  readonly path: `/${string}`
  readonly summary: string
  readonly body?: z.ZodType
  readonly query?: z.ZodType
  readonly params?: z.ZodType
  readonly reply: z.ZodType
  /** A browser comes here by a link and is sent on. */
  readonly redirects?: true
}

/** Anybody may call these; each of them takes something that could be guessed. */
const open: readonly Endpoint[] = [
  {
    method: 'post',
    path: '/sign-up/email',
    summary: 'Create an account; a mail asks to confirm the address',
    body: signUpInput,
    reply: signedIn,
  },
  {
    method: 'post',
    path: '/sign-in/email',
    summary: 'Sign in; asks for the second factor where there is one',
    body: signInInput,
    reply: signedInOrSecond,
  },
  {
    method: 'post',
    path: '/sign-in/social',
    summary: 'Begin to sign in with a configured provider; answers where to send the browser',
    body: z.strictObject({
      provider: z.enum(['google', 'github', 'microsoft']),
      callbackURL: returnTo,
      errorCallbackURL: returnTo,
    }),
    reply: z.object({ url: z.string(), redirect: z.boolean() }),
  },
  {
    method: 'post',
    path: '/two-factor/verify-totp',
    summary: 'Give the code of the authenticator app',
    body: z.strictObject({ code, trustDevice: z.boolean().optional() }),
    reply: signedIn,
  },
  {
    method: 'post',
    path: '/two-factor/verify-backup-code',
    summary: 'Give one of the backup codes',
    body: z.strictObject({ code, trustDevice: z.boolean().optional() }),
    reply: signedIn,
  },
  {
    method: 'post',
    path: '/send-verification-email',
    summary: 'Send the mail that confirms an address again',
    body: z.strictObject({ email: emailField, callbackURL: returnTo }),
    reply: done,
  },
  {
    method: 'get',
    path: '/verify-email',
    summary: 'The link in the confirmation mail',
    query: z.strictObject({ token: z.string().max(2_000), callbackURL: returnTo }),
    redirects: true,
    reply: done,
  },
  {
    method: 'post',
    path: '/request-password-reset',
    summary: 'Send a mail to choose a new password; answers the same for an unknown address',
    body: z.strictObject({ email: emailField, redirectTo: returnTo.default('/reset-password') }),
    reply: done,
  },
  {
    method: 'get',
    path: '/reset-password/{token}',
    summary: 'The link in the reset mail',
    params: z.strictObject({ token: z.string().max(200) }),
    query: z.strictObject({ callbackURL: z.string().max(2_000) }),
    redirects: true,
    reply: done,
  },
  {
    method: 'post',
    path: '/reset-password',
    summary: 'Choose a new password; ends all sessions',
    body: z.strictObject({ token: z.string().min(1).max(200), newPassword: password }),
    reply: done,
  },
  {
    method: 'get',
    path: '/callback/{id}',
    summary: 'Where a provider sends the browser back to',
    params: z.strictObject({ id: z.enum(['google', 'github', 'microsoft']) }),
    // What a provider appends is up to the provider.
    query: z.record(z.string().max(100), z.string().max(4_000)),
    redirects: true,
    reply: done,
  },
]

const ofPerson: readonly Endpoint[] = [
  { method: 'post', path: '/sign-out', summary: 'End this session', reply: done },
  {
    method: 'post',
    path: '/change-password',
    summary: 'Change the password, and end the other sessions if asked',
    body: z.strictObject({
      currentPassword: givenPassword,
      newPassword: password,
      revokeOtherSessions: z.boolean().optional(),
    }),
    reply: z.object({ token: z.string().nullable() }),
  },
  {
    method: 'post',
    path: '/two-factor/enable',
    summary: 'Begin to use an authenticator app; takes effect once a code is verified',
    body: z.strictObject({ password: givenPassword }),
    reply: z.object({ totpURI: z.string(), backupCodes: z.array(z.string()) }),
  },
  {
    method: 'post',
    path: '/two-factor/disable',
    summary: 'Stop using the second factor',
    body: z.strictObject({ password: givenPassword }),
    reply: done,
  },
  {
    method: 'post',
    path: '/two-factor/generate-backup-codes',
    summary: 'Make new backup codes; the old ones stop working',
    body: z.strictObject({ password: givenPassword }),
    reply: z.object({ backupCodes: z.array(z.string()) }),
  },
]

export interface AccountRouteParts extends ForwardParts {
  /** Whether strangers may sign up; invited people always may. */
  readonly signUp: boolean
  /** Wrong passwords, by account. */
  readonly passwords: FailureLimit
}

export function accountRoutes(parts: AccountRouteParts): Route[] {
  const common = (endpoint: Endpoint) => ({
    ...endpoint,
    path: `${authPath}${endpoint.path}` as const,
    tag: 'Accounts',
    guessable: true,
    handle: (call: ForwardedCall) => handlerOf(endpoint)(parts, endpoint, call),
  })
  return [
    ...open.map(endpoint => publicRoute(common(endpoint))),
    ...ofPerson.map(endpoint => personRoute(common(endpoint))),
    secondFactorRoute(parts),
  ]
}

type Handler = (parts: AccountRouteParts, endpoint: Endpoint, call: ForwardedCall) => Promise<Response>

function handlerOf({ body }: Endpoint): Handler {
  if (body === signUpInput) return signUp
  return body === signInInput ? signIn : forward
}

/** An address without an account counts like one with: whether there is one must not show. */
const signIn: Handler = (parts, endpoint, call) => {
  const { email } = call.body as z.output<typeof signInInput>
  return parts.passwords.attempt(
    email,
    () => forward(parts, endpoint, call),
    error => error instanceof ParleyError && error.code === 'unauthenticated',
  )
}

async function signUp(parts: AccountRouteParts, endpoint: Endpoint, call: ForwardedCall): Promise<Response> {
  const { invitation, ...body } = call.body as z.output<typeof signUpInput>
  if (!parts.signUp && !(await isInvited(parts.db, call.origin, body.email, invitation ?? ''))) {
    throw new ParleyError('forbidden', 'Only invited people can create an account here.')
  }
  return forward(parts, endpoint, { ...call, body })
}

const sessionOfLibrary = z.object({ user: z.object({ twoFactorEnabled: z.boolean() }) })

const secondFactorRoute = (parts: AccountRouteParts): Route =>
  personRoute({
    method: 'get',
    path: `${authPath}/two-factor`,
    tag: 'Accounts',
    summary: 'Whether signing in asks for a second factor',
    reply: z.object({ enabled: z.boolean() }),
    handle: async call => {
      const answer = await forward(
        parts,
        { method: 'get', path: '/get-session', reply: sessionOfLibrary },
        call,
      )
      return { enabled: sessionOfLibrary.parse(await answer.json()).user.twoFactorEnabled }
    },
  })
