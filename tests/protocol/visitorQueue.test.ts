import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { newId } from '../../src/kernel/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { type Desk, newDesk, type Talk } from '../support/deskWorld.ts'
import { eventually } from '../support/eventually.ts'
import { startParley, type TestParley } from '../support/parley.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

describe.each(databaseKinds)('V6: who waits knows how long, on %s', kind => {
  let parley: TestParley
  let desk: Desk
  beforeAll(async () => {
    parley = await startParley(kind, { COMMANDS_PER_SECOND: '1000' })
  })
  beforeEach(async () => {
    desk?.close()
    desk = await newDesk(parley)
  })
  afterAll(async () => {
    desk?.close()
    await parley?.remove()
  })

  const standing = ({ visitor, conversationId }: Talk) => visitor.ask('queue.read', { conversationId })
  /** Of calls that were answered: how long each waited, and how long ago it was taken. */
  async function waited(conversationId: string, seconds: readonly number[], ago = '1 hour') {
    for (const wait of seconds)
      await parley.owner.query(
        `insert into escalations (tenant_id, id, conversation_id, epoch, reason, status, brief, waits_since, assigned_at)
         values ($1, $2, $3, 1, 'rule', 'resolved', '{"summary": "", "asked": "", "tried": [], "contact": {}}',
           now() - $4::interval - make_interval(secs => $5), now() - $4::interval)`,
        [desk.workspace.tenantId, newId(), conversationId, ago, wait],
      )
  }

  test('V6: the place in the queue is by urgency, then by who came first', async () => {
    const [first, second, third] = [await desk.talk(), await desk.talk(), await desk.talk()]
    expect(await standing(first)).toMatchObject({ position: null })
    for (const talk of [first, second, third]) await talk.escalate()
    // Who has just been called in is there, however lately others were looked for.
    expect((await standing(second)).position).toBe(2)
    expect((await standing(third)).position).toBe(3)
    expect((await standing(first)).position).toBe(1)
    const member = await desk.colleague()
    const urgent = await desk.talk()
    await urgent.escalate()
    await member.ask('conversation.update', { conversationId: urgent.conversationId, priority: 50 })
    expect((await standing(urgent)).position).toBe(1)
    await eventually('the answer of before is not remembered any more', async () => {
      const positions = await Promise.all(
        [first, second, third].map(async talk => (await standing(talk)).position),
      )
      return JSON.stringify(positions) === '[2,3,4]'
    })
    const fenced = { conversationId: first.conversationId, epoch: 1, clientId: newId() }
    await member.ask('conversation.claim', fenced)
    expect((await standing(first)).position).toBeNull()
    await parley.owner.query(`update conversations set status = 'archived' where id = $1`, [
      urgent.conversationId,
    ])
    await eventually('who is taken or archived waits no more', async () => {
      const positions = await Promise.all(
        [first, second, third].map(async talk => (await standing(talk)).position),
      )
      return JSON.stringify(positions) === '[null,1,2]'
    })
  })

  test('V6: one look at the queue serves all who ask within a moment', async () => {
    const [first, second] = [await desk.talk(), await desk.talk()]
    for (const talk of [first, second]) await talk.escalate()
    const both = async () => [(await standing(first)).position, (await standing(second)).position]
    expect(await both()).toEqual([1, 2])
    await parley.owner.query('update conversations set priority = 50 where id = $1', [second.conversationId])
    expect(await both()).toEqual([1, 2])
    await eventually('it is looked at again', async () => String(await both()) === '2,1')
  })

  test('V6: what a person did before a conversation was handed to the queue is no wait', async () => {
    const talk = await desk.talk()
    const other = await desk.talk()
    await waited(other.conversationId, [0, 0, 9_000, 9_000])
    const epoch = await talk.escalate()
    const { conversationId } = talk
    const [one, another] = [await desk.colleague(), await desk.colleague()]
    const fenced = (add: number) => ({ conversationId, clientId: newId(), epoch: epoch + add })
    await one.ask('conversation.claim', fenced(0))
    await parley.owner.query(
      `update escalations set created_at = created_at - interval '1 hour', waits_since = waits_since - interval '1 hour'
       where conversation_id = $1`,
      [conversationId],
    )
    await one.ask('conversation.handBack', { ...fenced(1), to: 'queue' })
    await another.ask('conversation.claim', fenced(2))
    expect((await standing(other)).expectedSeconds).toBeLessThan(60)
  })

  test('V6: who stepped in uncalled has kept nobody waiting, and no wait is negative', async () => {
    const talk = await desk.talk()
    const other = await desk.talk()
    await waited(other.conversationId, [-50, -50, -50, -50])
    const member = await desk.colleague()
    const fenced = { conversationId: talk.conversationId, clientId: newId(), epoch: 0 }
    await member.ask('conversation.claim', fenced)
    expect((await standing(other)).expectedSeconds).toBeNull()
    await waited(other.conversationId, [-50])
    await eventually('it is looked at again', async () => (await standing(other)).expectedSeconds === 0)
  })

  test('V6: the wait is the median of the last ones that were answered, and unknown while they are few', async () => {
    const other = await desk.talk()
    const talk = await desk.talk()
    await waited(other.conversationId, [10, 20, 30, 40])
    // Too long ago to count.
    await waited(other.conversationId, [9_000, 9_000], '8 days')
    expect((await standing(talk)).expectedSeconds).toBeNull()
    await waited(other.conversationId, [600])
    const expected = (seconds: number) =>
      eventually('it is looked at again', async () => (await standing(talk)).expectedSeconds === seconds)
    await expected(30)
    // Of more than fifty the last.
    await waited(other.conversationId, Array(60).fill(900), '2 hours')
    await waited(other.conversationId, Array(50).fill(100), '1 minute')
    await expected(100)
  })

  test('V6: whether anybody is there', async () => {
    expect(await standing(await desk.talk())).toEqual({
      position: null,
      expectedSeconds: null,
      staffed: false,
    })
    const member = await desk.colleague()
    await eventually('somebody is there', async () => (await standing(await desk.talk())).staffed)
    member.close()
  })
})
