import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  type ConversationLog,
  type LockedConversation,
  moveConversation,
  sendMessage,
} from '../../src/chat/index.ts'
import { createConversationLog } from '../../src/chat/log.ts'
import { deleteMessage, editMessage } from '../../src/chat/sendMessage.ts'
import type { Database, Transaction } from '../../src/db/index.ts'
import {
  type ConversationMoved,
  createLog,
  createMetrics,
  newId,
  noOrigin,
  ParleyError,
  type Scope,
} from '../../src/kernel/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { type OpenDatabase, openDatabase } from '../support/isolation.ts'

const nothing = () => undefined

/** What arrives in one turn of the event loop is one commit, in that order. */
describe.each(databaseKinds)('L3 L7: moves and messages in one commit, on %s', kind => {
  const tenantId = newId()
  const [memberId, contactId, agentId] = [newId(), newId(), newId()]
  let database: OpenDatabase
  let log: ConversationLog
  let groups: number[] = []
  let moves: ConversationMoved[] = []
  let conversationId = ''
  let asked = 0
  const metrics = createMetrics()

  const scope = (actor: Scope['actor']): Scope => ({
    ...{ tenantId, actor, permissions: new Set(), origin: noOrigin },
  })
  const member = scope({ kind: 'member', memberId, userId: newId(), role: 'admin', sessionId: newId() })
  const visitor = scope({ kind: 'visitor', contactId, widgetId: newId() })

  beforeAll(async () => {
    database = await openDatabase(kind)
    const journal = createLog({ level: 'fatal' })
    Object.assign(metrics.groupSize, { observe: (size: number) => void groups.push(size) })
    log = createConversationLog({ db: counting(database.db), log: journal, metrics })
    database.db.after((_scope, event) => {
      if (event.type === 'conversation.moved') moves.push(event)
    })
    const userId = newId()
    const insert = (text: string, values: unknown[]) => database.owner.query(text, values)
    await insert('insert into tenants (id, name, slug) values ($1, $2, $2)', [tenantId, 'moves'])
    await insert('insert into users (id, email, name) values ($1, $2, $2)', [userId, 'ada@moves.example'])
    await insert('insert into members (tenant_id, id, user_id, role) values ($1, $2, $3, $4)', [
      ...[tenantId, memberId, userId, 'admin'],
    ])
    await insert('insert into contacts (tenant_id, id) values ($1, $2)', [tenantId, contactId])
    await insert('insert into agents (tenant_id, id, name) values ($1, $2, $3)', [tenantId, agentId, 'A'])
  })
  async function begin(answering: string | null) {
    conversationId = newId()
    await database.owner.query(
      'insert into conversations (tenant_id, id, contact_id, agent_id) values ($1, $2, $3, $4)',
      [tenantId, conversationId, contactId, answering],
    )
  }
  beforeEach(async () => {
    await begin(agentId)
    groups = []
    moves = []
    asked = 0
  })
  afterAll(() => database?.drop())

  /** Counts the statements of the log that are not prepared, which are those that it asks now and then. */
  const counting = (db: Database): Database => ({
    ...db,
    scoped: (by, work) =>
      db.scoped(by, tx => {
        const execute: Transaction['sql']['execute'] = statement => {
          asked++
          return tx.sql.execute(statement)
        }
        return work({ ...tx, sql: Object.assign(Object.create(tx.sql), { execute }) })
      }),
  })

  const at = (epoch: number) => (conversation: LockedConversation) => {
    if (conversation.epoch !== epoch) throw new ParleyError('conflict', 'Moved on.')
  }
  const say = (by: Scope, fence: (conversation: LockedConversation) => void = nothing, clientId = newId()) =>
    sendMessage({ log }, by, {
      ...{ conversationId, clientId, parts: [{ type: 'text', text: 'Hello' }], fence },
    })
  const claim = (epoch: number, clientId = newId()) =>
    moveConversation(log, member, {
      ...{ conversationId, clientId, guard: at(epoch) },
      happening: { name: 'claimed', text: 'Claimed.' },
      ownership: { owner: 'member', assignedMemberId: memberId, status: 'active' },
    })
  const resolve = (clientId = newId()) =>
    moveConversation(log, member, {
      ...{ conversationId, clientId, guard: nothing, answers: 'all' },
      happening: { name: 'resolved', text: 'Resolved.' },
      ownership: { owner: 'ai', assignedMemberId: null, status: 'resolved' },
    })
  const outcomesOf = async (work: Promise<unknown>[]) =>
    (await Promise.allSettled(work)).map(one => (one.status === 'fulfilled' ? 'stored' : one.reason.code))
  const state = async () => {
    const { rows } = await database.owner.query(
      `select owner, status, epoch, resolved_at is not null as resolved, seq::int, answered_seq::int < asked_seq as due
       from conversations where id = $1`,
      [conversationId],
    )
    return rows[0]
  }

  test('L7: what comes after a claim with the epoch before it is refused, what came before it is stored', async () => {
    const work = [
      say(member, at(0)),
      say(visitor),
      claim(0),
      say(member, at(0)),
      claim(0),
      say(member, at(1)),
    ]
    expect(await outcomesOf(work)).toEqual(['stored', 'stored', 'stored', 'conflict', 'conflict', 'stored'])
    expect(groups).toEqual([work.length])
    expect(await state()).toMatchObject({ owner: 'member', epoch: 1, seq: 4 })
    expect(moves).toMatchObject([{ epoch: 1, before: { owner: 'ai', assignedMemberId: null } }])
  })

  test('L2: one claim sent twice at once is one', async () => {
    expect(await outcomesOf([claim(0, 'once'), claim(0, 'once')])).toEqual(['stored', 'stored'])
    expect(await outcomesOf([claim(0, 'once')])).toEqual(['stored'])
    expect(groups).toEqual([2, 1])
    expect(moves).toHaveLength(1)
    expect(await state()).toMatchObject({ epoch: 1, seq: 1 })
  })

  test('L7: several moves in one commit count one by one', async () => {
    await outcomesOf([claim(0), resolve(), claim(2)])
    expect(groups).toEqual([3])
    expect(moves.map(({ epoch, owner, before }) => [epoch, before.owner, owner])).toEqual([
      ...[[1, 'ai', 'member'] as const, [2, 'member', 'ai'] as const, [3, 'ai', 'member'] as const],
    ])
    expect(await state()).toMatchObject({ owner: 'member', status: 'active', epoch: 3, resolved: false })
  })

  test('L8: what was asked before it was resolved is answered, what was asked after it opens the conversation again', async () => {
    await outcomesOf([say(visitor), resolve()])
    expect(await state()).toMatchObject({ status: 'resolved', resolved: true, due: false })
    await outcomesOf([say(visitor), resolve('again'), say(visitor)])
    expect(await state()).toMatchObject({ status: 'active', resolved: false, due: true })
    await outcomesOf([resolve(), say(member)])
    expect(await state()).toMatchObject({ status: 'resolved', resolved: true, due: false })
    expect(groups).toEqual([2, 3, 2])
  })

  test('L8 L2: where there is no agent, what a visitor asks waits for people in the same commit, and a repeat calls nobody again', async () => {
    await begin(null)
    const first = newId()
    expect(await outcomesOf([say(visitor, nothing, first), say(visitor), claim(1)])).toEqual([
      ...['stored', 'stored', 'stored'],
    ])
    expect(moves).toMatchObject([
      {
        ...{ epoch: 1, owner: 'queue', status: 'waiting', before: { owner: 'ai' } },
        ...{ by: { kind: 'contact', id: contactId } },
        handOver: { reason: 'no_agent', brief: { asked: 'Hello', summary: 'visitor: Hello', tried: [] } },
      },
      { epoch: 2, owner: 'member' },
    ])
    // Given up and asked again in one commit, with a repeat between: the repeat moves nothing, the question does.
    await outcomesOf([resolve(), say(visitor, nothing, first)])
    expect(await state()).toMatchObject({ owner: 'ai', status: 'resolved', epoch: 3, seq: 4 })
    await outcomesOf([say(visitor, nothing, first)])
    expect(await state()).toMatchObject({ owner: 'ai', status: 'resolved', epoch: 3, seq: 4 })
    await outcomesOf([say(member)])
    expect(await state()).toMatchObject({ owner: 'ai', epoch: 3 })
    await outcomesOf([say(visitor)])
    expect(await state()).toMatchObject({ owner: 'queue', status: 'waiting', epoch: 4, resolved: false })
  })

  test('L2 L7 L8: what is sent again answers nothing again: the answer of what was asked since is stored', async () => {
    const sender = { kind: 'contact', id: contactId } as const
    const reply = () => say(member, nothing, 'reply')
    await outcomesOf([say(visitor), reply()])
    const question = await say(visitor)
    groups = []
    const seen: number[] = []
    const answer = () =>
      log.append(tenantId, {
        ...{ conversationId, clientId: `answer:${question.seq}`, sender, role: 'assistant', type: 'text' },
        ...{ parts: [], text: 'Answer', parentId: null, public: true, answers: question.seq },
        guard: ({ answeredSeq }) => void seen.push(answeredSeq),
      })
    expect(await outcomesOf([reply(), answer()])).toEqual(['stored', 'stored'])
    expect(groups).toEqual([2])
    expect(seen).toEqual([2])
    expect(await state()).toMatchObject({ seq: 4, due: false })
  })

  test('L3: nothing is looked up before where each speaks in a conversation of its own, or to nobody who waits', async () => {
    const words = () => [say(member, nothing, 'once'), say(member)]
    await outcomesOf([say(visitor), ...words()])
    await outcomesOf([say(visitor, nothing, 'twice')])
    expect(asked).toBe(0)
    await outcomesOf([say(visitor, nothing, 'twice'), ...words()])
    expect(asked).toBe(1)
  })

  test('L2: what was asked before it was resolved, sent again with others, opens nothing', async () => {
    const asked = () => say(visitor, nothing, 'asked')
    const statuses: string[] = []
    const seeing = () => say(member, ({ status }) => void statuses.push(status))
    await outcomesOf([asked()])
    await outcomesOf([resolve(), asked(), seeing()])
    await outcomesOf([asked(), seeing(), say(visitor), seeing()])
    expect(statuses).toEqual(['resolved', 'resolved', 'active'])
  })

  test('L2: a deletion that was sent before takes nothing else back, whatever it names now', async () => {
    const [first, second] = [await say(visitor), await say(visitor)]
    const change = { conversationId, messageId: second.id }
    const edit = (clientId: string, words: string) =>
      editMessage({ log }, visitor, { ...change, clientId, parts: [{ type: 'text', text: words }] })
    const remove = (messageId: string) =>
      deleteMessage({ log }, visitor, { conversationId, messageId, clientId: 'gone' })
    await remove(first.id)
    const work = [edit('before', 'kept'), remove(second.id), edit('after', 'kept too')]
    expect(await outcomesOf(work)).toEqual(['stored', 'stored', 'stored'])
    const { rows } = await database.owner.query(
      `select text from messages where conversation_id = $1 and type = 'edit' order by seq`,
      [conversationId],
    )
    expect(rows).toEqual([{ text: 'kept' }, { text: 'kept too' }])
  })

  test('what could not be committed is measured as well', async () => {
    const counted = async (result: string) => {
      const text = await metrics.registry.getSingleMetricAsString('parley_log_commit_seconds')
      return Number(new RegExp(`_count\\{result="${result}"\\} (\\d+)`).exec(text)?.[1] ?? 0)
    }
    const before = { ok: await counted('ok'), failed: await counted('failed') }
    const parts = [{ type: 'text' as const, text: 'no \u0000' }]
    const unstorable = sendMessage({ log }, visitor, { conversationId, clientId: newId(), parts })
    expect(await outcomesOf([unstorable])).toEqual(['invalid_request'])
    expect(await outcomesOf([say(visitor)])).toEqual(['stored'])
    expect(await counted('failed')).toBe(before.failed + 1)
    expect(await counted('ok')).toBe(before.ok + 1)
  })

  test('L7: nobody is given a conversation who is no active member, or is about to be none', async () => {
    const client = await database.owner.connect()
    const standing = (status: string) =>
      client.query('update members set status = $2 where id = $1', [memberId, status])
    try {
      await client.query('begin')
      await standing('suspended')
      const outcomes = outcomesOf([say(visitor), claim(0)])
      // Long enough for the claim to find the member locked.
      await new Promise(resolve => setTimeout(resolve, 200))
      await client.query('commit')
      expect(await outcomes).toEqual(['stored', 'conflict'])
      expect(await outcomesOf([claim(0)])).toEqual(['conflict'])
      expect(await state()).toMatchObject({ owner: 'ai', epoch: 0, seq: 1 })
    } finally {
      await standing('active')
      client.release()
    }
  })
})
