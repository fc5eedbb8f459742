import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId, type Permission, type Role } from '../../src/kernel/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import type { Caller, Workspace } from '../support/people.ts'
import { expectProblem, faultPaths } from '../support/problems.ts'
import { quickMember, quickWorkspace } from '../support/quickPeople.ts'

interface Member {
  id: string
  userId: string
  role: Role
}
interface CustomRole {
  id: string
  permissions: Permission[]
}

describe.each(databaseKinds)('roles and ranks on %s', { concurrent: true }, kind => {
  let parley: TestParley
  beforeAll(async () => {
    parley = await startParley(kind)
  })
  afterAll(() => parley.remove())

  const membersOf = async ({ owner }: Workspace) =>
    (await owner.call<{ items: Member[] }>('get', '/api/v1/members')).body.items
  const ownId = async (workspace: Workspace) =>
    (await membersOf(workspace)).find(({ userId }) => userId === workspace.owner.userId)?.id ?? ''
  const setRole = (by: Caller, id: string, role: Role) =>
    by.call<Member>('patch', `/api/v1/members/${id}`, { role })
  const makeRole = (by: Caller, permissions: Permission[], name = newId()) =>
    by.call<CustomRole>('post', '/api/v1/roles', { name, permissions })
  const give = (by: Caller, memberId: string, roleId: string) =>
    by.call('put', `/api/v1/members/${memberId}/roles/${roleId}`)

  test('T3: nobody touches a rank above their own, or gives one', async () => {
    const workspace = await quickWorkspace(parley)
    const ownerId = await ownId(workspace)
    const admin = await quickMember(parley, workspace, 'admin')
    const agent = await quickMember(parley, workspace, 'support_agent')
    expectProblem(await setRole(admin, ownerId, 'member'), 'forbidden')
    expectProblem(
      await admin.call('patch', `/api/v1/members/${ownerId}`, { status: 'suspended' }),
      'forbidden',
    )
    expectProblem(await admin.call('delete', `/api/v1/members/${ownerId}`), 'forbidden')
    expectProblem(await setRole(admin, admin.memberId, 'owner'), 'forbidden')
    expectProblem(await setRole(admin, agent.memberId, 'owner'), 'forbidden')
    expect((await setRole(admin, agent.memberId, 'agent_admin')).body.role).toBe('agent_admin')
    for (const role of ['support_agent', 'agent_admin'] as const) {
      await setRole(admin, agent.memberId, role)
      expectProblem(await setRole(agent, agent.memberId, 'admin'), 'forbidden')
    }
    const { rows } = await parley.owner.query('select role from members where tenant_id = $1 and id = $2', [
      workspace.tenantId,
      ownerId,
    ])
    expect(rows).toEqual([{ role: 'owner' }])
  })

  test('T3: the last owner stays, and stays active', async () => {
    const workspace = await quickWorkspace(parley)
    const id = await ownId(workspace)
    expectProblem(await setRole(workspace.owner, id, 'admin'), 'conflict')
    expectProblem(
      await workspace.owner.call('patch', `/api/v1/members/${id}`, { status: 'inactive' }),
      'conflict',
    )
    expectProblem(await workspace.owner.call('delete', `/api/v1/members/${id}`), 'conflict')
    const second = await quickMember(parley, workspace, 'owner')
    expect((await workspace.owner.call('delete', `/api/v1/members/${id}`)).status).toBe(204)
    expectProblem(await second.call('delete', `/api/v1/members/${second.memberId}`), 'conflict')
  })

  test('T3: of two owners who demote each other at once, one stays', async () => {
    for (let round = 0; round < 3; round++) {
      const workspace = await quickWorkspace(parley)
      const first = await ownId(workspace)
      const second = await quickMember(parley, workspace, 'owner')
      const answers = await Promise.all([
        setRole(workspace.owner, second.memberId, 'admin'),
        setRole(second, first, 'admin'),
      ])
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
      const { rows } = await parley.owner.query(
        `select id from members where tenant_id = $1 and role = 'owner' and status = 'active'`,
        [workspace.tenantId],
      )
      expect(rows).toHaveLength(1)
    }
  })

  test('T3: a custom role adds permissions, at once, until it is taken, changed or deleted', async () => {
    const workspace = await quickWorkspace(parley)
    const { owner } = workspace
    const agent = await quickMember(parley, workspace, 'support_agent')
    const audit = () => agent.call('get', '/api/v1/audit')
    expectProblem(await audit(), 'forbidden')
    const role = (await makeRole(owner, ['audit:read'])).body
    expect((await give(owner, agent.memberId, role.id)).status).toBe(204)
    expect((await give(owner, agent.memberId, role.id)).status).toBe(204)
    expect((await audit()).status).toBe(200)
    expect((await agent.call('get', '/api/v1/contacts')).status).toBe(200)

    await owner.call('delete', `/api/v1/members/${agent.memberId}/roles/${role.id}`)
    expectProblem(await audit(), 'forbidden')
    await give(owner, agent.memberId, role.id)
    await owner.call('patch', `/api/v1/roles/${role.id}`, { permissions: ['tenant:read'] })
    expectProblem(await audit(), 'forbidden')
    await owner.call('patch', `/api/v1/roles/${role.id}`, { permissions: ['audit:read'] })
    expect((await audit()).status).toBe(200)
    expect((await owner.call('delete', `/api/v1/roles/${role.id}`)).status).toBe(204)
    expectProblem(await audit(), 'forbidden')
    expectProblem(await give(owner, agent.memberId, role.id), 'not_found')
  })

  test('T3: nobody gives what they do not hold, through a role, a key or an invitation', async () => {
    const workspace = await quickWorkspace(parley)
    const { owner } = workspace
    const agent = await quickMember(parley, workspace, 'support_agent')
    const manager = (await makeRole(owner, ['roles:write', 'roles:read', 'keys:write', 'members:write'])).body
    const strong = (await makeRole(owner, ['audit:read', 'tenant:write'])).body
    await give(owner, agent.memberId, manager.id)

    expectProblem(await makeRole(agent, ['audit:read']), 'forbidden')
    expectProblem(await give(agent, agent.memberId, strong.id), 'forbidden')
    expectProblem(
      await agent.call('patch', `/api/v1/roles/${strong.id}`, { permissions: ['tenant:read'] }),
      'forbidden',
    )
    expectProblem(await agent.call('delete', `/api/v1/roles/${strong.id}`), 'forbidden')
    expectProblem(
      await agent.call('patch', `/api/v1/roles/${manager.id}`, { permissions: ['roles:write', 'keys:read'] }),
      'forbidden',
    )
    expectProblem(
      await agent.call('post', '/api/v1/keys', { name: 'k', permissions: ['audit:read'] }),
      'forbidden',
    )
    // A key that reaches members would stand higher than the one who made it.
    for (const permission of ['members:write', 'roles:write']) {
      expectProblem(
        await agent.call('post', '/api/v1/keys', { name: 'k', permissions: [permission] }),
        'forbidden',
      )
    }
    expectProblem(
      await agent.call('post', '/api/v1/invitations', { email: 'a@b.example', role: 'admin' }),
      'forbidden',
    )
    expect((await makeRole(agent, ['contacts:read', 'keys:write'])).status).toBe(201)
    expect(
      (await agent.call('post', '/api/v1/keys', { name: 'k', permissions: ['contacts:read'] })).status,
    ).toBe(201)
  })

  test('T3: roles have unique names and known permissions', async () => {
    const [one, two] = [await quickWorkspace(parley), await quickWorkspace(parley)]
    expect((await makeRole(one.owner, ['audit:read'], 'Auditor')).status).toBe(201)
    expectProblem(await makeRole(one.owner, ['audit:read'], 'Auditor'), 'conflict')
    expect((await makeRole(two.owner, ['audit:read'], 'Auditor')).status).toBe(201)
    const bad = await one.owner.call('post', '/api/v1/roles', {
      name: '',
      permissions: ['everything'],
      rank: 9,
    })
    expect(faultPaths(bad)).toEqual(['name', 'permissions.0', 'rank'])
    expect(faultPaths(await makeRole(one.owner, []))).toEqual(['permissions'])
  })

  test('S1: a member, role or key of another workspace is not there', async () => {
    const [one, two] = [await quickWorkspace(parley), await quickWorkspace(parley)]
    const foreign = await ownId(two)
    const role = (await makeRole(two.owner, ['audit:read'])).body
    const own = (await makeRole(one.owner, ['audit:read'])).body
    expectProblem(await setRole(one.owner, foreign, 'member'), 'not_found')
    expectProblem(await one.owner.call('delete', `/api/v1/members/${foreign}`), 'not_found')
    expectProblem(await give(one.owner, foreign, own.id), 'not_found')
    expectProblem(await give(one.owner, await ownId(one), role.id), 'not_found')
    expectProblem(await one.owner.call('delete', `/api/v1/roles/${role.id}`), 'not_found')
  })
})
