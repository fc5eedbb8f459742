import type { Admission, Knock } from '../gateway/index.ts'
import type { Doorkeeper } from '../http/index.ts'
import { ParleyError } from '../kernel/index.ts'

/** Lets members and keys into the gateway by the same credentials as into the API. */
export function createMemberDoor(doorkeeper: Doorkeeper) {
  return async (
    auth: { readonly token?: string | undefined; readonly tenant?: string | undefined },
    knock: Knock,
  ): Promise<Admission> => {
    const { authorization: _unused, ...headers } = knock.headers
    const scope = await doorkeeper.admit(
      {
        ...headers,
        ...(auth.token === undefined ? {} : { authorization: `Bearer ${auth.token}` }),
        ...(auth.tenant === undefined ? {} : { 'parley-tenant': auth.tenant }),
      },
      knock.origin,
    )
    const { actor } = scope
    if (actor.kind === 'member')
      return { scope, self: { kind: 'member', id: actor.memberId }, expiresAt: null }
    if (actor.kind === 'api_key') return { scope, self: { kind: 'system', id: actor.keyId }, expiresAt: null }
    throw new ParleyError('unauthenticated')
  }
}
