import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { databaseKinds } from '../support/databases.ts'
import { knock } from '../support/identities.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import { expectProblem } from '../support/problems.ts'
import { quickMember, quickPerson } from '../support/quickPeople.ts'
import {
  connectMember,
  connectSocket,
  connectVisitor,
  newWidget,
  type TestSocket,
  visit,
} from '../support/sockets.ts'
import { resigned } from './matrix/badges.ts'
import { connectKey, newCrowd, newGuest } from './matrix/crowd.ts'
import { allPermissions } from './matrix/tenantRoutes.ts'
import { newSomebody } from './matrix/world.ts'

const kind = databaseKinds.at(-1) ?? 'embedded'

/** S4: credentials end while connections live. */
describe('S4 cut off', () => {
  let parley: TestParley
  beforeAll(async () => {
    parley = await startParley(kind)
  })
  afterAll(() => parley.remove())

  const ended = async (socket: TestSocket): Promise<string> => {
    const { code } = await socket.next('closing')
    if (socket.socket.connected)
      await new Promise(resolve => void socket.socket.once('disconnect', () => resolve(undefined)))
    return code
  }

  test('S4 a token ends on a live socket unless it is renewed, and opens nothing afterwards', async () => {
    const a = await newCrowd(parley, 'A')
    const begun = await visit(parley.url, a.widgetKey)
    const short = { ...begun, token: resigned('visitor', begun.token, 2) }
    const ticket = resigned('ticket', a.guest.credential, 2)
    const guestOf = () => connectSocket({ url: parley.url, audience: 'participant', auth: { ticket } })
    const [left, renewed] = [await connectVisitor(parley.url, short), await connectVisitor(parley.url, short)]
    const guest = await guestOf()
    await renewed.ask('session.renew', { credential: resigned('visitor', begun.token, 3_600) })
    await expect(renewed.ask('session.renew', { credential: a.visit.token })).rejects.toThrow(
      /unauthenticated/,
    )
    await left.next('session.expiring')
    expect([await ended(left), await ended(guest)]).toEqual(['token_expired', 'token_expired'])
    await expect(connectVisitor(parley.url, short)).rejects.toMatchObject({
      failure: { code: 'token_expired' },
    })
    await expect(guestOf()).rejects.toMatchObject({ failure: { code: 'token_expired' } })
    await expect(renewed.ask('session.renew', { credential: short.token })).rejects.toThrow(/token_expired/)
    expect((await renewed.ask('conversation.list', {})).conversations).toEqual([])
    renewed.close()
  })

  test('S4 whoever may no longer is cut off within seconds, also when another node took it away', async () => {
    const a = await newCrowd(parley, 'A')
    const { tenantId } = a.workspace
    const query = (text: string, ...values: unknown[]) => parley.owner.query(text, values)
    const makeMember = async () => {
      const person = await quickMember(parley, a.workspace, 'support_agent')
      const socket = await connectMember(parley.url, person)
      return { ...person, socket }
    }
    const [removed, lowered, suspended] = [await makeMember(), await makeMember(), await makeMember()]
    const [signedOut, elsewhere] = [await makeMember(), await makeMember()]
    const [revoked, narrowed] = [
      await connectKey(parley, a.workspace, allPermissions, 'revoked'),
      await connectKey(parley, a.workspace, allPermissions, 'narrowed'),
    ]
    const began = performance.now()
    const gone = await a.workspace.owner.call('delete', `/api/v1/members/${removed.memberId}`)
    expect(gone.status).toBe(204)
    expect(await ended(removed.socket)).toBe('unauthenticated')
    // What happens on this node takes effect at once; the rounds of five seconds are for the others.
    expect(performance.now() - began).toBeLessThan(3_000)
    await query(`update members set role = 'member' where id = $1`, lowered.memberId)
    await query(`update members set status = 'suspended' where id = $1`, suspended.memberId)
    await query('delete from auth_sessions where user_id = $1', signedOut.userId)
    await query('delete from members where id = $1', elsewhere.memberId)
    await query(
      `update api_keys set revoked_at = now() where tenant_id = $1 and name like 'key revoked%'`,
      tenantId,
    )
    await query(
      `update api_keys set permissions = '{}' where tenant_id = $1 and name like 'key narrowed%'`,
      tenantId,
    )
    const cut = [lowered.socket, suspended.socket, signedOut.socket, elsewhere.socket, revoked, narrowed]
    const changed = new Set([lowered.socket, narrowed])
    expect(await Promise.all(cut.map(ended))).toEqual(
      cut.map(one => (changed.has(one) ? 'permissions_changed' : 'unauthenticated')),
    )
    expect(performance.now() - began).toBeLessThan(9_000)
    for (const person of [removed, elsewhere, suspended])
      await expect(connectMember(parley.url, person)).rejects.toMatchObject({
        failure: { code: 'forbidden' },
      })
    for (const { token } of [signedOut, { token: revoked.credential }])
      await expect(connectMember(parley.url, { token })).rejects.toMatchObject({
        failure: { code: 'unauthenticated' },
      })
    // Nobody else was.
    expect((await a.owner.ask('inbox.subscribe', {})).conversations).toHaveLength(1)
  })

  test('S4 a deleted contact is cut off at once, and nothing that its browser holds makes it anew', async () => {
    const { url } = parley
    const a = await newCrowd(parley, 'A')
    const { tenantId, owner } = a.workspace
    const begin = async () => {
      const visiting = await visit(url, a.widgetKey)
      const socket = await connectVisitor(url, visiting)
      await socket.ask('conversation.open', { clientId: 'first' })
      return { ...visiting, socket, second: await connectVisitor(url, visiting) }
    }
    const [deleted, elsewhere, stays] = [await begin(), await begin(), await begin()]
    const began = performance.now()
    expect((await owner.call('delete', `/api/v1/contacts/${deleted.contactId}`)).status).toBe(204)
    expect([await ended(deleted.socket), await ended(deleted.second)]).toEqual([
      'unauthenticated',
      'unauthenticated',
    ])
    expect(performance.now() - began).toBeLessThan(3_000)
    // As another node does it. Until the next round its connections are still there, and can begin nothing.
    await parley.owner.query(
      `with gone as (delete from contacts where id = $1) insert into former_contacts (tenant_id, id) values ($2, $1)`,
      [elsewhere.contactId, tenantId],
    )
    expect(await elsewhere.socket.answer('conversation.open', { clientId: 'second' })).toMatchObject({
      ok: false,
      error: { code: 'unauthenticated' },
    })
    expect([await ended(elsewhere.socket), await ended(elsewhere.second)]).toEqual([
      'unauthenticated',
      'unauthenticated',
    ])
    expect(performance.now() - began).toBeLessThan(9_000)
    for (const { token, resume, contactId } of [deleted, elsewhere]) {
      await expect(connectVisitor(url, { ...a.visit, token })).rejects.toMatchObject({
        failure: { code: 'unauthenticated' },
      })
      expectProblem(await knock(parley, { widget: a.widgetKey, resume }), 'visitor_gone')
      const { rows } = await parley.owner.query('select 1 from contacts where id = $1', [contactId])
      expect(rows).toEqual([])
    }
    expect((await stays.socket.ask('conversation.list', {})).conversations).toHaveLength(1)
    expect((await visit(url, a.widgetKey, stays.resume)).contactId).toBe(stays.contactId)
    for (const socket of [stays.socket, stays.second]) socket.close()
  })

  test('S4 a suspended workspace is cut off with everybody in it, and nobody comes back', async () => {
    const a = await newCrowd(parley, 'A')
    const b = await newCrowd(parley, 'B')
    const stranger = await quickPerson(parley)
    // Widgets are remembered for a few seconds; this one was never asked for.
    const fresh = await newWidget(a.workspace)
    const admin = await newSomebody(parley, 'admin', { masterAdmin: true })
    const guest = await newGuest(parley, a.workspace, a.conversationId, 'a second guest')
    const answer = await admin.call('patch', `/api/v1/platform/tenants/${a.workspace.tenantId}`, {
      status: 'suspended',
    })
    expect(answer.status).toBe(200)
    const cut = [a.owner, a.key, a.visitor, a.guest, guest]
    expect(await Promise.all(cut.map(ended))).toEqual(cut.map(() => 'tenant_suspended'))
    const code = (expected: string) => ({ failure: { code: expected } })
    const { url } = parley
    await expect(connectMember(url, a.workspace.owner)).rejects.toMatchObject(code('tenant_suspended'))
    await expect(connectMember(url, { token: a.key.credential })).rejects.toMatchObject(
      code('tenant_suspended'),
    )
    await expect(connectMember(url, stranger)).rejects.toMatchObject(code('forbidden'))
    const token = resigned('visitor', a.visit.token, 60, { widgetId: fresh.id })
    await expect(
      connectVisitor(url, { ...a.visit, token, widgetKey: fresh.publicKey }),
    ).rejects.toMatchObject(code('tenant_suspended'))
    const ticket = a.guest.credential
    await expect(connectSocket({ url, audience: 'participant', auth: { ticket } })).rejects.toMatchObject(
      code('tenant_suspended'),
    )
    for (const { person } of b.insiders)
      await person.ask('history.read', { conversationId: b.conversationId, after: 0 })
  })
})
