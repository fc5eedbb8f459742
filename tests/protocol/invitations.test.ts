import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Role } from '../../src/kernel/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { mailsTo, mailTo } from '../support/outbox.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import type { Caller, Workspace } from '../support/people.ts'
import { expectProblem, faultPaths } from '../support/problems.ts'
import { quickMember, quickPerson, quickWorkspace } from '../support/quickPeople.ts'

interface Invitation {
  id: string
  email: string
  role: Role
  status: string
}
interface Me {
  memberships: { tenantId: string; role: Role }[]
}

describe.each(databaseKinds)('invitations on %s', { concurrent: true }, kind => {
  let parley: TestParley
  beforeAll(async () => {
    parley = await startParley(kind)
  })
  afterAll(() => parley.remove())

  const invite = (by: Caller, email: string, role: Role = 'member') =>
    by.call<Invitation>('post', '/api/v1/invitations', { email, role })
  const accept = (by: Caller, token: string) =>
    by.call<Invitation>('post', '/api/v1/invitations/accept', { token })
  const tokenFor = async (email: string) => (await mailTo(parley, email, /join/i)).link.hash.slice(1)
  const auditOf = async ({ tenantId }: Workspace, action: string) =>
    (
      await parley.owner.query('select * from audit_logs where tenant_id = $1 and action = $2', [
        tenantId,
        action,
      ])
    ).rows

  test('T3: the mail leads in, once, and only the person it was meant for', async () => {
    const workspace = await quickWorkspace(parley)
    const person = await quickPerson(parley)
    const stranger = await quickPerson(parley)
    const made = await invite(workspace.owner, person.email.toUpperCase(), 'agent_admin')
    expect(made.status).toBe(201)
    expect(made.body).toMatchObject({ email: person.email, role: 'agent_admin', status: 'pending' })
    const token = await tokenFor(person.email)
    expect(JSON.stringify(made.body)).not.toContain(token)

    expectProblem(await accept(stranger, token), 'forbidden')
    const [one, two] = await Promise.all([accept(person, token), accept(person, token)])
    expect([one.status, two.status].sort()).toEqual([200, 404])
    expectProblem(await accept(person, token), 'not_found')
    expect((await person.call<Me>('get', '/api/v1/me')).body.memberships).toEqual([
      expect.objectContaining({ tenantId: workspace.tenantId, role: 'agent_admin' }),
    ])
    expect(await auditOf(workspace, 'member.joined')).toHaveLength(1)
    expectProblem(await invite(workspace.owner, person.email), 'conflict')

    const { rows } = await parley.owner.query('select * from invitations where tenant_id = $1', [
      workspace.tenantId,
    ])
    expect(JSON.stringify(rows)).not.toContain(token)
  })

  test('T3: who has become a member in the meantime is told so', async () => {
    const workspace = await quickWorkspace(parley)
    const person = await quickPerson(parley)
    await invite(workspace.owner, person.email)
    const token = await tokenFor(person.email)
    await parley.owner.query(
      `insert into members (tenant_id, id, user_id, role) values ($1, gen_random_uuid(), $2, 'member')`,
      [workspace.tenantId, person.userId],
    )
    expect(expectProblem(await accept(person, token), 'conflict').detail).toMatch(
      /a member of this workspace already/,
    )
  })

  test('T3: an unverified address is not enough', async () => {
    const workspace = await quickWorkspace(parley)
    const person = await quickPerson(parley)
    await invite(workspace.owner, person.email)
    const token = await tokenFor(person.email)
    await parley.owner.query('update users set email_verified = false where id = $1', [person.userId])
    expectProblem(await accept(person, token), 'email_unverified')
  })

  test('T3: expired, revoked, replaced, altered and made-up links are all unknown', async () => {
    const workspace = await quickWorkspace(parley)
    const person = await quickPerson(parley)
    const first = await invite(workspace.owner, person.email)
    const firstToken = await tokenFor(person.email)
    const second = await invite(workspace.owner, person.email, 'support_agent')
    const mails = await mailsTo(parley, person.email, 2)
    const secondToken = mails.map(({ link }) => link.hash.slice(1)).find(token => token !== firstToken) ?? ''
    expectProblem(await accept(person, firstToken), 'not_found')
    const listed = await workspace.owner.call<{ items: Invitation[] }>('get', '/api/v1/invitations')
    expect(listed.body.items.map(({ id, status }) => [id, status])).toEqual([
      [second.body.id, 'pending'],
      [first.body.id, 'revoked'],
    ])
    expect(await auditOf(workspace, 'invitation.revoked')).toHaveLength(1)

    await parley.owner.query(
      `update invitations set expires_at = now() - interval '1 second' where id = $1`,
      [second.body.id],
    )
    expectProblem(await accept(person, secondToken), 'not_found')
    await parley.owner.query(`update invitations set expires_at = now() + interval '1 day' where id = $1`, [
      second.body.id,
    ])
    expect((await workspace.owner.call('delete', `/api/v1/invitations/${second.body.id}`)).status).toBe(204)
    expectProblem(await workspace.owner.call('delete', `/api/v1/invitations/${second.body.id}`), 'conflict')
    for (const token of [
      secondToken,
      `${secondToken.slice(0, -30)}A${secondToken.slice(-29)}`,
      'invite_nonsense',
      `parley_${secondToken.slice(7)}`,
    ]) {
      expectProblem(await accept(person, token), 'not_found')
    }
  })

  test('T1: no more members than the limit, however many links are out', async () => {
    const workspace = await quickWorkspace(parley)
    const { owner } = workspace
    const people = await Promise.all([quickPerson(parley), quickPerson(parley)])
    for (const { email } of people) expect((await invite(owner, email)).status).toBe(201)
    await owner.call('patch', '/api/v1/tenant', { settings: { maxMembers: 2 } })
    const tokens = await Promise.all(people.map(({ email }) => tokenFor(email)))
    const answers = await Promise.all(people.map((person, at) => accept(person, tokens[at] ?? '')))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409])
    expectProblem(await invite(owner, 'third@people.example'), 'conflict')

    // Nor by the back door: making somebody inactive, filling the place, and letting them in again.
    const joined = await owner.call<{ items: { id: string; role: Role }[] }>('get', '/api/v1/members')
    const id = joined.body.items.find(({ role }) => role === 'member')?.id
    await owner.call('patch', `/api/v1/members/${id}`, { status: 'inactive' })
    await quickMember(parley, workspace, 'member')
    expectProblem(await owner.call('patch', `/api/v1/members/${id}`, { status: 'active' }), 'conflict')
  })

  test('T3: nobody invites above their own rank, nor replaces or revokes such an invitation', async () => {
    const workspace = await quickWorkspace(parley)
    const admin = await quickMember(parley, workspace, 'admin')
    const made = await invite(workspace.owner, 'heir@people.example', 'owner')
    expectProblem(await invite(admin, 'other@people.example', 'owner'), 'forbidden')
    expectProblem(await invite(admin, 'heir@people.example', 'member'), 'forbidden')
    expectProblem(await admin.call('delete', `/api/v1/invitations/${made.body.id}`), 'forbidden')
    const listed = await admin.call<{ items: Invitation[] }>('get', '/api/v1/invitations')
    expect(listed.body.items.map(({ status }) => status)).toEqual(['pending'])
    expect((await invite(admin, 'peer@people.example', 'admin')).status).toBe(201)
    const agent = await quickMember(parley, workspace, 'support_agent')
    expectProblem(await invite(agent, 'x@people.example'), 'forbidden')
  })

  test('T1: a suspended workspace takes nobody in', async () => {
    const workspace = await quickWorkspace(parley)
    const person = await quickPerson(parley)
    await invite(workspace.owner, person.email)
    const token = await tokenFor(person.email)
    await parley.owner.query(`update tenants set status = 'suspended' where id = $1`, [workspace.tenantId])
    expectProblem(await accept(person, token), 'tenant_suspended')
  })

  test('T3: malformed invitations name their faults', async () => {
    const { owner } = await quickWorkspace(parley)
    expect(faultPaths(await owner.call('post', '/api/v1/invitations', { email: 'x', role: 'king' }))).toEqual(
      ['email', 'role'],
    )
    expect(
      faultPaths(await owner.call('post', '/api/v1/invitations/accept', { token: 'short', x: 1 })),
    ).toEqual(['token', 'x'])
  })
})
