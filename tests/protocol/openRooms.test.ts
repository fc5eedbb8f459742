import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { databaseKinds } from '../support/databases.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import { quickWorkspace } from '../support/quickPeople.ts'
import { connectVisitor, newWidget, type TestSocket, text, visit } from '../support/sockets.ts'

const kind = databaseKinds.at(-1) ?? 'embedded'

describe('S4: what one connection may have open', () => {
  let parley: TestParley
  let widgetKey: string
  beforeAll(async () => {
    parley = await startParley(kind, { COMMANDS_PER_SECOND: '1000' })
    widgetKey = (await newWidget(await quickWorkspace(parley))).publicKey
  })
  afterAll(() => parley?.remove())

  const comeIn = async () => connectVisitor(parley.url, await visit(parley.url, widgetKey))
  const begin = async (visitor: TestSocket, at: number) =>
    (await visitor.ask('conversation.open', { clientId: `c${at}` })).conversation.id
  const codes = async (tries: Promise<unknown>[]) =>
    (await Promise.allSettled(tries)).map(one =>
      one.status === 'fulfilled' ? 'ok' : one.reason.failure.code,
    )

  test('S4: a visitor has fifty conversations open at once, however fast they are asked for', async () => {
    const visitor = await comeIn()
    const answers = await codes(Array.from({ length: 60 }, (_, at) => begin(visitor, at)))
    expect(answers.filter(code => code === 'ok')).toHaveLength(50)
    expect(answers.filter(code => code === 'conflict')).toHaveLength(10)
    const [open, refused] = [answers.indexOf('ok'), answers.indexOf('conflict')]
    // One that is open is opened again, and one that is left makes room for another.
    const conversationId = await begin(visitor, open)
    await visitor.ask('conversation.leave', { conversationId })
    await begin(visitor, refused)
    expect(await codes([begin(visitor, open)])).toEqual(['conflict'])
    visitor.close()
  })

  test('4.2: what is left before it is open stays closed, and what is opened after that is open', async () => {
    const visiting = await visit(parley.url, widgetKey)
    const [reader, writer] = [
      await connectVisitor(parley.url, visiting),
      await connectVisitor(parley.url, visiting),
    ]
    const say = (conversationId: string) =>
      writer.ask('message.send', { conversationId, clientId: 'said', parts: text('said') })
    const left: string[] = []
    for (let at = 0; at < 10; at++) {
      const conversationId = await begin(writer, at)
      const open = () => reader.ask('conversation.open', { conversationId })
      const leave = () => reader.ask('conversation.leave', { conversationId })
      await Promise.all(at % 2 === 0 ? [open(), leave()] : [open(), leave(), open()])
      if (at % 2 === 0) left.push(conversationId)
      await say(conversationId)
      if (at % 2 === 1) await reader.next('entries', event => event.conversationId === conversationId)
    }
    const heard = reader.received('entries').map(({ conversationId }) => conversationId)
    expect(heard.filter(id => left.includes(id))).toEqual([])
    for (const socket of [reader, writer]) socket.close()
  })

  test('S4: a visitor begins a hundred conversations, then has to wait; those there are can be opened', async () => {
    const visitor = await comeIn()
    for (let at = 0; at < 100; at++)
      await visitor.ask('conversation.leave', { conversationId: await begin(visitor, at) })
    expect(await codes([begin(visitor, 100)])).toEqual(['rate_limited'])
    await begin(visitor, 99)
    const other = await comeIn()
    await begin(other, 0)
    for (const socket of [visitor, other]) socket.close()
  })
})
