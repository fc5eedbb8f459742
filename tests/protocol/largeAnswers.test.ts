import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Entry } from '../../src/protocol/index.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import { quickWorkspace } from '../support/quickPeople.ts'
import { connectMember, connectVisitor, newWidget, type TestSocket, visit } from '../support/sockets.ts'

let parley: TestParley
beforeAll(async () => {
  // What one connection may send is more than is said at once here.
  parley = await startParley('embedded', { COMMANDS_PER_SECOND: '1000' })
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

describe('7.3: a page is bounded by what is sent', () => {
  const pageBytes = 256 * 1024
  const large = 40
  let visitor: TestSocket
  let conversationId: string
  beforeAll(async () => {
    const workspace = await quickWorkspace(parley)
    visitor = await connectVisitor(
      parley.url,
      await visit(parley.url, (await newWidget(workspace)).publicKey),
    )
    conversationId = (await visitor.ask('conversation.open', { clientId: 'pages' })).conversation.id
    // Each is one byte in the database and two in JSON, and is sent twice.
    const part = { type: 'text' as const, text: '"'.repeat(8_000) }
    const say = (clientId: string, count: number) =>
      visitor.ask('message.send', { conversationId, clientId, parts: Array(count).fill(part) })
    for (let at = 1; at <= large; at++) await say(`m${at}`, 1)
    // More than a page by itself.
    await say('last', 10)
  })
  afterAll(() => visitor.close())

  const sizeOf = (entries: readonly Entry[]) => Buffer.byteLength(JSON.stringify(entries))
  const expectFitting = (entries: readonly Entry[]) => {
    expect(entries.length).toBeGreaterThan(0)
    // Beside its content an entry has ids and a moment.
    if (entries.length > 1) expect(sizeOf(entries)).toBeLessThanOrEqual(pageBytes + entries.length * 500)
  }

  test('forwards: every page fits, and they lead to the end', async () => {
    const seqs: number[] = []
    for (let more = true; more; ) {
      const page = await visitor.ask('history.read', { conversationId, after: seqs.at(-1) ?? 0, limit: 200 })
      expectFitting(page.entries)
      if (seqs.length === 0) expect(sizeOf(page.entries)).toBeGreaterThan(pageBytes / 2)
      seqs.push(...page.entries.map(({ seq }) => seq))
      more = page.more
      expect(more).toBe((seqs.at(-1) ?? 0) < large + 1)
    }
    expect(seqs).toEqual(Array.from({ length: large + 1 }, (_, at) => at + 1))
  })

  test('backwards, and with the conversation that is opened', async () => {
    const opened = await visitor.ask('conversation.open', { conversationId, limit: 200 })
    expect(opened.entries.map(({ seq }) => seq)).toEqual([large + 1])
    expect(opened.more).toBe(true)
    let first = large + 1
    while (first > 1) {
      const page = await visitor.ask('history.read', { conversationId, before: first, limit: 200 })
      expectFitting(page.entries)
      expect(page.entries.at(-1)?.seq).toBe(first - 1)
      first = page.entries[0]?.seq ?? 0
      expect(page.more).toBe(first > 1)
    }
    expect(first).toBe(1)
    const again = await visitor.ask('conversation.open', { conversationId, after: 0, limit: 200 })
    expectFitting(again.entries)
    expect(again.more).toBe(true)
  })
})
