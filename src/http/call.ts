import type { IncomingHttpHeaders } from 'node:http'
import type { Identity, Origin, Scope } from '../kernel/index.ts'

/** The headers of a request, as the doorkeeper reads credentials from them. */
export type RequestHeaders = Readonly<IncomingHttpHeaders>

/**
 * Who knocks. Implemented by the tenancy room and handed in by main, since plumbing knows no room. Throws `unauthenticated` for a
 * missing, expired or revoked credential.
 */
export interface Doorkeeper {
  /** The person behind a session cookie or bearer token. */
  identify(headers: RequestHeaders, origin: Origin): Promise<Identity>
  /** The tenant and the permissions behind a session or an API key. */
  admit(headers: RequestHeaders, origin: Origin): Promise<Scope>
  /** Whether the credential is a cookie, which a browser sends by itself and which other sites could misuse. */
  usesCookie(headers: RequestHeaders): boolean
}
