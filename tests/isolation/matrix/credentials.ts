import { newTenantToken } from '../../../src/kernel/index.ts'
import type { TestParley } from '../../support/parley.ts'
import { type Caller, callerWith, keyCaller, nobody } from '../../support/people.ts'
import { allPermissions, roleTable } from './tenantRoutes.ts'
import { type Maker, makerFor, newSide, newSomebody, type Side, type Somebody } from './world.ts'

/** Who tries, and what they must be told instead of being let in. */
export interface Refused {
  readonly who: string
  readonly caller: Caller
  readonly status: 401 | 403
  readonly code: string
}

export interface World {
  readonly parley: TestParley
  readonly a: Side
  readonly b: Side
  readonly makeA: Maker
  /** A member of A for every role. */
  readonly people: ReadonlyMap<string, Somebody>
  /** Refused at every route inside A, whatever it needs. */
  readonly strangers: readonly Refused[]
  /** Have every right in B and none in A. */
  readonly outsiders: readonly { readonly who: string; readonly caller: Caller; readonly named: boolean }[]
}

const unauthenticated = { status: 401, code: 'unauthenticated' } as const
const forbidden = { status: 403, code: 'forbidden' } as const
const suspended = { status: 403, code: 'tenant_suspended' } as const
const past = () => new Date(Date.now() - 1_000)

export async function newWorld(parley: TestParley): Promise<World> {
  const a = await newSide(parley, 'aaa')
  const b = await newSide(parley, 'bbb')
  const makeA = makerFor(parley, a)
  // Something of A in every list, which must not show up in anybody else's.
  await Promise.all([makeA.contact(), makeA.widget(), makeA.conversation(), makeA.role(['tenant:read'])])
  await Promise.all([makeA.invitation(), makeA.key(['tenant:read']), makeA.member()])
  await Promise.all([makeA.cost(), makeA.alert()])
  const people = new Map<string, Somebody>([['owner', a.owner]])
  for (const role of Object.keys(roleTable)) if (role !== 'owner') people.set(role, await makeA.member(role))
  const strangers = [
    ...(await withoutSession(parley, a)),
    ...(await withoutKey(parley, makeA, a)),
    ...(await withoutStanding(parley, a, makeA)),
    ...(await ofClosedWorkspaces(parley)),
  ]
  return { parley, a, b, makeA, people, strangers, outsiders: await ofAnotherWorkspace(parley, a, b) }
}

async function withoutSession(parley: TestParley, a: Side): Promise<Refused[]> {
  const expired = await newSomebody(parley, 'expired', { expiresAt: past() })
  const signedOut = await makerFor(parley, a).member('owner')
  await parley.owner.query('delete from auth_sessions where id = $1', [signedOut.sessionId])
  await parley.owner.query(
    `insert into members (tenant_id, id, user_id, role) values ($1, $2, $3, 'owner')`,
    [a.tenantId, expired.sessionId, expired.userId],
  )
  const unsigned = { cookie: `parley.session_token=${a.owner.token}` }
  return [
    { who: 'nobody', caller: nobody(parley), ...unauthenticated },
    { who: 'a made-up token', caller: keyCaller(parley, 'made-up'), ...unauthenticated },
    { who: 'an expired session', caller: expired, ...unauthenticated },
    { who: 'a revoked session', caller: signedOut, ...unauthenticated },
    { who: 'a cookie that we did not sign', caller: callerWith(parley, unsigned), ...unauthenticated },
  ]
}

async function withoutKey(parley: TestParley, makeA: Maker, a: Side): Promise<Refused[]> {
  const revoked = await makeA.key(allPermissions, { revoked_at: past() })
  const expired = await makeA.key(allPermissions, { expires_at: past() })
  const deleted = await makeA.key(allPermissions)
  await parley.owner.query('delete from api_keys where id = $1', [deleted.id])
  const forged = newTenantToken('parley', a.tenantId).token
  const tries = { revoked: revoked.key, expired: expired.key, deleted: deleted.key, forged }
  return Object.entries(tries).map(([who, key]) => ({
    who: `a ${who} key`,
    caller: keyCaller(parley, key),
    ...unauthenticated,
  }))
}

async function withoutStanding(parley: TestParley, a: Side, makeA: Maker): Promise<Refused[]> {
  const removed = await makeA.member('owner')
  const before = await removed.call('get', '/api/v1/tenant')
  const removal = await a.owner.call('delete', `/api/v1/members/${removed.memberId}`)
  if (before.status !== 200 || removal.status !== 204) throw new Error('a member could not be removed')
  const masterAdmin = await newSomebody(parley, 'admin', { masterAdmin: true })
  const stranger = await newSomebody(parley, 'stranger')
  return [
    { who: 'a suspended owner', caller: await makeA.member('owner', 'suspended'), ...forbidden },
    { who: 'an inactive owner', caller: await makeA.member('owner', 'inactive'), ...forbidden },
    { who: 'a removed owner', caller: removed, ...forbidden },
    { who: 'a person without a workspace', caller: stranger, ...forbidden },
    { who: 'a person who only names it', caller: within(stranger, a.tenantId), ...forbidden },
    { who: 'a master admin', caller: within(masterAdmin, a.tenantId), ...forbidden },
  ]
}

async function ofClosedWorkspaces(parley: TestParley): Promise<Refused[]> {
  const asleep = await newSide(parley, 'suspended', 'suspended')
  const gone = await newSide(parley, 'closed', 'closed')
  const keyOf = async (side: Side) =>
    keyCaller(parley, (await makerFor(parley, side).key(allPermissions)).key)
  return [
    { who: 'the owner of a suspended workspace', caller: asleep.owner, ...suspended },
    { who: 'a key of a suspended workspace', caller: await keyOf(asleep), ...suspended },
    { who: 'the owner of a closed workspace', caller: gone.owner, ...unauthenticated },
    { who: 'a key of a closed workspace', caller: await keyOf(gone), ...unauthenticated },
  ]
}

async function ofAnotherWorkspace(parley: TestParley, a: Side, b: Side): Promise<World['outsiders']> {
  const key = keyCaller(parley, (await makerFor(parley, b).key(allPermissions)).key)
  const inBoth = await makerFor(parley, b).member('owner')
  await parley.owner.query(
    `insert into members (tenant_id, id, user_id, role) values ($1, $2, $3, 'owner')`,
    [a.tenantId, inBoth.memberId, inBoth.userId],
  )
  return [
    { who: 'the owner of B', caller: b.owner, named: false },
    { who: 'the owner of B, naming A', caller: within(b.owner, a.tenantId), named: true },
    { who: 'the owner of B, naming A by its slug', caller: within(b.owner, a.slug), named: true },
    { who: 'a key of B', caller: key, named: false },
    // A key has a workspace of its own, whatever the header says.
    { who: 'a key of B, naming A', caller: within(key, a.tenantId), named: false },
    { who: 'an owner of both, being in B', caller: within(inBoth, b.slug), named: false },
  ]
}

export const within = (caller: Caller, tenant: string): Caller => ({
  call: (method, path, body, headers = {}) =>
    caller.call(method, path, body, { 'parley-tenant': tenant, ...headers }),
})
