import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { databaseKinds } from '../support/databases.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import { quickWorkspace } from '../support/quickPeople.ts'
import { connectMember, connectVisitor, newWidget, text, visit } from '../support/sockets.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

describe.each(databaseKinds)('what visitors have not received on %s', kind => {
  let parley: TestParley
  beforeAll(async () => {
    parley = await startParley(kind)
  })
  afterAll(() => parley.remove())

  test('G7: an edited message counts as it is now, and one taken back not at all', async () => {
    const { url } = parley
    const workspace = await quickWorkspace(parley)
    const { owner } = workspace
    const visitor = await connectVisitor(url, await visit(url, (await newWidget(workspace)).publicKey))
    const { conversation } = await visitor.ask('conversation.open', { clientId: 'one' })
    const conversationId = conversation.id
    const member = await connectMember(url, owner)
    const send = (said: string) =>
      member.ask('message.send', { conversationId, clientId: said, parts: text(said) })
    const undelivered = async () => {
      const { body } = await owner.call<{ items: object[] }>('get', '/api/v1/undelivered')
      return body.items
    }
    const first = await send('first')
    const second = await send('second')
    for (const better of ['better', 'best'])
      await member.ask('message.edit', {
        ...{ conversationId, clientId: better, messageId: first.id, parts: text(better) },
      })
    expect(await undelivered()).toMatchObject([{ id: conversationId, messages: 2, lastText: 'second' }])
    await member.ask('message.delete', { conversationId, clientId: 'no', messageId: second.id })
    expect(await undelivered()).toMatchObject([{ id: conversationId, messages: 1, lastText: 'best' }])
    await member.ask('message.delete', { conversationId, clientId: 'none', messageId: first.id })
    expect(await undelivered()).toEqual([])
    for (const socket of [visitor, member]) socket.close()
  })
})
