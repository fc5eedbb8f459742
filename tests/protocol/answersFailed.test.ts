import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { databaseKinds } from '../support/databases.ts'
import {
  answersOf,
  endedRuns,
  escalationsOf,
  inQueue,
  type ModelWorld,
  openModelWorld,
} from '../support/modelWorld.ts'
import type { Script } from '../support/services/scriptedModel.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

const question = 'How long can I return an item?'

const limited: Script = { status: 429, headers: { 'retry-after': '600' } }

describe.each(databaseKinds)('a model that fails, on %s', kind => {
  let world: ModelWorld
  beforeAll(async () => {
    world = await openModelWorld(kind)
  })
  beforeEach(() => world.model.reset())
  afterAll(() => world.remove())

  test.each<{ what: string; failing: Script }>([
    { what: 'an error of the service', failing: { status: 500 } },
    { what: 'too many requests', failing: { status: 429, headers: { 'retry-after': '1' } } },
    { what: 'a cut in the middle', failing: { text: 'Within 30 or was it 40 days', cutAfter: 4 } },
    { what: 'an end without a word why', failing: { text: 'Within 30 or', finish: null } },
  ])('L8: after $what it is asked again, and one whole answer is stored', async ({ failing }) => {
    world.model.next('chat', failing, { text: 'Within 30 days [1].' })
    const asker = await world.newAsker()
    await asker.say(question)
    const answer = await asker.answered()
    expect(answer.text).toBe('Within 30 days [1].')
    expect(world.answering()).toHaveLength(2)
    const [run, ...others] = await endedRuns(world, asker.conversationId)
    expect(run).toMatchObject({ state: 'done', attempt: 1, finishReason: 'stop', messageId: answer.id })
    expect(run?.firstTokenMs).toBeGreaterThan(0)
    expect(others).toEqual([])
    expect(answersOf(asker)).toHaveLength(1)
    // What was shown of the attempt that failed was taken back.
    const shown = asker.deltas.reduce((text, { offset, text: more }) => text.slice(0, offset) + more, '')
    expect(shown).toBe(answer.text)
    asker.close()
  })

  test.each<{ what: string; failing: Script; tries: number }>([
    { what: 'fails each time', failing: { status: 503 }, tries: 3 },
    { what: 'is cut each time', failing: { text: 'Within 30 days', cutAfter: 3 }, tries: 3 },
    { what: 'refuses to answer', failing: { refusal: 'I cannot help with that.' }, tries: 1 },
    { what: 'does not know the key', failing: { status: 401 }, tries: 1 },
    { what: 'does not exist', failing: { status: 404 }, tries: 1 },
    { what: 'wants more patience than visitors have', failing: limited, tries: 1 },
    { what: 'says nothing', failing: { text: '' }, tries: 1 },
  ])('L8: a model that $what leaves the visitor to people', async ({ failing, tries }) => {
    world.model.always('chat', failing)
    const asker = await world.newAsker()
    await asker.say(question)
    await inQueue(asker)
    expect(asker.owners.at(-1)).toMatchObject({ owner: 'queue', epoch: 1, assignedMemberId: null })
    expect(world.answering()).toHaveLength(tries)
    await vi.waitFor(() =>
      expect(asker.entries.at(-1)).toMatchObject({
        type: 'system_event',
        parts: [expect.objectContaining({ type: 'event', name: 'called_people' })],
      }),
    )
    expect(answersOf(asker)).toEqual([])
    const [escalation] = await escalationsOf(world, asker.conversationId)
    expect(escalation).toMatchObject({ reason: 'model_failed', status: 'pending', epoch: 1 })
    expect(escalation?.brief.asked).toContain(question)
    const [run, ...others] = await endedRuns(world, asker.conversationId)
    expect(run).toMatchObject({ state: 'failed', messageId: null })
    expect(run?.error).toBeTruthy()
    expect(others).toEqual([])
    asker.close()
  })
})

describe('a model that hangs', () => {
  let world: ModelWorld
  let hurried: { widgetKey: string }
  beforeAll(async () => {
    world = await openModelWorld('PostgreSQL')
    hurried = await world.newAgent({ limits: { seconds: 5 } })
  })
  beforeEach(() => world.model.reset())
  afterAll(() => world.remove())

  test('L8: before it has said anything, people are called when the time of the agent is up', async () => {
    world.model.always('chat', { hang: true })
    const asker = await world.askerOf(hurried.widgetKey)
    await asker.say(question)
    await inQueue(asker)
    const [run] = await endedRuns(world, asker.conversationId)
    expect(run).toMatchObject({ state: 'failed' })
    await vi.waitFor(() => expect(world.answering().every(({ aborted }) => aborted)).toBe(true))
    asker.close()
  })

  test('L8: in the middle, what it has said so far is stored', async () => {
    world.model.always('chat', { text: 'Within 30 days [1], and then', hang: 5 })
    const asker = await world.askerOf(hurried.widgetKey)
    await asker.say(question)
    const answer = await asker.answered()
    expect(answer.text).toBe('Within 30 days [1],')
    expect(answer.parts).toContainEqual(expect.objectContaining({ type: 'answer', finishReason: 'late' }))
    expect(answer.parts).toContainEqual(expect.objectContaining({ type: 'citation', number: 1 }))
    asker.close()
  })
})
