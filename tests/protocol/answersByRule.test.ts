import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { newId } from '../../src/kernel/index.ts'
import type { Entry } from '../../src/protocol/index.ts'
import { eventually } from '../support/eventually.ts'
import {
  answersOf,
  cheapModel,
  escalationsOf,
  inQueue,
  type ModelWorld,
  openModelWorld,
  toldIn,
} from '../support/modelWorld.ts'
import { connectMember } from '../support/sockets.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

const question = 'How long can I return an item?'

describe('when people are called, and what an answer knows', () => {
  let world: ModelWorld
  beforeAll(async () => {
    world = await openModelWorld('PostgreSQL')
  })
  beforeEach(() => {
    world.model.reset()
    world.answersWith()
  })
  afterAll(() => world?.remove())

  const askerWith = async (escalationRules: object) =>
    world.askerOf((await world.newAgent({ escalationRules })).widgetKey)

  test.each([
    { what: 'a wish for a person', said: 'Can I talk to a human please?' },
    { what: 'words of the tenant', said: 'I will call my LAWYER about this.' },
  ])('L8: $what calls people, and no model is asked', async ({ said }) => {
    const asker = await askerWith({ phrases: ['my lawyer'], priority: 7 })
    await asker.say(said)
    await inQueue(asker)
    const [escalation] = await escalationsOf(world, asker.conversationId)
    expect(escalation).toMatchObject({ reason: 'asked_for_person', detail: said, priority: 7 })
    expect(world.answering()).toEqual([])
    asker.close()
  })

  test('L8: after so many answers people are called', async () => {
    const asker = await askerWith({ maxTurns: 2 })
    for (const count of [1, 2]) {
      await asker.say(question)
      await asker.answered(count)
    }
    await asker.say(question)
    await inQueue(asker)
    expect(await escalationsOf(world, asker.conversationId)).toMatchObject([{ reason: 'turn_limit' }])
    expect(answersOf(asker)).toHaveLength(2)
    asker.close()
  })

  test('L8: after so many doubts in a row people are called, and counted anew when AI has it back', async () => {
    const { widgetKey } = await world.newAgent({ provider: 'builtin', escalationRules: { unsureTurns: 2 } })
    const asker = await world.askerOf(widgetKey)
    const { conversationId } = asker
    await asker.say('Who won the football world cup in 1998?')
    expect((await asker.answered()).parts).toContainEqual(expect.objectContaining({ offer: 'person' }))
    await asker.say('And who won the one in 2002?')
    await inQueue(asker)
    expect(await escalationsOf(world, conversationId)).toMatchObject([{ reason: 'no_answer' }])
    expect(answersOf(asker)).toHaveLength(1)

    const member = await connectMember(world.parley.url, world.workspace.owner)
    await member.ask('conversation.open', { conversationId })
    await member.ask('conversation.claim', { conversationId, clientId: newId(), epoch: 1 })
    await member.ask('conversation.handBack', { conversationId, clientId: newId(), epoch: 2, to: 'ai' })
    // The question that stayed open is a first doubt.
    expect((await asker.answered(2)).parts).toContainEqual(expect.objectContaining({ offer: 'person' }))
    member.close()
    asker.close()
  })

  test('L8: greetings and thanks are returned, searched for nowhere, and no doubt', async () => {
    const { widgetKey } = await world.newAgent({ provider: 'builtin', escalationRules: { unsureTurns: 1 } })
    const asker = await world.askerOf(widgetKey)
    for (const [at, [said, returned]] of [
      ['Hello', 'Hello!'],
      ['Thanks!', 'You are welcome.'],
      ['great', 'Ask whenever'],
      ['Vielen Dank, tschüss', 'Auf Wiedersehen!'],
    ].entries()) {
      await asker.say(said ?? '')
      const { parts } = await asker.answered(at + 1)
      expect(parts).toMatchObject([
        { type: 'text', text: expect.stringContaining(returned ?? '') },
        { type: 'answer', finishReason: 'stop' },
      ])
      expect(JSON.stringify(parts)).not.toMatch(/offer|citation/)
    }
    expect(await escalationsOf(world, asker.conversationId)).toEqual([])
    const { rows } = await world.parley.owner.query('select 1 from retrievals where conversation_id = $1', [
      asker.conversationId,
    ])
    expect(rows).toEqual([])
    asker.close()
  })

  test('L8: a model that knows nothing of it offers a person, however the question was worded anew, and doubts add up', async () => {
    const { widgetKey } = await world.newAgent({ escalationRules: { unsureTurns: 2 } })
    world.model.always('chat', ({ body }) => ({
      text: body.model === cheapModel ? question : 'I do not know that. Shall I bring in a person?',
    }))
    const asker = await world.askerOf(widgetKey)
    const offers = ({ parts }: Entry) => parts.some(part => part.type === 'answer' && part.offer === 'person')
    for (const [at, words] of ['Hello!', 'Thanks, that is nice'].entries()) {
      await asker.say(words)
      expect(offers(await asker.answered(at + 1)), words).toBe(false)
    }
    await asker.say('Who won the football world cup in 1998?')
    expect(offers(await asker.answered(3))).toBe(true)
    await asker.say('Which team played in Lisbon yesterday?')
    await inQueue(asker)
    expect(await escalationsOf(world, asker.conversationId)).toMatchObject([{ reason: 'no_answer' }])
    asker.close()
  })

  test('L8: a search that finds nothing at all leaves a doubt; where there is nothing to search there is none', async () => {
    const { parley, workspace } = world
    const ask = async () => {
      const asker = await world.newAsker()
      await asker.say('Who won the football world cup in 1998?')
      const { parts } = await asker.answered()
      asker.close()
      return parts
    }
    const offer = expect.objectContaining({ type: 'answer', offer: 'person' })
    await parley.owner.query('update knowledge_chunks set searchable = false where tenant_id = $1', [
      workspace.tenantId,
    ])
    expect(await ask()).toContainEqual(offer)
    await parley.owner.query(`update knowledge_sources set agent_id = $2 where tenant_id = $1`, [
      ...[workspace.tenantId, (await world.newAgent({})).agentId],
    ])
    expect(await ask()).not.toContainEqual(offer)
    await parley.owner.query('update knowledge_sources set agent_id = null where tenant_id = $1', [
      workspace.tenantId,
    ])
    await parley.owner.query('update knowledge_chunks set searchable = true where tenant_id = $1', [
      workspace.tenantId,
    ])
  })

  test.each([
    { what: 'paused', change: "status = 'paused'" },
    { what: 'not published', change: 'published = false' },
  ])('L8: an agent that is $what leaves its visitors to people', async ({ change }) => {
    const { agentId, widgetKey } = await world.newAgent({})
    const asker = await world.askerOf(widgetKey)
    await world.parley.owner.query(`update agents set ${change} where id = $1`, [agentId])
    await asker.say(question)
    await inQueue(asker)
    expect(await escalationsOf(world, asker.conversationId)).toMatchObject([{ reason: 'no_agent' }])
    expect(world.answering()).toEqual([])
    asker.close()
  })

  test('S6: the model is told what is remembered of this contact, between the marks', async () => {
    const [asker, other] = [await world.newAsker(), await world.newAsker()]
    const remember = (contactId: string, value: string) =>
      world.workspace.owner.call('post', `/api/v1/contacts/${contactId}/memories`, {
        ...{ key: 'return habits', value },
      })
    expect((await remember(asker.contactId, 'Returns each item twice')).status).toBe(201)
    await remember(other.contactId, 'Never returns anything')
    await asker.say(question)
    await asker.answered()
    const told = toldIn(world.answering()[0])
    expect(told).toMatch(/<memories (\w+)>\nreturn habits: Returns each item twice\n<\/memories \1>/)
    expect(told).not.toContain('Never returns anything')
    for (const one of [asker, other]) one.close()
  })

  test('K3: the beginning of a long conversation is told in few words from then on', async () => {
    const long = 'Oak is a fine wood that wants to be oiled. '.repeat(110)
    world.model.always('chat', ({ body }) => {
      const task = String(body.messages?.[0]?.content)
      if (task.startsWith('Summarise')) return { text: 'They asked about oak, and were told at length.' }
      return { text: body.model === cheapModel ? question : `${long} [1]` }
    })
    const asker = await world.newAsker()
    for (let count = 1; count <= 7; count++) {
      await asker.say(`Question ${count}: ${question}`)
      await asker.answered(count)
    }
    await eventually('a summary', async () => {
      const { rows } = await world.parley.owner.query(
        'select summary from conversation_memory where conversation_id = $1',
        [asker.conversationId],
      )
      return rows.length === 1
    })
    await asker.say('And how much is it all together?')
    await asker.answered(8)
    const told = toldIn(world.answering().at(-1))
    expect(told).toMatch(/<earlier (\w+)>\nThey asked about oak, and were told at length.\n<\/earlier \1>/)
    expect(told).not.toContain('Question 1:')
    expect(told).toContain('Question 7:')
    asker.close()
  })
})
