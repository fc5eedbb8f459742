import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type AnswerWorld, openAnswerWorld } from '../support/answerWorld.ts'
import { databaseKinds } from '../support/databases.ts'
import { eventually } from '../support/eventually.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

describe.each(databaseKinds)('built-in answers on %s', kind => {
  let world: AnswerWorld
  beforeAll(async () => {
    world = await openAnswerWorld(kind)
  })
  afterAll(() => world.remove())

  test('L6 K3: a question is answered from the documents, with a citation, and shown while it is written', async () => {
    const asker = await world.newAsker()
    await asker.say('How long can I return an item?')
    const answer = await asker.answered()
    expect(answer.text).toContain('within 30 days')
    expect(answer.parts).toContainEqual(
      expect.objectContaining({ type: 'citation', chunkId: world.chunks.returns, title: 'returns', page: 3 }),
    )
    expect(answer.parts).toContainEqual(expect.objectContaining({ type: 'answer', by: 'built in' }))
    expect(asker.deltas.map(({ text }) => text).join('')).toBe(answer.text)
    expect(asker.deltas[0]?.offset).toBe(0)
    asker.close()
  })

  test('K4: what the documents do not say is not made up, and a person is offered', async () => {
    const asker = await world.newAsker()
    await asker.say('Who won the football world cup in 1998?')
    const answer = await asker.answered()
    expect(answer.parts).toContainEqual(expect.objectContaining({ type: 'answer', offer: 'person' }))
    expect(answer.parts.filter(({ type }) => type === 'citation')).toEqual([])
    asker.close()
  })

  test('L8: an agent that is deleted or paused leaves nobody without an answer', async () => {
    const paused = await world.newAgent({})
    const asker = await world.askerOf(paused.widgetKey)
    await world.workspace.owner.call('patch', `/api/v1/agents/${paused.agentId}`, { status: 'paused' })
    await asker.say('Is anybody there?')
    await eventually('people are called', () => asker.owners.at(-1)?.owner === 'queue')

    const waiting = await world.askerOf((await world.newAgent({})).widgetKey)
    const { conversationId } = waiting
    // As if its node had died: asked, and nobody at work.
    const { rows } = await world.parley.owner.query<{ agent_id: string }>(
      `update conversations set owner = 'ai', archived = true, status = 'archived', asked_seq = 5 where id = $1 returning agent_id`,
      [conversationId],
    )
    await world.workspace.owner.call('delete', `/api/v1/agents/${rows[0]?.agent_id}`)
    await eventually('it is in the queue', () => waiting.owners.at(-1)?.owner === 'queue')
    for (const one of [asker, waiting]) one.close()
  })

  test('H2: whatever characters were said, people can be called', async () => {
    const asker = await world.newAsker()
    await asker.say(`${'x'.repeat(198)}${'\u{1f600}'.repeat(400)}`)
    await asker.answered()
    await asker.say('I want to talk to a human, please.')
    await eventually('people are called', () => asker.owners.at(-1)?.owner === 'queue')
    asker.close()
  })
})
