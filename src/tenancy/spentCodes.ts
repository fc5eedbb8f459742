import { createHash } from 'node:crypto'
import { APIError, createAuthMiddleware } from 'better-auth/api'
import type { Database } from '../db/index.ts'
import type { Vault } from '../kernel/index.ts'
import { spendCode } from './peopleStore.ts'

interface EndpointContext {
  readonly path?: string | undefined
  readonly body?: { readonly code?: unknown } | undefined
}

const verifyPath = '/two-factor/verify-totp'

/** The library accepts a code of an authenticator app for as long as it is shown. Here each lets somebody in once (RFC 6238, 5.2). */
export function spendCodes(parts: { readonly db: Database; readonly vault: Vault }) {
  const pepper = parts.vault.derive('spent codes')

  async function spend(userId: string, code: unknown): Promise<void> {
    const digest = createHash('sha256')
      .update(JSON.stringify([pepper, userId, code]))
      .digest('base64url')
    // Of two uses at once the second waits for the row of the first.
    const fresh = await parts.db.identity(userId, tx => spendCode(tx, userId, digest))
    if (!fresh) throw new APIError('UNAUTHORIZED', { message: 'Invalid code', code: 'INVALID_CODE' })
  }

  return {
    /** The code has been found right by now, and the session that it would open is not there yet. */
    beforeSession: async (session: { userId: string }, context: EndpointContext | null): Promise<void> => {
      if (context?.path === verifyPath) await spend(session.userId, context.body?.code)
    },
    /** Whoever is signed in already gets no new session for a right code; it is spent all the same. */
    afterEndpoint: createAuthMiddleware(async context => {
      const { returned, newSession, session } = context.context
      if (context.path !== verifyPath || returned instanceof Error || newSession || !session) return
      await spend(session.user.id, context.body?.code)
    }),
  }
}
