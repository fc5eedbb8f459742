import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { formatUuid, uuidBytes } from './ids.ts'

/**
 * Credentials that strangers present (API keys, invitations, widget keys) name their tenant, so that looking them up is an
 * ordinary scoped read: there is no query anywhere that searches the rows of all tenants (S1).
 *
 * Form: prefix_<random, base64url><tenant id, base64url>; the beginning tells tokens apart, so it can be shown.
 */
const tenantLength = 22

export interface TenantToken {
  readonly token: string
  readonly hash: string
}

export function newTenantToken(prefix: string, tenantId: string, randomLength = 24): TenantToken {
  const random = randomBytes(randomLength).toString('base64url')
  const token = `${prefix}_${random}${uuidBytes(tenantId).toString('base64url')}`
  return { token, hash: hashToken(token) }
}

/** The tenant a token claims to belong to, or undefined when it is not such a token. Proves nothing by itself. */
export function tenantOfToken(prefix: string, token: string): string | undefined {
  const body = token.startsWith(`${prefix}_`) ? token.slice(prefix.length + 1) : ''
  if (body.length <= tenantLength || !/^[\w-]+$/.test(body)) return undefined
  return formatUuid(Buffer.from(body.slice(-tenantLength), 'base64url'))
}

/** Tokens carry 192 random bits, so a plain digest is enough to store: there is nothing to guess. */
export const hashToken = (token: string): string => createHash('sha256').update(token).digest('hex')

/** Comparison that takes the same time wherever the texts differ. */
export function sameText(left: string, right: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(left), digest(right))
}
