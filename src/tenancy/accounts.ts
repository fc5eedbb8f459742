import { queueAfterTransactionHook } from '@better-auth/core/context'
import { APIError, betterAuth } from 'better-auth'
import { drizzleAdapter } from 'better-auth/adapters/drizzle'
import { bearer, twoFactor } from 'better-auth/plugins'
import type { Database, IdentityHandle } from '../db/index.ts'
import { type Identity, type Log, newId, type Origin, type Secret, type Vault } from '../kernel/index.ts'
import type { Mail } from '../providers/mail.ts'
import { alreadyHereMail, type Recipient, resetMail, verificationMail } from './mails.ts'
import { touchLogin } from './peopleStore.ts'
import { queueMail } from './queueMail.ts'
import { accounts, authSessions, twoFactors, users, verifications } from './schema.ts'
import { spendCodes } from './spentCodes.ts'

interface OAuthClient {
  readonly clientId: string
  readonly clientSecret: Secret
}

export interface AccountSettings {
  readonly publicUrl: string
  readonly signUp: boolean
  readonly masterAdminEmails: readonly string[]
  readonly oauth: Readonly<Record<string, OAuthClient | undefined>>
}

export interface AccountParts {
  readonly db: Database
  /** Its every statement runs as parley_identity. */
  readonly identityHandle: IdentityHandle
  readonly vault: Vault
  readonly log: Log
  readonly settings: AccountSettings
}

/** People's accounts: better-auth keeps passwords, sessions, verification and second factors; tenants are ours (docs/adr/0002). */
export interface Accounts {
  /** Serves one of better-auth's own endpoints below /api/auth; `endpoint` is its path there, without values. */
  handle(request: Request, endpoint: string, origin: Origin): Promise<Response>
  /** The person behind a cookie or bearer token, or undefined. */
  identify(headers: Headers, origin: Origin): Promise<Identity | undefined>
}

export const authPath = '/api/auth'
export const sessionCookie = 'parley.session_token'

export function createAccounts(parts: AccountParts): Accounts {
  const { db, settings } = parts
  const auth = betterAuth(authOptions(parts))
  return {
    handle: (request, endpoint, origin) =>
      parts.identityHandle.during(origin, endpoint, () => auth.handler(request)),
    identify: async (headers, origin) => {
      const found = await lookUpSession(() => auth.api.getSession({ headers }), db)
      if (!found) return undefined
      const { user, session } = found
      const listed = user.emailVerified && settings.masterAdminEmails.includes(user.email)
      return {
        userId: user.id,
        sessionId: session.id,
        email: user.email,
        emailVerified: user.emailVerified,
        name: user.name,
        masterAdmin: listed || user.platformRole === 'master_admin',
        origin,
      }
    },
  }

  async function lookUpSession<Found>(read: () => Promise<Found>, database: Database): Promise<Found> {
    try {
      return await read()
    } catch (error) {
      // better-auth hides why its query failed. A database that is away says so itself; one that was away for a moment
      // answers the second time; anything else is a fault of ours.
      if (!(error instanceof APIError && error.statusCode >= 500)) throw error
      await database.ping()
      return read()
    }
  }
}

function authOptions(parts: AccountParts) {
  const { identityHandle, vault, log, settings, db } = parts
  const codes = spendCodes(parts)
  return {
    appName: 'Parley',
    baseURL: settings.publicUrl,
    basePath: authPath,
    secret: vault.derive('accounts'),
    // Other names of this server are translated into this one before a request gets here (see forward).
    trustedOrigins: [settings.publicUrl],
    // Where a provider's refusal leads when the sign-in that began it is not known any more.
    onAPIError: {
      errorURL: `${settings.publicUrl}/`,
      // What is no refusal of the library is for whoever called it, who knows an outage from a fault.
      onError: (error: unknown) => {
        if (!(error instanceof APIError)) throw error
      },
    },
    database: drizzleAdapter(identityHandle.sql, {
      provider: 'pg' as const,
      transaction: true,
      schema: {
        user: users,
        session: authSessions,
        account: accounts,
        verification: verifications,
        twoFactor: twoFactors,
      },
    }),
    advanced: {
      cookiePrefix: 'parley',
      // One name for the session cookie on http and https alike; `secure` is still set where the public address is https.
      useSecureCookies: false,
      // Said aloud, because the library leaves the check out when it believes that it is being tested.
      disableOriginCheck: false,
      defaultCookieAttributes: { secure: settings.publicUrl.startsWith('https:'), sameSite: 'lax' as const },
      database: { generateId: () => newId() },
      ipAddress: { ipAddressHeaders: ['x-parley-client-address'] },
    },
    ...passwordOptions(parts),
    user: { additionalFields: { platformRole: { type: 'string' as const, required: false, input: false } } },
    session: { expiresIn: 30 * 24 * 3600, updateAge: 24 * 3600, cookieCache: { enabled: false } },
    account: { encryptOAuthTokens: true, accountLinking: { enabled: true, requireLocalEmailVerified: true } },
    verification: { storeIdentifier: 'hashed' as const },
    hooks: { after: codes.afterEndpoint },
    databaseHooks: {
      session: {
        create: {
          before: codes.beforeSession,
          after: async (session: { userId: string }) =>
            db.identity(session.userId, tx => touchLogin(tx, session.userId)),
        },
      },
    },
    socialProviders: Object.fromEntries(
      Object.entries(settings.oauth).flatMap(([name, client]) =>
        client ? [[name, providerOptions(client, settings)]] : [],
      ),
    ),
    plugins: [bearer({ requireSignature: true }), twoFactor({ issuer: 'Parley' })],
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    logger: { log: (level: string, message: string) => log.debug({ level, part: 'accounts' }, message) },
  }
}

const providerOptions = (client: OAuthClient, settings: AccountSettings) => ({
  clientId: client.clientId,
  clientSecret: client.clientSecret.reveal(),
  disableSignUp: !settings.signUp,
})

function passwordOptions(parts: AccountParts) {
  const { settings } = parts
  const mail = (content: Mail) => mailAfterCommit(parts, content)
  return {
    emailAndPassword: {
      enabled: true,
      requireEmailVerification: true,
      minPasswordLength: 10,
      maxPasswordLength: 128,
      revokeSessionsOnPasswordReset: true,
      sendResetPassword: ({ user, url }: { user: Recipient; url: string }) => mail(resetMail(user, url)),
      onExistingUserSignUp: ({ user }: { user: Recipient }) =>
        mail(alreadyHereMail(user, settings.publicUrl)),
    },
    emailVerification: {
      sendOnSignUp: true,
      sendOnSignIn: true,
      expiresIn: 24 * 3600,
      sendVerificationEmail: ({ user, url }: { user: Recipient; url: string }) =>
        mail(verificationMail(user, url)),
    },
  }
}

/** better-auth asks for mails inside its transaction; on a database with one connection a second one would wait for the first. */
async function mailAfterCommit({ db, vault }: AccountParts, content: Mail): Promise<void> {
  await queueAfterTransactionHook(async () => {
    await db.identity(null, tx => queueMail(tx, vault, content))
  })
}
