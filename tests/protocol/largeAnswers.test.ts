import { afterAll, beforeAll, expect, test } from 'vitest'
import { startParley, type TestParley } from '../support/parley.ts'
import { quickWorkspace } from '../support/quickPeople.ts'
import { connectMember, connectVisitor, newWidget, visit } from '../support/sockets.ts'

let parley: TestParley
beforeAll(async () => {
  parley = await startParley('embedded')
})
afterAll(() => parley.remove())

test('L9: much at once for who reads it is no reason to close', async () => {
  const workspace = await quickWorkspace(parley)
  const visitor = await connectVisitor(
    parley.url,
    await visit(parley.url, (await newWidget(workspace)).publicKey),
  )
  const member = await connectMember(parley.url, workspace.owner)
  const ids: string[] = []
  for (const clientId of ['one', 'two']) {
    const { conversation } = await visitor.ask('conversation.open', { clientId })
    ids.push(conversation.id)
    await member.ask('conversation.open', { conversationId: conversation.id })
  }
  // Committed together, so that one turn of the node hands out more than a connection may leave untaken.
  const parts = Array.from({ length: 10 }, () => ({ type: 'text' as const, text: 'x'.repeat(8_000) }))
  const count = 20
  const sends = Array.from({ length: count }, (_, at) =>
    ids.map(conversationId => visitor.ask('message.send', { conversationId, clientId: `m${at}`, parts })),
  )
  await Promise.all(sends.flat())
  for (const id of ids)
    await member.next('entries', ({ conversationId, head }) => conversationId === id && head === count)
  expect(member.received('entries').flatMap(({ entries }) => entries)).toHaveLength(count * ids.length)
  expect([...member.received('closing'), ...visitor.received('closing')]).toEqual([])
  visitor.close()
  member.close()
})
