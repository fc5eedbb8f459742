import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Asker } from '../support/answerWorld.ts'
import { eventually } from '../support/eventually.ts'
import { endedRuns, type ModelWorld, openModelWorld } from '../support/modelWorld.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

const ordering = { name: 'order', arguments: '{"id":"shelf","count":2}' }

/** A tool that changes something outside: that must not happen twice because an attempt at an answer came to nothing. */
describe('L8: tools that change something', () => {
  let world: ModelWorld
  let widgetKey: string
  const called: { headers: IncomingHttpHeaders; body: string }[] = []
  const shop = createServer(async (request, response) => {
    let body = ''
    for await (const piece of request) body += piece
    called.push({ headers: request.headers, body })
    response.setHeader('content-type', 'application/json').end(`{"ordered":${called.length}}`)
  })

  beforeAll(async () => {
    await new Promise<void>(resolve => shop.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(shop.address() as AddressInfo).port}/orders`
    world = await openModelWorld('PostgreSQL', { OUTGOING_ALLOWED: '127.0.0.1' })
    const properties = { id: { type: 'string' }, count: { type: 'integer' } }
    const order = {
      ...{ name: 'order', description: 'Orders something', method: 'POST', url },
      parameters: { type: 'object', properties, required: ['id', 'count'], additionalProperties: false },
    }
    widgetKey = (await world.newAgent({ toolResources: { httpTools: [order] } })).widgetKey
  })
  beforeEach(() => {
    world.model.reset()
    called.length = 0
  })
  afterAll(async () => {
    await world?.remove()
    shop.close()
  })

  const keys = () => called.map(({ headers }) => headers['idempotency-key'])
  const isWritten = (asker: Asker) => eventually('it is being written', () => asker.deltas.length > 0)

  test('a call has the same key whenever its question is answered, and another one for another question', async () => {
    world.answersWith(
      { toolCalls: [ordering] },
      { text: 'Ordered.' },
      // As a model may write them the next time.
      { toolCalls: [{ ...ordering, arguments: '{ "count": 2, "id": "shelf" }' }] },
      { text: 'Ordered, as I said.' },
      { toolCalls: [ordering, ordering] },
      { text: 'Two more.' },
    )
    const asker = await world.askerOf(widgetKey)
    const { conversationId } = asker
    await asker.say('Please order two shelves.')
    await asker.answered(1)
    await asker.ask('run.regenerate', { conversationId })
    await eventually('another answer', () => asker.entries.some(({ type }) => type === 'edit'))
    await asker.say('And the same twice again.')
    await asker.answered(2)
    const [first, again, second, third] = keys()
    expect(first).toMatch(/^[0-9a-f]{64}$/)
    expect(again).toBe(first)
    expect(new Set([first, second, third]).size).toBe(3)
    expect(keys()).toHaveLength(4)
    asker.close()
  })

  test('an attempt after one that was lost takes the result that stands in the log, and does not call again', async () => {
    world.answersWith(
      { toolCalls: [ordering] },
      { text: 'word '.repeat(400), rate: 20 },
      { toolCalls: [ordering] },
      { text: 'Ordered once.' },
    )
    const asker = await world.askerOf(widgetKey)
    await asker.say('Please order two shelves.')
    await isWritten(asker)
    // As when its node had died.
    await world.parley.owner.query(
      `update agent_runs set state = 'lost', lease_until = now() where conversation_id = $1`,
      [asker.conversationId],
    )
    expect((await asker.answered()).text).toBe('Ordered once.')
    expect(called).toHaveLength(1)
    const told = world.answering().at(-1)?.body.messages?.at(-1)
    expect(told).toMatchObject({ role: 'tool', content: expect.stringContaining('"ordered":1') })
    expect((await endedRuns(world, asker.conversationId)).map(({ state }) => state)).toEqual(['done', 'lost'])
    asker.close()
  })
})
