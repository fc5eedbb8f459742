import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { estimateTokens } from '../../src/kernel/index.ts'
import type { Asker } from '../support/answerWorld.ts'
import { eventually } from '../support/eventually.ts'
import {
  cheapModel,
  endedRuns,
  escalationsOf,
  inQueue,
  type ModelWorld,
  openModelWorld,
} from '../support/modelWorld.ts'
import { allMails, mailTo } from '../support/outbox.ts'
import { quickMember } from '../support/quickPeople.ts'
import type { Script, ScriptedRequest } from '../support/services/scriptedModel.ts'
import { text } from '../support/sockets.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

const question = 'How long can I return an item?'
/** At ten dollars for a million tokens, either way. */
const usage = { prompt_tokens: 900, completion_tokens: 100 }
const answerUsd = 0.01

describe('answers within a budget', () => {
  let world: ModelWorld
  beforeAll(async () => {
    world = await openModelWorld('PostgreSQL')
  })
  beforeEach(() => {
    world.model.reset()
    world.model.always('chat', { text: 'Within 30 days [1].', usage })
  })
  afterAll(() => world?.remove())

  const spend = async (usd: number) =>
    void (await world.parley.owner.query('update budgets set spent_usd = $2 where tenant_id = $1', [
      ...[world.workspace.tenantId, usd],
    ]))
  const standing = async () => {
    const { rows } = await world.parley.owner.query<{ spent: number; reserved: number }>(
      'select spent_usd::float8 as spent, reserved_usd::float8 as reserved from budgets where tenant_id = $1',
      [world.workspace.tenantId],
    )
    return rows[0]
  }
  const limit = (limitUsd: number, more: object = {}) =>
    world.workspace.owner.call('put', '/api/v1/usage/budgets/day', { limitUsd, economyFrom: 0.5, ...more })
  const costsOf = async (runId: string | undefined) => {
    const path = `/api/v1/usage/events?runId=${runId}`
    const { body } = await world.workspace.owner.call<{ items: { service: string; costUsd: number }[] }>(
      'get',
      path,
    )
    return body.items.filter(({ service }) => service === 'model').map(({ costUsd }) => costUsd)
  }
  const asked = async (): Promise<Asker> => {
    const asker = await world.newAsker()
    await asker.say(question)
    return asker
  }

  test('L8: full, then the cheaper model, then the built-in answers, then people', async () => {
    expect((await limit(10)).status).toBeLessThan(300)
    const full = await asked()
    expect((await full.answered()).parts).toContainEqual(expect.objectContaining({ by: 'model' }))
    const [run] = await endedRuns(world, full.conversationId)
    expect(run).toMatchObject({ model: 'scripted', inputTokens: 900, outputTokens: 100, costUsd: answerUsd })
    expect(await costsOf(run?.id)).toEqual([answerUsd])
    await vi.waitFor(async () => expect(await standing()).toEqual({ spent: answerUsd, reserved: 0 }))

    await spend(6)
    world.model.reset()
    world.model.always('chat', { text: 'Within 30 days [1].', usage })
    const economy = await asked()
    await economy.answered()
    expect(world.model.requests.map(({ body }) => body.model)).toContain(cheapModel)
    expect(world.answering()).toEqual([])
    expect((await endedRuns(world, economy.conversationId))[0]).toMatchObject({ model: cheapModel })

    await spend(10)
    world.model.reset()
    const builtIn = await asked()
    const answer = await builtIn.answered()
    expect(answer.text).toContain('within 30 days')
    expect(answer.parts).toContainEqual(expect.objectContaining({ by: 'built in' }))
    expect(world.model.requests).toEqual([])
    expect((await standing())?.spent).toBe(10)

    await limit(10, { builtInAfter: false })
    const people = await asked()
    await inQueue(people)
    const [escalation] = await escalationsOf(world, people.conversationId)
    expect(escalation).toMatchObject({ reason: 'budget_exhausted' })
    for (const asker of [full, economy, builtIn, people]) asker.close()
  })

  test('L8: runs at once set aside what they may cost, and overrun nothing', async () => {
    await spend(0)
    // Room for what two of them may cost at most, not for all.
    await limit(0.25, { economyFrom: 1 })
    world.model.always('chat', { text: 'Within 30 days [1].', usage, firstAfterMs: 500 })
    const askers = await Promise.all(Array.from({ length: 6 }, asked))
    const answers = await Promise.all(askers.map(asker => asker.answered()))
    const by = answers.map(({ parts }) => parts.find(({ type }) => type === 'answer')?.by)
    const paid = by.filter(name => name === 'model').length
    expect(paid).toBeGreaterThan(0)
    expect(paid).toBeLessThan(6)
    expect(world.answering()).toHaveLength(paid)
    await eventually('all is settled', async () => (await standing())?.reserved === 0)
    expect((await standing())?.spent).toBeCloseTo(paid * answerUsd, 8)
    for (const asker of askers) asker.close()
  })

  test('L8: a question that is worded anew is on the bill of its run, also when it is given up or breaks off', async () => {
    await spend(0)
    await limit(10, { economyFrom: 1 })
    const unclear = 'Is the moon made of cheese?'
    const reworded = { prompt_tokens: 900, completion_tokens: 100 }
    const rewriteUsd = 0.001
    const answersBy = (script: Script) =>
      world.model.always('chat', ({ body }) =>
        body.model === cheapModel ? script : { text: 'I do not know.', usage },
      )
    const billed = async (asker: Asker) => {
      const [run] = await endedRuns(world, asker.conversationId)
      const calls = await costsOf(run?.id)
      expect(run?.costUsd).toBeCloseTo(
        calls.reduce((sum, usd) => sum + usd, 0),
        8,
      )
      asker.close()
      return calls.sort()
    }
    const asking = async () => {
      const asker = await world.newAsker()
      await asker.say(unclear)
      return asker
    }
    answersBy({ text: 'What is the moon?', usage: reworded })
    const whole = await asking()
    await whole.answered()
    expect(await billed(whole)).toEqual([rewriteUsd, answerUsd])

    answersBy({ text: ['What', ' is', ' the'], cutAfter: 2 })
    const cut = await asking()
    await cut.answered()
    const [estimated = 0, answered] = await billed(cut)
    expect(estimated).toBeGreaterThan(0)
    expect(answered).toBe(answerUsd)

    answersBy({ hang: true })
    world.model.requests.length = 0
    const stopped = await asking()
    await eventually('the question is being worded anew', () => world.model.requests.length === 1)
    await stopped.ask('run.stop', { conversationId: stopped.conversationId })
    const [left = 0, ...more] = await billed(stopped)
    expect(left).toBeGreaterThan(0)
    expect(more).toEqual([])
    await eventually('all is settled', async () => (await standing())?.reserved === 0)
    expect((await standing())?.spent).toBeCloseTo(rewriteUsd + 2 * answerUsd + estimated + left, 8)
  })

  test('L8: an answer that breaks off before it has a word is on the bill all the same', async () => {
    await spend(0)
    await limit(10, { economyFrom: 1 })
    world.model.always('chat', { reasoning: 'Let me think about that.', cutAfter: 2 })
    const asker = await asked()
    await inQueue(asker)
    const [run] = await endedRuns(world, asker.conversationId)
    expect(run).toMatchObject({ state: 'failed', model: 'scripted', outputTokens: 0 })
    const calls = await costsOf(run?.id)
    expect(calls).toHaveLength(3)
    const cost = calls.reduce((sum, usd) => sum + usd, 0)
    expect(cost).toBeGreaterThan(0)
    expect(run?.costUsd).toBeCloseTo(cost, 8)
    await eventually('all is settled', async () => (await standing())?.reserved === 0)
    expect((await standing())?.spent).toBeCloseTo(cost, 8)
    asker.close()
  })

  test('L8: what a model looks for in its own words is not worded anew', async () => {
    const { widgetKey } = await world.newAgent({ tools: ['knowledge_search'] })
    const calls = ['Is the moon made of cheese?', 'And the sun?'].map((words, at) => ({
      ...{ id: `call_${at}`, name: 'knowledge_search', arguments: JSON.stringify({ question: words }) },
    }))
    world.model.always('chat', ({ body }) =>
      body.model === cheapModel || JSON.stringify(body.messages).includes('call_0')
        ? { text: 'I do not know.', usage }
        : { toolCalls: calls, text: '', usage },
    )
    const asker = await world.askerOf(widgetKey)
    await asker.say('Is the moon made of cheese?')
    await asker.answered()
    expect(world.answering()).toHaveLength(2)
    expect(world.model.requests).toHaveLength(3)
    asker.close()
  })

  test('K11: owners and admins hear by mail of a budget that runs out, once and nobody else', async () => {
    const { parley, workspace } = world
    const [admin, agent] = [
      await quickMember(parley, workspace, 'admin'),
      await quickMember(parley, workspace, 'support_agent'),
    ]
    await limit(20, { economyFrom: 1 })
    await workspace.owner.call('put', '/api/v1/usage/budgets/month', {
      ...{ limitUsd: 20, economyFrom: 1, alertAt: [0.5] },
    })
    await spend(9.995)
    for (let at = 0; at < 2; at++) {
      const asker = await asked()
      await asker.answered()
      await endedRuns(world, asker.conversationId)
      asker.close()
    }
    const { subject, text } = await mailTo(parley, admin.email, /this month/)
    expect(subject).toMatch(/ has spent 50 % of its budget for this month$/)
    expect(text).toContain('of $20.00')
    await mailTo(parley, workspace.owner.email, /this month/)
    const told = (await allMails(parley)).filter(mail => /this month/.test(mail.subject))
    expect(told.filter(({ to }) => to === admin.email)).toHaveLength(1)
    expect(told.filter(({ to }) => to === agent.email)).toEqual([])
  })

  // The last ones: such a conversation is summed up when its run is over, and that is paid too.
  describe('a long question, of which the budget has enough for a part', () => {
    const long = `${question} ${'It is the oak shelf. '.repeat(2_800)}`
    /** As a service counts them that has tokens as long as ours. */
    const counted = ({ body }: ScriptedRequest) => ({
      prompt_tokens: estimateTokens(JSON.stringify([body.messages, body.tools])),
      completion_tokens: 100,
    })
    const searching = (request: ScriptedRequest): Script =>
      JSON.stringify(request.body.messages).includes('call_0')
        ? { text: 'Within 30 days [1].', usage: counted(request) }
        : {
            toolCalls: [{ id: 'call_0', name: 'knowledge_search', arguments: JSON.stringify({ question }) }],
            usage: counted(request),
          }
    const breakingOff = (): Script => ({ reasoning: 'Let me think about that.', cutAfter: 2 })

    test.each<{
      what: string
      limitUsd: number
      asks: number
      ends: object
      says: (request: ScriptedRequest) => Script
    }>([
      { what: 'not asked at all', limitUsd: 0.15, says: searching, asks: 0, ends: { provider: 'built in' } },
      {
        what: 'asked for no second round',
        limitUsd: 0.3,
        says: searching,
        asks: 1,
        ends: { state: 'handed_over' },
      },
      {
        what: 'asked for a second round',
        limitUsd: 0.4,
        says: searching,
        asks: 2,
        ends: { model: 'scripted' },
      },
      { what: 'not asked again', limitUsd: 0.3, says: breakingOff, asks: 1, ends: { provider: 'built in' } },
    ])('L8: the model is $what with $limitUsd dollars', async ({ limitUsd, says, asks, ends }) => {
      await spend(0)
      await limit(limitUsd, { economyFrom: 1 })
      world.model.always('chat', request =>
        request.body.model === cheapModel ? { text: question, usage } : says(request),
      )
      const { widgetKey } = await world.newAgent({ tools: ['knowledge_search'] })
      const asker = await world.askerOf(widgetKey)
      await asker.ask('message.send', {
        ...{ conversationId: asker.conversationId, clientId: 'long' },
        parts: (long.match(/.{1,8000}/gs) ?? []).flatMap(text),
      })
      await eventually(
        'the run is over',
        async () => (await endedRuns(world, asker.conversationId)).length > 0,
      )
      await eventually('all is settled', async () => (await standing())?.reserved === 0)
      expect((await endedRuns(world, asker.conversationId))[0]).toMatchObject(ends)
      expect(world.answering()).toHaveLength(asks)
      expect((await standing())?.spent).toBeLessThanOrEqual(limitUsd)
      asker.close()
    })
  })
})
