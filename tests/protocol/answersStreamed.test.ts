import { io } from 'socket.io-client'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { createClient } from '../../src/client/index.ts'
import type { Events } from '../../src/protocol/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { eventually } from '../support/eventually.ts'
import { type ModelWorld, openModelWorld, toldIn } from '../support/modelWorld.ts'
import { connectMember, connectVisitor, text as textPart, visit } from '../support/sockets.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

const question = 'How long can I return an item?'

/** As section 19 says that a client reads them. */
const joined = (deltas: readonly Events['delta'][]) =>
  deltas.reduce((text, delta) => {
    if (delta.offset === 0) return delta.text
    return delta.offset === text.length ? text + delta.text : text
  }, '')

describe.each(databaseKinds)('answers of a model on %s', kind => {
  let world: ModelWorld
  beforeAll(async () => {
    world = await openModelWorld(kind)
  })
  beforeEach(() => world.model.reset())
  afterAll(() => world.remove())

  test('19.7 19.9 K3: what was streamed is what is stored, letter for letter, and its marks are citations', async () => {
    const written = [
      'Within 30 days',
      ' 👩‍🚀 [1]',
      '.\n\n',
      '- Ça coûte « rien »',
      ' [99]',
      '\u2028',
      'Ende.',
    ]
    world.model.always('chat', { text: written, rate: 20 })
    const asker = await world.newAsker()
    await asker.say(question)
    const answer = await asker.answered()
    expect(answer.text).toBe(written.join(''))
    expect(joined(asker.deltas)).toBe(answer.text)
    expect(answer.parts.filter(({ type }) => type === 'citation')).toEqual([
      expect.objectContaining({ number: 1, chunkId: world.chunks.returns, title: 'returns', page: 3 }),
    ])
    const runId = asker.runs[0]?.runId
    expect(answer.parts).toContainEqual(
      expect.objectContaining({ type: 'answer', runId, by: 'model', finishReason: 'stop' }),
    )
    expect([...new Set(asker.deltas.map(delta => delta.runId))]).toEqual([runId])
    await eventually('the end of the run', () => asker.runs.at(-1)?.state === 'done')
    expect(asker.runs.map(({ state }) => state)).toEqual(['searching', 'writing', 'done'])
    asker.close()
  })

  test('L6: the first piece is shown before the second is written, and fast ones are joined', async () => {
    world.model.always('chat', { text: Array.from({ length: 300 }, (_, at) => `word${at} `), rate: 150 })
    const asker = await world.newAsker()
    await asker.say(question)
    const first = await asker.next('delta')
    expect(first.offset).toBe(0)
    expect(first.text.length).toBeLessThan(60)
    const began = performance.now()
    const answer = await asker.answered()
    const seconds = (performance.now() - began) / 1_000
    // 300 pieces came; a slow machine only makes it fewer frames.
    expect(asker.deltas.length).toBeGreaterThan(5)
    expect(asker.deltas.length).toBeLessThanOrEqual(32 * seconds + 3)
    expect(joined(asker.deltas)).toBe(answer.text)
    asker.close()
  })

  test('L6 1.2: also by polling the text grows while it is written, and none of it is lost on the way', async () => {
    const written = Array.from({ length: 60 }, (_, at) => `word${at} `)
    world.model.always('chat', { text: written, rate: 20 })
    const begun = await visit(world.parley.url, world.widgetKey)
    const plain = await connectVisitor(world.parley.url, begun, { transports: ['polling'] })
    const conversationId = (await plain.ask('conversation.open', { clientId: 'polls' })).conversation.id
    const options = { ...{ transports: ['polling'], query: { widget: begun.widgetKey } }, autoConnect: false }
    const socket = io(`${world.parley.url}/visitor`, { ...options, reconnection: false, forceNew: true })
    const auth = async () => ({ token: begun.token })
    const client = createClient<'visitor'>({ socket, auth, renew: auth })
    await client.connect()
    const shown = client.conversation(conversationId)
    const grown = new Set<string>()
    shown.subscribe(({ answer }) => answer && grown.add(answer.text))
    await eventually('it is open', () => shown.getSnapshot().live)
    await plain.ask('message.send', { conversationId, clientId: 'asks', parts: textPart(question) })
    const answered = await plain.next(
      'entries',
      ({ entries }) => entries.some(({ sender }) => sender.kind === 'agent'),
      20_000,
    )
    expect(joined(plain.received('delta'))).toBe(answered.entries[0]?.text)
    expect(answered.entries[0]?.text).toBe(written.join(''))
    expect(plain.received('delta').length).toBeGreaterThan(5)
    expect(grown.size).toBeGreaterThan(5)
    client.close()
    plain.close()
  })

  test('19.8: who comes late asks for the text so far and has all of it from then on', async () => {
    world.model.always('chat', { text: Array.from({ length: 60 }, (_, at) => `word${at} `), rate: 20 })
    const asker = await world.newAsker()
    await asker.say(question)
    await asker.next('delta', ({ offset }) => offset > 20)
    const member = await connectMember(world.parley.url, world.workspace.owner)
    const { conversationId } = asker
    await member.ask('conversation.open', { conversationId })
    const { run } = await member.ask('run.read', { conversationId })
    expect(run).toMatchObject({ runId: asker.runs[0]?.runId, state: 'writing', epoch: 0 })
    const whole = await member.next('delta', ({ offset }) => offset === 0)
    expect(whole.text.startsWith('word0 ')).toBe(true)
    const answer = await asker.answered()
    const heard = member.received('delta')
    expect(joined(heard.slice(heard.indexOf(whole)))).toBe(answer.text)
    expect(joined(asker.deltas)).toBe(answer.text)
    expect((await member.ask('run.read', { conversationId })).run).toBeNull()
    member.close()
    asker.close()
  })

  test('19.8: however often it is asked for, the whole text is told four times a second at most', async () => {
    world.model.always('chat', { text: Array.from({ length: 60 }, (_, at) => `word${at} `), rate: 20 })
    const asker = await world.newAsker()
    const { conversationId } = asker
    await asker.say(question)
    await asker.next('delta')
    const began = performance.now()
    for (let round = 0; round < 5; round++)
      await Promise.all([1, 2, 3].map(() => asker.ask('run.read', { conversationId })))
    const seconds = (performance.now() - began) / 1_000
    const answer = await asker.answered()
    const wholes = asker.deltas.filter(({ offset }) => offset === 0).length
    expect(wholes).toBeGreaterThan(1)
    // The first piece is one too, and so is what was asked for last.
    expect(wholes).toBeLessThanOrEqual(Math.ceil(seconds * 4) + 2)
    expect(joined(asker.deltas)).toBe(answer.text)
    asker.close()
  })

  test('L8: what is asked while an answer is written gets the next one, which knows the first', async () => {
    world.model.next(
      'chat',
      { text: Array.from({ length: 30 }, (_, at) => `first${at} `), rate: 30 },
      { text: 'The second answer [1].' },
    )
    const asker = await world.newAsker()
    await asker.say(question)
    await asker.next('delta')
    await asker.say('What does shipping to Norway cost?')
    await asker.say('And how long does it take?')
    const [first, second] = [await asker.answered(1), await asker.answered(2)]
    expect(first.text).toContain('first29')
    expect(second.text).toBe('The second answer [1].')
    const [, then] = world.answering()
    const told = (then?.body.messages ?? []).slice(1)
    expect(told.map(({ role }) => role)).toEqual(['user', 'assistant', 'user', 'user'])
    expect(told.at(-1)?.content).toBe('And how long does it take?')
    expect(toldIn(world.answering()[0])).not.toContain('Norway cost')
    await eventually('the end of the run', () => asker.runs.at(-1)?.state === 'done')
    expect(world.answering()).toHaveLength(2)
    asker.close()
  })

  test('L8: all that is answered together is told, however long it is; what was said before makes room for it', async () => {
    world.answersWith(
      { text: Array.from({ length: 30 }, (_, at) => `first${at} `), rate: 30 },
      { text: 'The second answer [1].' },
    )
    const asker = await world.newAsker()
    await asker.say(question)
    await asker.next('delta')
    const long = ['One', 'Two', 'Three', 'Four'].map(
      name => `${name}: what does shipping cost? ${'I live in Norway. '.repeat(430)}`,
    )
    for (const line of long) await asker.say(line)
    await asker.answered(2)
    const told = (world.answering()[1]?.body.messages ?? []).slice(1)
    expect(told.map(({ content }) => content)).toEqual(long)
    asker.close()
  })

  test('L6 S1: two at once hear of their own answers alone', async () => {
    world.model.always('chat', ({ body }) => ({
      text: `About ${body.messages?.at(-1)?.content} there is this to say: nothing much.`.split(/(?= )/),
      rate: 40,
    }))
    const askers = [await world.newAsker(), await world.newAsker()] as const
    await Promise.all([askers[0].say('return of an item'), askers[1].say('parcels to Norway')])
    const [one, other] = await Promise.all(askers.map(asker => asker.answered()))
    expect(one?.text).toContain('About return of an item there')
    expect(other?.text).toContain('About parcels to Norway there')
    for (const [at, asker] of askers.entries()) {
      expect(joined(asker.deltas)).toBe([one, other][at]?.text)
      expect(new Set(asker.deltas.map(({ conversationId }) => conversationId))).toEqual(
        new Set([asker.conversationId]),
      )
      asker.close()
    }
  })
})
