import { createHmac, timingSafeEqual } from 'node:crypto'
import type { z } from 'zod'
import type { Vault } from './vault.ts'

/**
 * Short-lived proof that this server said something, for whoever cannot keep a session: visitors, guests, links. Nothing is stored;
 * what must be revocable before it expires needs a row instead.
 */
export interface TokenSigner<Claims> {
  sign(claims: Claims, lifetimeSeconds: number): SignedToken
  /** What was signed, `expired` when it was ours once, undefined when it never was. */
  open(token: string): { readonly claims: Claims; readonly expiresAt: Date } | 'expired' | undefined
}

export interface SignedToken {
  readonly token: string
  readonly expiresAt: Date
}

/** One purpose, one key: a token for one thing can never pass as one for another. */
export function createTokenSigner<Claims>(
  vault: Vault,
  purpose: string,
  schema: z.ZodType<Claims>,
): TokenSigner<Claims> {
  const key = vault.derive(`token:${purpose}`)
  const macOf = (body: string) => createHmac('sha256', key).update(body).digest()
  return {
    sign(claims, lifetimeSeconds) {
      const expires = Math.floor(Date.now() / 1000) + lifetimeSeconds
      const body = Buffer.from(JSON.stringify([expires, claims])).toString('base64url')
      return {
        token: `${body}.${macOf(body).toString('base64url')}`,
        expiresAt: new Date(expires * 1000),
      }
    },
    open(token) {
      const [body = '', mac = '', ...rest] = token.split('.')
      const given = Buffer.from(mac, 'base64url')
      const right = macOf(body)
      if (rest.length > 0 || given.length !== right.length || !timingSafeEqual(given, right)) return undefined
      const [expires, claims]: [number, unknown] = JSON.parse(Buffer.from(body, 'base64url').toString())
      if (expires * 1000 <= Date.now()) return 'expired'
      // Signed by another version of the program, perhaps, with other claims.
      const parsed = schema.safeParse(claims)
      return parsed.success ? { claims: parsed.data, expiresAt: new Date(expires * 1000) } : undefined
    },
  }
}
