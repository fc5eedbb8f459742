import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { newId } from '../../src/kernel/index.ts'
import type { Asker } from '../support/answerWorld.ts'
import { databaseKinds } from '../support/databases.ts'
import { eventually } from '../support/eventually.ts'
import {
  answersOf,
  cheapModel,
  endedRuns,
  escalationsOf,
  inQueue,
  type ModelWorld,
  openModelWorld,
  overtaken,
  toldIn,
} from '../support/modelWorld.ts'
import type { Body, Script } from '../support/services/scriptedModel.ts'
import { connectMember, text } from '../support/sockets.ts'
import { placesOf } from '../support/wordsKept.ts'

vi.setConfig({ testTimeout: 90_000, hookTimeout: 120_000 })

/** What an agent asked of its tools was done, whoever changes their mind about the words that led to it: the log keeps it for members. */
const deeds = ['messages.parts']

/** Whatever is made of what somebody said, they can take it back like the message itself. */
describe.each(databaseKinds)('S5 9.6: words that are taken back, on %s', kind => {
  let world: ModelWorld
  let widgetKey: string
  /** In everything that the model says of it. */
  let secret: string

  beforeAll(async () => {
    world = await openModelWorld(kind)
    const tools = ['knowledge_search', 'hand_over', 'remember']
    widgetKey = (await world.newAgent({ tools })).widgetKey
  })
  beforeEach(() => {
    world.model.reset()
    secret = `zyx${randomBytes(6).toString('hex')}`
  })
  afterAll(() => world?.remove())

  const kept = () => placesOf(world.parley.owner, secret)
  const remove = (asker: Asker, messageId: string) =>
    asker.ask('message.delete', { conversationId: asker.conversationId, clientId: newId(), messageId })
  const edit = (asker: Asker, messageId: string, words: string) =>
    asker.ask('message.edit', {
      ...{ conversationId: asker.conversationId, clientId: newId(), messageId },
      parts: text(words),
    })
  const summary = async (conversationId: string) => {
    const { rows } = await world.parley.owner.query<{ summary: string }>(
      'select summary from conversation_memory where conversation_id = $1',
      [conversationId],
    )
    return rows[0]?.summary
  }
  const isSummary = ({ messages }: Body) => String(messages?.[0]?.content).startsWith('Summarise')
  const call = (name: string, values: object) => ({ name, arguments: JSON.stringify(values) })

  /** A model that repeats what it is told not to keep, to everybody who listens. */
  const indiscreet = (...scripts: Script[]) =>
    world.model.always('chat', ({ body }) => {
      if (body.model === cheapModel) return { text: `Something about ${secret}?` }
      return scripts.shift() ?? { text: 'I see.' }
    })

  async function tellAndCallPeople(): Promise<{ asker: Asker; messageId: string }> {
    indiscreet(
      {
        toolCalls: [
          call('knowledge_search', { question: `What is ${secret}?` }),
          call('remember', { key: 'account', value: secret }),
        ],
      },
      { text: 'I have noted that.' },
      { toolCalls: [call('hand_over', { reason: `They have ${secret}.` })] },
    )
    const asker = await world.askerOf(widgetKey)
    const { id: messageId } = await asker.say(`My number is ${secret}.`)
    await asker.answered()
    await asker.say('Please do something about it.')
    await inQueue(asker)
    await endedRuns(world, asker.conversationId)
    return { asker, messageId }
  }

  const everywhere = [
    ...['escalations.brief', 'escalations.detail', 'memories.search', 'memories.value'],
    ...[
      'messages.parts',
      'messages.text',
      'query_refinements.original_query',
      'query_refinements.refined_query',
    ],
    ...['reasoning_steps.reasoning', 'reasoning_steps.result', 'retrievals.query'],
  ]

  test('a deleted message is nowhere any more: no brief, memory or record of a search has its words', async () => {
    const { asker, messageId } = await tellAndCallPeople()
    expect(await kept()).toEqual(everywhere)
    const [open] = await escalationsOf(world, asker.conversationId)
    expect(open?.brief.summary).toContain(secret)

    await remove(asker, messageId)
    expect(await kept()).toEqual(deeds)
    const { rows } = await world.parley.owner.query(
      `select type from messages where conversation_id = $1 and parts::text like $2`,
      [asker.conversationId, `%${secret}%`],
    )
    expect(new Set(rows.map(({ type }) => type))).toEqual(new Set(['tool']))
    // Whoever answers it has the brief as the log is now.
    const [now] = await escalationsOf(world, asker.conversationId)
    expect(now).toMatchObject({ id: open?.id, status: 'pending', reason: 'asked_for_person', detail: '' })
    expect(now?.brief).toMatchObject({
      asked: 'Please do something about it.',
      summary: 'agent: I have noted that.\nvisitor: Please do something about it.',
    })
    // That it was searched, and how well, is counted as before.
    const { rows: searches } = await world.parley.owner.query(
      `select query, judgement from retrievals where conversation_id = $1`,
      [asker.conversationId],
    )
    expect(searches.length).toBeGreaterThan(2)
    expect(searches.every(({ query, judgement }) => query === '' && judgement !== '')).toBe(true)
    asker.close()
  })

  test('an edited message lives on in the log alone; everything else may have the new words', async () => {
    const { asker, messageId } = await tellAndCallPeople()
    expect(await kept()).toEqual(everywhere)
    await edit(asker, messageId, 'I have a number.')
    // The first version of an edited message stays in the log (rule 9.1).
    expect(await kept()).toEqual(['messages.parts', 'messages.text'])
    const [now] = await escalationsOf(world, asker.conversationId)
    expect(now?.brief.summary).toMatch(/^visitor: I have a number\.\nagent: /)
    asker.close()
  })

  test('a hand-over that is over has no brief of it; what was said after it stays', async () => {
    const { asker, messageId } = await tellAndCallPeople()
    const { conversationId } = asker
    const member = await connectMember(world.parley.url, world.workspace.owner)
    await member.ask('conversation.open', { conversationId })
    const { epoch } = asker.owners.at(-1) ?? { epoch: 0 }
    await member.ask('conversation.claim', { conversationId, clientId: newId(), epoch })
    await member.ask('conversation.handBack', { conversationId, clientId: newId(), epoch: epoch + 1 })
    await remove(asker, messageId)
    expect(await kept()).toEqual(deeds)
    const [now] = await escalationsOf(world, conversationId)
    expect(now).toMatchObject({ status: 'returned', brief: { summary: '', asked: '', tried: [] } })
    for (const one of [asker, member]) one.close()
  })

  test('what was made before it was said is left alone, and so is what an agent answers anew', async () => {
    const asker = await world.askerOf(widgetKey)
    indiscreet()
    await asker.say(`Do you know ${secret}?`)
    await asker.answered(1)
    await asker.ask('run.regenerate', { conversationId: asker.conversationId })
    await eventually('another answer', () => asker.entries.some(({ type }) => type === 'edit'))
    const later = await asker.say('And who makes the oil?')
    await asker.answered(2)
    await endedRuns(world, asker.conversationId)
    await remove(asker, later.id)
    const { rows } = await world.parley.owner.query<{ query: string; answers: number }>(
      `select r.query, a.answers_seq as answers from retrievals r join agent_runs a on a.id = r.run_id
       where r.conversation_id = $1`,
      [asker.conversationId],
    )
    const early = rows.filter(({ answers }) => answers < later.seq)
    expect(early.length).toBeGreaterThan(1)
    expect(early.every(({ query }) => query.includes(secret))).toBe(true)
    const late = rows.filter(({ answers }) => answers >= later.seq)
    expect(late.length).toBeGreaterThan(0)
    expect(late.every(({ query }) => query === '')).toBe(true)
    asker.close()
  })

  /** Says so much that its beginning is summed up; returns what was said first. */
  async function talkAtLength(asker: Asker, summaries: () => Script): Promise<string> {
    const long = 'Oak is a fine wood that wants to be oiled. '.repeat(110)
    world.model.always('chat', ({ body }) => {
      // One that begins later is not told it, and cannot tell it.
      if (isSummary(body)) return JSON.stringify(body).includes(secret) ? summaries() : { text: 'Of oak.' }
      return { text: body.model === cheapModel ? 'What is oak?' : long }
    })
    const { id } = await asker.say(`My number is ${secret}. What is oak?`)
    await asker.answered(1)
    for (let count = 2; count <= 7; count++) {
      await asker.say(`And ${count}?`)
      await asker.answered(count)
    }
    return id
  }

  test('K6: a summary that tells it goes, and the next answer knows neither', async () => {
    const asker = await world.newAsker()
    const messageId = await talkAtLength(asker, () => ({ text: `Their number is ${secret}.` }))
    await eventually('a summary', async () => (await summary(asker.conversationId)) !== undefined)
    expect(await kept()).toContain('conversation_memory.summary')
    await remove(asker, messageId)
    expect(await kept()).toEqual([])
    world.model.reset()
    world.answersWith({ text: 'I do not know it.' })
    await asker.say('What is my number?')
    await asker.answered(8)
    expect(world.answering()).toHaveLength(1)
    expect(JSON.stringify(world.model.requests)).not.toContain(secret)
    asker.close()
  })

  test('K6: a summary that is being written when it is taken back is not kept', async () => {
    const asker = await world.newAsker()
    let writing = false
    const messageId = await talkAtLength(asker, () => {
      writing = true
      return { text: `Their number is ${secret}.`, firstAfterMs: 1_500 }
    })
    await eventually('a summary on its way', () => writing)
    await remove(asker, messageId)
    const asked = () => world.model.requests.filter(({ body }) => isSummary(body))
    await eventually('the end of it', () => asked().every(({ endedAt }) => endedAt !== undefined))
    await new Promise(resolve => setTimeout(resolve, 500))
    expect(asked().some(({ aborted }) => aborted)).toBe(false)
    expect([undefined, 'Of oak.']).toContain(await summary(asker.conversationId))
    expect(await kept()).toEqual([])
    asker.close()
  })

  test('L8: what is taken back while it is answered is not answered', async () => {
    world.answersWith({ text: 'word '.repeat(400), rate: 20 })
    const asker = await world.askerOf(widgetKey)
    const { id } = await asker.say(`My number is ${secret}.`)
    await eventually('it is being written', () => asker.deltas.length > 0)
    await remove(asker, id)
    await eventually('the end', () => asker.runs.at(-1)?.state === 'superseded')
    await eventually('its bill', async () => (await endedRuns(world, asker.conversationId)).some(overtaken))
    await eventually('nothing is due', async () => {
      const { rows } = await world.parley.owner.query(
        'select asked_seq = answered_seq as done from conversations where id = $1',
        [asker.conversationId],
      )
      return rows[0]?.done === true
    })
    expect(answersOf(asker)).toEqual([])
    expect(asker.owners).toEqual([])
    expect(await kept()).toEqual([])
    asker.close()
  })

  test('L8: on the node where it is taken back, no answer to it is stored afterwards', async () => {
    // Over before the lease is renewed, by which other nodes hear of it.
    world.model.always('chat', ({ body }) =>
      body.model === cheapModel ? { text: 'What?' } : { text: 'word '.repeat(8), rate: 20 },
    )
    const askers = await Promise.all(Array.from({ length: 5 }, () => world.askerOf(widgetKey)))
    await Promise.all(
      askers.map(async asker => {
        const { id } = await asker.say(`My number is ${secret}.`)
        await eventually('it is being written', () => asker.deltas.length > 0)
        await remove(asker, id)
        await eventually('the end', () => ['done', 'superseded'].includes(asker.runs.at(-1)?.state ?? ''))
        asker.close()
      }),
    )
    const { rows: late } = await world.parley.owner.query(
      `select m.text from messages m join messages d on d.conversation_id = m.conversation_id and d.type = 'delete'
       where m.conversation_id = any($1) and m.sender_kind = 'agent' and m.seq > d.seq`,
      [askers.map(({ conversationId }) => conversationId)],
    )
    expect(late).toEqual([])
  })

  test('L8: what is edited while it is answered is answered as it stands then', async () => {
    world.answersWith({ text: 'word '.repeat(400), rate: 20 }, { text: 'That one.' })
    const asker = await world.askerOf(widgetKey)
    const { id } = await asker.say(`My number is ${secret}.`)
    await eventually('it is being written', () => asker.deltas.length > 0)
    await edit(asker, id, 'Which number is mine?')
    expect((await asker.answered()).text).toBe('That one.')
    expect(answersOf(asker)).toHaveLength(1)
    const told = toldIn(world.answering().at(-1))
    expect(told).toContain('Which number is mine?')
    expect(told).not.toContain(secret)
    asker.close()
  })

  // Where one connection is all there is, nobody reads while another one holds the lock.
  if (kind === 'PostgreSQL')
    test('L3: people who are called at the same moment have a brief of the log as it is then', async () => {
      indiscreet()
      const asker = await world.askerOf(widgetKey)
      const { conversationId } = asker
      const { id } = await asker.say(`My number is ${secret}.`)
      await asker.answered()
      await endedRuns(world, conversationId)
      const somebody = await world.parley.owner.connect()
      await somebody.query('begin')
      await somebody.query('select from conversations where id = $1 for update', [conversationId])
      const removed = remove(asker, id)
      await eventually('the deletion waits for the lock', async () => {
        const { rows } = await somebody.query(
          `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        )
        return rows.length > 0
      })
      const called = asker.ask('conversation.escalate', { conversationId, clientId: newId() })
      // Long enough for what is read before the lock.
      await new Promise(resolve => setTimeout(resolve, 300))
      await somebody.query('commit')
      somebody.release()
      await Promise.all([removed, called])
      const [open] = await escalationsOf(world, conversationId)
      expect(open?.brief).toMatchObject({ summary: 'agent: I see.', asked: '' })
      expect(await kept()).toEqual([])
      asker.close()
    })

  test('S5: a contact that is deleted is named in no brief', async () => {
    indiscreet({ toolCalls: [call('hand_over', { reason: 'They want a person.' })] })
    const asker = await world.askerOf(widgetKey)
    await world.workspace.owner.call('patch', `/api/v1/contacts/${asker.contactId}`, { name: secret })
    await asker.say('Can I talk to somebody?')
    await inQueue(asker)
    expect(await kept()).toContain('escalations.brief')
    await world.workspace.owner.call('delete', `/api/v1/contacts/${asker.contactId}`)
    // Who deleted whom is for the audit log to say, and for nothing else.
    expect(await kept()).toEqual(['audit_logs.new_values', 'audit_logs.old_values'])
    const [now] = await escalationsOf(world, asker.conversationId)
    expect(now?.brief).toMatchObject({ asked: 'Can I talk to somebody?', contact: {} })
    asker.close()
  })
})
