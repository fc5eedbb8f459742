import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { newId } from '../../src/kernel/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { type Colleague, type Desk, newDesk } from '../support/deskWorld.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import { text } from '../support/sockets.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

interface AuditEntry {
  readonly actorKind: string
  readonly actorId: string | null
  readonly userId: string | null
  readonly oldValues: Record<string, unknown> | null
  readonly newValues: Record<string, unknown> | null
}

describe.each(databaseKinds)('H2: who has a conversation, on %s', kind => {
  let parley: TestParley
  let desk: Desk
  beforeAll(async () => {
    parley = await startParley(kind, { COMMANDS_PER_SECOND: '1000' })
    desk = await newDesk(parley)
  })
  afterAll(async () => {
    desk?.close()
    await parley?.remove()
  })

  const fenced = (conversationId: string, epoch: number) => ({ conversationId, epoch, clientId: newId() })
  const moves = async (conversationId: string): Promise<AuditEntry[]> => {
    const path = `/api/v1/audit?action=conversation.moved&resourceId=${conversationId}`
    return (await desk.workspace.owner.call<{ items: AuditEntry[] }>('get', path)).body.items.reverse()
  }
  const leave = async (way: string, { memberId }: Colleague) => {
    const path = `/api/v1/members/${memberId}`
    const patch = way === 'suspended' ? { status: 'suspended' } : { role: 'member' }
    const { status } =
      way === 'removed'
        ? await desk.workspace.owner.call('delete', path)
        : await desk.workspace.owner.call('patch', path, patch)
    expect(status).toBe(way === 'removed' ? 204 : 200)
  }

  test('T5: each move is in the audit log, in the name of whoever made it, with who had it before and after', async () => {
    const { conversationId, contactId, escalate } = await desk.talk()
    const member = await desk.colleague()
    const epoch = await escalate()
    await member.ask('conversation.claim', fenced(conversationId, epoch))
    await member.ask('conversation.resolve', fenced(conversationId, epoch + 1))
    const [called, claimed, resolved, ...others] = await moves(conversationId)
    expect(others).toEqual([])
    expect(called).toMatchObject({
      ...{ actorKind: 'visitor', actorId: contactId },
      oldValues: { owner: 'ai', status: 'active', epoch: 0 },
      newValues: { owner: 'queue', status: 'waiting', epoch: 1 },
    })
    expect(claimed).toMatchObject({
      ...{ actorKind: 'member', actorId: member.memberId, userId: member.person.userId },
      oldValues: { owner: 'queue', assignedMemberId: null },
      newValues: { owner: 'member', assignedMemberId: member.memberId },
    })
    expect(resolved).toMatchObject({
      oldValues: { owner: 'member', assignedMemberId: member.memberId, status: 'active' },
      newValues: { owner: 'ai', assignedMemberId: null, status: 'resolved' },
    })
  })

  test.each(['removed', 'suspended', 'demoted'])(
    'H2: what a member has who is %s waits for another one',
    async way => {
      const [leaving, staying] = [await desk.colleague(), await desk.colleague()]
      const talks = [await desk.talk(), await desk.talk(), await desk.talk()] as const
      const [open, archived, others] = talks
      for (const { conversationId } of [open, archived])
        await leaving.ask('conversation.claim', fenced(conversationId, 0))
      await staying.ask('conversation.claim', fenced(others.conversationId, 0))
      await staying.ask('conversation.update', { conversationId: archived.conversationId, archived: true })
      const kept = await desk.row(others.conversationId)
      await leave(way, leaving)

      const { conversationId, visitor } = open
      expect(await desk.row(conversationId)).toMatchObject({
        ...{ owner: 'queue', assignedMemberId: null, status: 'waiting', epoch: 2, seq: 3 },
      })
      expect(await visitor.next('owner', ({ epoch }) => epoch === 2)).toMatchObject({ owner: 'queue' })
      const came = await visitor.next('entries', ({ head }) => head === 3)
      expect(came.entries.at(-1)).toMatchObject({
        ...{ type: 'system_event', sender: { kind: 'member', id: leaving.memberId } },
        parts: [{ type: 'event', name: 'left' }],
      })
      expect(await desk.escalationsOf(conversationId)).toMatchObject([
        { status: 'pending', assignedMemberId: null, epoch: 2 },
      ])
      expect((await moves(conversationId)).at(-1)).toMatchObject({
        ...{ actorKind: 'member', userId: desk.workspace.owner.userId },
        oldValues: { owner: 'member', assignedMemberId: leaving.memberId },
        newValues: { owner: 'queue', assignedMemberId: null },
      })
      expect(await desk.row(archived.conversationId)).toMatchObject({ owner: 'queue', status: 'archived' })
      expect(await desk.row(others.conversationId)).toEqual(kept)
      await staying.ask('conversation.claim', fenced(conversationId, 2))
      await staying.ask('conversation.update', { conversationId: archived.conversationId, archived: false })
      await staying.ask('conversation.claim', fenced(archived.conversationId, 2))
    },
  )

  test.each(['removed', 'suspended'])(
    'L7: who claims while being %s has nothing in the end, and nothing is nobody’s',
    async way => {
      const leaving = await desk.colleague()
      const talks = await Promise.all(Array.from({ length: 6 }, () => desk.talk()))
      const ids = talks.map(({ conversationId }) => conversationId)
      const [first, ...rest] = ids
      await leaving.ask('conversation.claim', fenced(first ?? '', 0))
      const cutOff = new Promise(resolve => leaving.socket.once('disconnect', resolve))
      const going = leave(way, leaving)
      const said = talks.map(({ visitor, conversationId }) =>
        visitor.ask('message.send', { conversationId, clientId: 'on', parts: text('Hello?') }),
      )
      const claims = rest.map(id =>
        leaving.answer('conversation.claim', fenced(id, 0)).catch(() => undefined),
      )
      await Promise.all([going, ...said, Promise.race([cutOff, Promise.all(claims)])])
      // The log takes one commit after the other: with this one, all that was claimed before is decided.
      await (await desk.talk()).escalate()
      const { rows } = await parley.owner.query(
        `select owner, count(*)::int from conversations where id = any($1) and
           (assigned_member_id = $2 or owner = 'member' and assigned_member_id is null) group by owner`,
        [ids, leaving.memberId],
      )
      expect(rows).toEqual([])
      for (const id of ids) expect(['ai', 'queue']).toContain((await desk.row(id)).owner)
      expect(await desk.row(first ?? '')).toMatchObject({ owner: 'queue', epoch: 2 })
    },
  )
})
