import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { newId } from '../../src/kernel/index.ts'
import type { Asker } from '../support/answerWorld.ts'
import { databaseKinds } from '../support/databases.ts'
import { eventually } from '../support/eventually.ts'
import { answersOf, endedRuns, type ModelWorld, openModelWorld, toldIn } from '../support/modelWorld.ts'
import { CommandRefused, connectMember, type TestSocket, text } from '../support/sockets.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

const question = 'How long can I return an item?'
const slowly = { text: Array.from({ length: 400 }, (_, at) => `word${at} `), rate: 40 }

const codeOf = (asked: Promise<unknown>) =>
  asked.then(
    () => 'ok',
    (error: unknown) => (error instanceof CommandRefused ? error.failure.code : String(error)),
  )

describe.each(databaseKinds)('answers that people end, on %s', kind => {
  let world: ModelWorld
  let member: TestSocket
  beforeAll(async () => {
    world = await openModelWorld(kind)
    member = await connectMember(world.parley.url, world.workspace.owner)
  })
  beforeEach(() => world.model.reset())
  afterAll(async () => {
    member?.close()
    await world?.remove()
  })

  async function beingAnswered(): Promise<Asker> {
    world.model.next('chat', slowly)
    const asker = await world.newAsker()
    await asker.say(question)
    await member.ask('conversation.open', { conversationId: asker.conversationId })
    await asker.next('delta', ({ offset }) => offset > 20)
    return asker
  }

  /** What reached a socket of one conversation, in order. */
  function following(socket: TestSocket, conversationId: string): string[] {
    const heard: string[] = []
    socket.socket.onAny((name: string, payload: { conversationId?: string; epoch?: number }) => {
      if (payload.conversationId === conversationId) heard.push(`${name} ${payload.epoch ?? ''}`)
    })
    return heard
  }

  test('L7: a claim in the middle of a word ends the answer for everybody, and nothing of it is stored', async () => {
    const asker = await beingAnswered()
    const { conversationId } = asker
    const heard = [following(asker, conversationId), following(member, conversationId)]
    await member.ask('conversation.claim', { conversationId, clientId: newId(), epoch: 0 })
    const [run] = await endedRuns(world, conversationId)
    expect(run).toMatchObject({ state: 'superseded', messageId: null })
    await eventually('the model is left', () => world.answering()[0]?.aborted === true)
    for (const list of heard) {
      const moved = list.indexOf('owner 1')
      expect(moved).toBeGreaterThanOrEqual(0)
      expect(list.slice(moved + 1).filter(line => /^(delta|run) 0/.test(line))).toEqual([])
    }
    expect(answersOf(asker)).toEqual([])

    // Nobody has answered the question, so that AI does when it has the conversation back.
    world.model.next('chat', { text: 'Within 30 days [1].' })
    await member.ask('conversation.handBack', {
      ...{ conversationId, clientId: newId(), epoch: 1, to: 'ai' },
    })
    expect((await asker.answered()).text).toBe('Within 30 days [1].')
    expect(answersOf(asker)).toHaveLength(1)
    asker.close()
  })

  test('L8: what a person has answered is not answered again by AI', async () => {
    const asker = await beingAnswered()
    const { conversationId } = asker
    await member.ask('conversation.claim', { conversationId, clientId: newId(), epoch: 0 })
    const reply = { conversationId, clientId: newId(), epoch: 1, parts: text('Thirty days, I am sure.') }
    await member.ask('conversation.reply', reply)
    await member.ask('conversation.handBack', { conversationId, clientId: newId(), epoch: 1, to: 'ai' })
    await asker.say('And what does it cost?')
    await asker.answered()
    expect(world.answering()).toHaveLength(2)
    const told = (world.answering()[1]?.body.messages ?? []).slice(1)
    expect(told.at(-1)).toMatchObject({ role: 'user', content: 'And what does it cost?' })
    expect(toldIn(world.answering()[1])).toContain('Thirty days, I am sure.')
    asker.close()
  })

  test('19.9: a stop stores what was said so far', async () => {
    const asker = await beingAnswered()
    const { conversationId } = asker
    await asker.ask('run.stop', { conversationId })
    const answer = await asker.answered()
    expect(slowly.text.join('').startsWith(answer.text)).toBe(true)
    expect(answer.text.length).toBeGreaterThan(20)
    expect(answer.parts).toContainEqual(expect.objectContaining({ type: 'answer', finishReason: 'stopped' }))
    const [run] = await endedRuns(world, conversationId)
    expect(run).toMatchObject({ state: 'stopped', messageId: answer.id, finishReason: 'stopped' })
    // It was paid for, though the service has not said how much.
    expect(run?.costUsd).toBeGreaterThan(0)
    await eventually('the model is left', () => world.answering()[0]?.aborted === true)
    await asker.ask('run.stop', { conversationId })
    expect(answersOf(asker)).toHaveLength(1)
    asker.close()
  })

  test('19.9: a stop before the first word is an event, each time, and ends the question', async () => {
    world.model.always('chat', { hang: true })
    const asker = await world.newAsker()
    const { conversationId } = asker
    const stops = () =>
      asker.entries.filter(({ parts }) =>
        parts.some(part => part.type === 'event' && part.name === 'stopped'),
      )
    for (const count of [1, 2]) {
      await asker.say(question)
      await eventually('the model is asked', () => world.answering().length === count)
      await asker.ask('run.stop', { conversationId })
      await eventually('it is said', () => stops().length === count)
      await endedRuns(world, conversationId)
    }
    expect((await endedRuns(world, conversationId)).map(({ state }) => state)).toEqual(['stopped', 'stopped'])
    expect(answersOf(asker)).toEqual([])
    asker.close()
  })

  test('19.9: another answer takes the place of the last one, and again', async () => {
    const [first, second, third] = ['Within 30 days [1].', 'A month.', 'Thirty days [1].']
    world.model.next('chat', { text: first }, { text: second }, { text: third })
    const asker = await world.newAsker()
    const { conversationId } = asker
    expect(await codeOf(asker.ask('run.regenerate', { conversationId }))).toBe('conflict')
    await asker.say(question)
    const answer = await asker.answered()
    for (const [count, words] of [second, third].entries()) {
      await asker.ask('run.regenerate', { conversationId })
      const edits = () => asker.entries.filter(({ type }) => type === 'edit')
      await eventually('another answer', () => edits().length === count + 1)
      expect(edits().at(-1)).toMatchObject({ parentId: answer.id, text: words })
      const told = toldIn(world.answering().at(-1))
      for (const before of [first, second]) expect(told).not.toContain(`assistant: ${before}`)
      expect((await endedRuns(world, conversationId))[0]).toMatchObject({ regenerates: answer.id })
    }
    expect(answersOf(asker)).toHaveLength(1)

    // With nothing said the answer that is there stays, and nothing is open.
    for (const count of [1, 2]) {
      world.model.next('chat', { hang: true })
      await asker.ask('run.regenerate', { conversationId })
      await eventually('the model is asked', () => world.answering().length === 3 + count)
      await asker.ask('run.stop', { conversationId })
      await eventually(
        'it is over',
        async () => (await endedRuns(world, conversationId)).length === 3 + count,
      )
    }
    await new Promise(resolve => setTimeout(resolve, 2_500))
    expect(world.answering()).toHaveLength(5)
    asker.close()
  })

  test('19.9: a stop in the middle of another answer leaves the whole one that is there', async () => {
    world.model.next('chat', { text: 'Within 30 days [1].' }, slowly)
    const asker = await world.newAsker()
    const { conversationId } = asker
    await asker.say(question)
    const answer = await asker.answered()
    const before = asker.deltas.length
    await asker.ask('run.regenerate', { conversationId })
    await eventually('it is being written', () => asker.deltas.length > before + 2)
    await asker.ask('run.stop', { conversationId })
    await eventually(
      'it is over',
      async () => (await endedRuns(world, conversationId))[0]?.state === 'stopped',
    )
    const [run] = await endedRuns(world, conversationId)
    expect(run).toMatchObject({ regenerates: answer.id, messageId: null, model: 'scripted' })
    expect(run?.costUsd).toBeGreaterThan(0)
    expect(asker.entries.filter(({ type }) => type === 'edit')).toEqual([])
    world.model.next('chat', { text: 'Free.' })
    await asker.say('And what does it cost?')
    await asker.answered(2)
    expect(toldIn(world.answering().at(-1))).toContain('assistant: Within 30 days [1].')
    asker.close()
  })

  test('S3: strangers neither stop, nor read, nor ask again', async () => {
    const asker = await beingAnswered()
    const stranger = await world.newAsker()
    const { conversationId } = asker
    for (const name of ['run.stop', 'run.read', 'run.regenerate'] as const)
      expect(await codeOf(stranger.ask(name, { conversationId }))).toBe('not_found')
    const length = asker.deltas.length
    await eventually('it goes on', () => asker.deltas.length > length + 3)
    expect(await codeOf(asker.ask('run.regenerate', { conversationId }))).toBe('conflict')
    expect(stranger.deltas).toEqual([])
    await asker.ask('run.stop', { conversationId })
    await asker.answered()
    asker.close()
    stranger.close()
  })
})
