import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { databaseKinds } from '../support/databases.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import type { Workspace } from '../support/people.ts'
import { expectProblem } from '../support/problems.ts'
import { quickMember, quickWorkspace } from '../support/quickPeople.ts'
import { connectSocket, connectVisitor, newWidget, type TestSocket, visit } from '../support/sockets.ts'
import { uploadTo } from '../support/uploads.ts'
import { resigned } from './matrix/badges.ts'

interface Ticket {
  readonly ticket: string
  readonly guestId: string
}

/** S4: what let a guest in can be taken back. */
describe('S4 tickets of guests', () => {
  let parley: TestParley
  let workspace: Workspace
  let conversationId: string
  beforeAll(async () => {
    parley = await startParley(databaseKinds.at(-1) ?? 'embedded')
    workspace = await quickWorkspace(parley)
    const { url } = parley
    const visitor = await connectVisitor(url, await visit(url, (await newWidget(workspace)).publicKey))
    conversationId = (await visitor.ask('conversation.open', { clientId: 'one' })).conversation.id
    visitor.close()
  })
  afterAll(() => parley.remove())

  const path = () => `/api/v1/conversations/${conversationId}/tickets`
  async function invite(by: Pick<Workspace['owner'], 'call'>, guestId?: string): Promise<Ticket> {
    const { status, body } = await by.call<Ticket>('post', path(), {
      name: 'Guest',
      ...(guestId && { guestId }),
    })
    expect(status, JSON.stringify(body)).toBe(201)
    return body
  }
  const connect = (ticket: string) =>
    connectSocket({ url: parley.url, audience: 'participant', auth: { ticket } })
  const remove = (guestId: string) => workspace.owner.call('delete', `${path()}/${guestId}`)
  const refused = { failure: { code: 'unauthenticated' } }
  const endOf = async (socket: TestSocket) => (await socket.next('closing', () => true, 20_000)).code

  test('S4 a guest who is removed is cut off, and no ticket, renewal or offer of theirs is good any more', async () => {
    const [first, other] = [await invite(workspace.owner), await invite(workspace.owner)]
    const second = await invite(workspace.owner, first.guestId)
    const [guest, bystander] = [await connect(first.ticket), await connect(other.ticket)]
    await guest.ask('conversation.open', { conversationId })
    const { url } = await guest.ask('file.offer', { conversationId, name: 'a.txt' })
    expect((await remove(first.guestId)).status).toBe(204)
    expect(await endOf(guest)).toBe('unauthenticated')
    for (const { ticket } of [first, second]) await expect(connect(ticket)).rejects.toMatchObject(refused)
    expectProblem(await uploadTo(url, 'some notes'), 'unauthenticated')
    // Nobody else was.
    await bystander.ask('conversation.open', { conversationId })
    await expect(bystander.ask('session.renew', { credential: second.ticket })).rejects.toThrow(
      /unauthenticated/,
    )
    // Again changes nothing, and of nobody there is nothing to take back.
    expect((await remove(first.guestId)).status).toBe(204)
    expectProblem(await remove(workspace.tenantId), 'not_found')
    // Who is invited anew is welcome.
    const anew = await connect((await invite(workspace.owner, first.guestId)).ticket)
    await anew.ask('conversation.open', { conversationId })
    for (const socket of [anew, bystander]) socket.close()
  })

  test('S4 a renewal by a ticket that was taken back meanwhile is refused', async () => {
    const mine = await invite(workspace.owner)
    const guest = await connect(mine.ticket)
    const late = await invite(workspace.owner, mine.guestId)
    await parley.owner.query(
      `update join_tickets set revoked_at = now() where guest_id = $1
       and id = (select id from join_tickets where guest_id = $1 order by created_at desc limit 1)`,
      [mine.guestId],
    )
    await expect(guest.ask('session.renew', { credential: late.ticket })).rejects.toThrow(/unauthenticated/)
    await guest.ask('session.renew', { credential: mine.ticket })
    guest.close()
  })

  test('S4 what a member or key gave out ends with them, but for guests whom somebody else invited as well', async () => {
    const member = await quickMember(parley, workspace, 'support_agent')
    const ticket = await invite(member)
    const shared = await invite(member)
    const kept = await invite(workspace.owner, shared.guestId)
    const [guest, both] = [await connect(ticket.ticket), await connect(kept.ticket)]
    const gone = await workspace.owner.call('delete', `/api/v1/members/${member.memberId}`)
    expect(gone.status).toBe(204)
    expect(await endOf(guest)).toBe('unauthenticated')
    for (const one of [ticket, shared]) await expect(connect(one.ticket)).rejects.toMatchObject(refused)
    await both.ask('conversation.open', { conversationId })
    expect(both.received('closing')).toEqual([])
    both.close()
  })

  test('S4 a ticket of an earlier version, which is in no table, is good until it expires', async () => {
    const { ticket } = await invite(workspace.owner)
    const { ticketId, ...before } = JSON.parse(
      Buffer.from(ticket.split('.')[0] ?? '', 'base64url').toString(),
    )[1] as Record<string, string>
    expect(ticketId).toBeDefined()
    await parley.owner.query('delete from join_tickets where id = $1', [ticketId])
    await expect(connect(ticket)).rejects.toMatchObject(refused)
    expect(Object.keys(before)).toHaveLength(4)
    const guest = await connect(resigned('ticket', ticket, 60, { ticketId: undefined as never }))
    await guest.ask('conversation.open', { conversationId })
    guest.close()
  })
})
