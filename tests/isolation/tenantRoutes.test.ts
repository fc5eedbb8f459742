import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId } from '../../src/kernel/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import { type Caller, keyCaller } from '../support/people.ts'
import { untilNobodyReads } from '../support/sourcesWorld.ts'
import { fingerprintOfTenant, tenantTables } from '../support/tenantRows.ts'
import { entriesOf, expectEntry, refuseSomeEntries, traces, unwritableId } from './matrix/audit.ts'
import { newWorld, type World } from './matrix/credentials.ts'
import { outsiders, send, tellsOfA } from './matrix/outsiders.ts'
import {
  allPermissions,
  common,
  type Request,
  roleTable,
  type TenantEntry,
  tenantRoutes,
} from './matrix/tenantRoutes.ts'

const firstRouteOf = (permission: string) =>
  Object.entries(tenantRoutes).find(([, entry]) => entry.permission === permission)?.[0]

/** S3: every route inside a workspace, as nobody, as the wrong role, as the wrong workspace, and as everyone who may. */
describe.each(databaseKinds)('S3 routes of a workspace on %s', kind => {
  let parley: TestParley
  let world: World
  beforeAll(async () => {
    parley = await startParley(kind)
    world = await newWorld(parley)
    await refuseSomeEntries(parley)
  })
  afterAll(() => parley.remove())

  async function refusals(method: string, request: Request, refused: World['strangers']) {
    const answers = await Promise.all(refused.map(({ caller }) => send(caller, method, request)))
    return answers.flatMap((answer, at) => {
      const wanted = refused[at]
      const right =
        answer.status === wanted?.status && answer.body.code === wanted.code && !tellsOfA(world, answer)
      return right ? [] : [`${wanted?.who}: ${answer.status} ${JSON.stringify(answer.body)}`]
    })
  }

  /** Everyone of A whose credential is good, and not good for this. */
  async function lacking(permission: string): Promise<World['strangers']> {
    const key = async (permissions: readonly string[]) =>
      keyCaller(parley, (await world.makeA.key(permissions)).key)
    const keys = {
      'a key without it': await key(allPermissions.filter(other => other !== permission)),
      'a key without anything': await key([]),
    }
    const people = [...world.people].filter(([role]) => !roleTable[role]?.includes(permission))
    return [...Object.entries(keys), ...people].map(([who, caller]) => ({
      ...{ who, caller },
      ...{ status: 403, code: 'forbidden' },
    }))
  }

  /** Lets one who may do it, and looks for the entry of the change. */
  async function succeeds(who: string, caller: Caller, method: string, request: Request, entry: TenantEntry) {
    const requestId = `request-${newId()}`
    const headers = {
      'x-request-id': requestId,
      'idempotency-key': `${who}-${request.path}`.replace(/\s/g, '-'),
    }
    const answer = await send(caller, method, request, headers)
    expect(answer.status, `${who}: ${JSON.stringify(answer.body)}`).toBe(entry.status)
    expect(answer.headers.has('idempotent-replayed'), who).toBe(false)
    const rows = await entriesOf(parley, requestId)
    if (!entry.audit) {
      expect(rows, `${who}: reading is no change`).toEqual([])
      return
    }
    const row = expectEntry(rows, entry.audit, who)
    expect(row.tenant_id, who).toBe(world.a.tenantId)
    expect(row.actor_kind, who).toBe(who.startsWith('a key') ? 'api_key' : 'member')
  }

  /** The change, its entry, its idempotency key and its mail stand or fall together. */
  async function undoneWithoutEntry(method: string, request: Request, key: string): Promise<void> {
    const before = await traces(parley, world.a.tenantId)
    const headers = { 'x-request-id': unwritableId(), 'idempotency-key': key }
    const answer = await send(world.a.owner, method, request, headers)
    expect(answer.status, JSON.stringify(answer.body)).toBe(500)
    expect(answer.body.code).toBe('internal')
    expect(JSON.stringify(answer.body)).not.toContain('a secret reason')
    expect(await traces(parley, world.a.tenantId)).toBe(before)
  }

  test.each(Object.entries(tenantRoutes))('S3 %s', async (name, entry) => {
    const method = name.split(' ')[0] ?? ''
    // What was added before is being read by jobs, which would look like a change.
    await untilNobodyReads(parley)
    const request = await entry.request(world.makeA)
    const refused = [...world.strangers, ...(await lacking(entry.permission))]
    const before = await traces(parley, world.a.tenantId)
    expect(await refusals(method, request, refused)).toEqual([])
    expect(await traces(parley, world.a.tenantId)).toBe(before)
    const rows = await fingerprintOfTenant(parley.owner, world.a.tenantId)
    expect(await outsiders(world, method, request, entry)).toEqual([])
    expect(await fingerprintOfTenant(parley.owner, world.a.tenantId)).toBe(rows)

    const key = `owner-${request.path}`
    if (method !== 'GET' && !entry.reads) {
      expect(entry.audit, 'a change has an audit entry').toBeDefined()
      await undoneWithoutEntry(method, request, key)
    }
    await succeeds('owner', world.a.owner, method, request, entry)
    // That a role has a permission shows at one of its routes; that it lacks one is tried at every route.
    const roles = name === firstRouteOf(entry.permission) ? [...world.people] : []
    for (const [role, person] of roles) {
      if (role === 'owner' || !roleTable[role]?.includes(entry.permission)) continue
      await succeeds(role, person, method, await entry.request(world.makeA), entry)
    }
    const granted = await world.makeA.memberWith([entry.permission])
    await succeeds('custom', granted, method, await entry.request(world.makeA), entry)
    const scoped = keyCaller(parley, (await world.makeA.key([entry.permission, common])).key)
    if (entry.membersOnly) {
      const answer = await send(scoped, method, await entry.request(world.makeA))
      expect([answer.status, answer.body.code]).toEqual([403, 'forbidden'])
    } else await succeeds('a key', scoped, method, await entry.request(world.makeA), entry)
  })

  test('S1 queries name their workspace themselves: without the policies they keep to it all the same', async () => {
    for (const { name } of [...(await tenantTables(parley.owner)), { name: 'users' }]) {
      await parley.owner.query(`alter table ${name} disable row level security`)
    }
    const faults: string[] = []
    await untilNobodyReads(parley)
    for (const [name, entry] of Object.entries(tenantRoutes)) {
      const request = await entry.request(world.makeA)
      const before = await fingerprintOfTenant(parley.owner, world.a.tenantId)
      const told = await outsiders(world, name.split(' ')[0] ?? '', request, entry)
      faults.push(...told.map(fault => `${name}: ${fault}`))
      if ((await fingerprintOfTenant(parley.owner, world.a.tenantId)) !== before)
        faults.push(`${name}: a change`)
    }
    expect(faults).toEqual([])
  })
})
