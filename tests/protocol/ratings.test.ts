import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { newId } from '../../src/kernel/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { type Desk, newDesk } from '../support/deskWorld.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import { faultPaths } from '../support/problems.ts'
import { text } from '../support/sockets.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

interface SurveyView {
  readonly id: string
  readonly conversationId: string
  readonly contactId: string | null
  readonly rating: number
  readonly comment: string | null
}

describe.each(databaseKinds)('V5: visitors say what they think of a conversation, on %s', kind => {
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

  const surveys = (query = '') =>
    desk.workspace.owner.call<{ items: SurveyView[]; nextCursor: string | null }>(
      'get',
      `/api/v1/surveys${query}`,
    )
  const surveyOf = async (conversationId: string) =>
    (await surveys(`?conversationId=${conversationId}`)).body.items

  test('V5: a rating is kept once per conversation, may be changed, and a comment that is left out stays', async () => {
    const { visitor, conversationId, contactId } = await desk.talk()
    expect(await visitor.ask('rating.read', { conversationId })).toEqual({ rating: null, comment: null })
    await visitor.ask('rating.set', { conversationId, rating: 2, comment: ' Slow. ' })
    await visitor.ask('rating.set', { conversationId, rating: 5 })
    expect(await visitor.ask('rating.read', { conversationId })).toEqual({ rating: 5, comment: 'Slow.' })
    expect(await surveyOf(conversationId)).toEqual([
      expect.objectContaining({ conversationId, contactId, rating: 5, comment: 'Slow.' }),
    ])
    await visitor.ask('rating.set', { conversationId, rating: 5, comment: '' })
    expect(await visitor.ask('rating.read', { conversationId })).toEqual({ rating: 5, comment: null })
  })

  test('L1 V5: the people at the desk see it in the log, the visitor sees no trace of it', async () => {
    const { visitor, conversationId, contactId } = await desk.talk()
    const member = await desk.colleague()
    await member.ask('conversation.open', { conversationId })
    const rated = { conversationId, rating: 4, comment: 'Thank you' }
    await visitor.ask('rating.set', rated)
    const came = await member.next('entries', ({ entries }) =>
      entries.some(({ type }) => type === 'system_event'),
    )
    expect(came.entries.at(-1)).toMatchObject({
      ...{ seq: 2, publicSeq: null, sender: { kind: 'contact', id: contactId } },
      parts: [{ type: 'event', name: 'rated', rating: 4, comment: 'Thank you' }],
      text: 'The visitor rated the conversation: 4 of 5. Thank you',
    })
    // Said again it is the same; thought again, it is another.
    await visitor.ask('rating.set', rated)
    await visitor.ask('rating.set', { ...rated, rating: 3 })
    await visitor.ask('rating.set', rated)
    const log = await member.ask('conversation.open', { conversationId })
    const ratings = log.entries.flatMap(({ parts }) => parts.flatMap(part => part.rating ?? []))
    expect(ratings).toEqual([4, 3, 4])
    const next = { conversationId, clientId: newId(), parts: text('One more thing') }
    expect((await visitor.ask('message.send', next)).seq).toBe(2)
    expect((await visitor.ask('conversation.open', { conversationId })).head).toBe(2)
  })

  test('V5: where it is switched off or the conversation archived, nothing is rated', async () => {
    const { visitor, conversationId } = await desk.talk()
    const path = `/api/v1/widgets/${desk.widget.id}`
    await desk.workspace.owner.call('patch', path, { chatWindow: { rating: false } })
    const refused = (code: string) => ({ failure: { code } })
    const rating = () => visitor.ask('rating.set', { conversationId, rating: 4 })
    await expect(rating()).rejects.toMatchObject(refused('forbidden'))
    await desk.workspace.owner.call('patch', path, { chatWindow: {} })
    await parley.owner.query(`update conversations set status = 'archived' where id = $1`, [conversationId])
    await expect(rating()).rejects.toMatchObject(refused('conflict'))
    expect(await surveyOf(conversationId)).toEqual([])
  })

  test('V5 S3: bad ratings and those of others are refused', async () => {
    const [one, other] = [await desk.talk(), await desk.talk()]
    const { conversationId } = one
    for (const input of [
      { conversationId, rating: 0 },
      { conversationId, rating: 6 },
      { conversationId, rating: 2.5 },
      { conversationId },
      { conversationId, rating: 3, comment: 'x'.repeat(2_001) },
      { conversationId, rating: 3, comment: 'a\u0000b' },
    ])
      expect(await one.visitor.answer('rating.set', input)).toMatchObject({
        error: { code: 'invalid_request' },
      })
    for (const name of ['rating.set', 'rating.read'] as const)
      expect(
        await other.visitor.answer(
          name,
          name === 'rating.set' ? { conversationId, rating: 1 } : { conversationId },
        ),
      ).toMatchObject({ error: { code: 'not_found' } })
    expect(await surveyOf(conversationId)).toEqual([])
  })

  test('V5: ratings are listed page by page, also those of one kind', async () => {
    for (const rating of [1, 1, 1]) {
      const { visitor, conversationId } = await desk.talk()
      await visitor.ask('rating.set', { conversationId, rating })
    }
    const first = await surveys('?rating=1&limit=2')
    expect(first.body.items.map(({ rating }) => rating)).toEqual([1, 1])
    const second = await surveys(`?rating=1&limit=2&cursor=${first.body.nextCursor}`)
    expect(second.body.items).toHaveLength(1)
    expect(faultPaths(await surveys('?rating=9'))).toEqual(['rating'])
  })
})
