import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { databaseKinds } from '../support/databases.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import type { Workspace } from '../support/people.ts'
import { quickMember, quickWorkspace } from '../support/quickPeople.ts'
import { connectMember, connectVisitor, newWidget, text, visit } from '../support/sockets.ts'

describe.each(databaseKinds)('the gateway on %s', kind => {
  let parley: TestParley
  let workspace: Workspace
  let widgetKey: string

  beforeAll(async () => {
    parley = await startParley(kind, { COMMANDS_PER_SECOND: '1000' })
    workspace = await quickWorkspace(parley)
    widgetKey = (await newWidget(workspace)).publicKey
  })
  afterAll(() => parley?.remove())

  async function chat() {
    const visitor = await connectVisitor(parley.url, await visit(parley.url, widgetKey))
    const member = await connectMember(parley.url, workspace.owner)
    const opened = await visitor.ask('conversation.open', { clientId: 'first' })
    const conversationId = opened.conversation.id
    await member.ask('conversation.open', { conversationId })
    return { visitor, member, conversationId }
  }

  test('L1 L2: a message is acknowledged with its place, reaches the other side, and a repeat makes no second one', async () => {
    const { visitor, member, conversationId } = await chat()
    const message = { conversationId, clientId: 'm-1', parts: text('Hello?') }
    const stored = await visitor.ask('message.send', message)
    expect(stored.seq).toBe(1)
    expect(await visitor.ask('message.send', message)).toEqual(stored)
    const event = await member.next('entries')
    expect(event).toMatchObject({
      conversationId,
      head: 1,
      entries: [{ id: stored.id, seq: 1, text: 'Hello?' }],
    })
    const answered = await member.ask('message.send', { conversationId, clientId: 'a-1', parts: text('Hi!') })
    expect(answered.seq).toBe(2)
    await visitor.next('entries', ({ head }) => head === 2)
    visitor.close()
    member.close()
  })

  test('L1: a note reaches members only, and leaves no hole in what visitors count', async () => {
    const { visitor, member, conversationId } = await chat()
    await visitor.ask('message.send', { conversationId, clientId: '1', parts: text('one') })
    const note = await member.ask('message.send', {
      conversationId,
      clientId: '2',
      parts: text('secret'),
      note: true,
    })
    expect(note.seq).toBe(2)
    const third = await member.ask('message.send', { conversationId, clientId: '3', parts: text('three') })
    expect(third.seq).toBe(3)
    const seen = await visitor.next('entries', ({ entries }) => entries.some(entry => entry.text === 'three'))
    expect(seen.head).toBe(2)
    const page = await visitor.ask('history.read', { conversationId, after: 0 })
    expect(page.entries.map(entry => [entry.seq, entry.text])).toEqual([
      [1, 'one'],
      [2, 'three'],
    ])
    expect(JSON.stringify(visitor.received('entries'))).not.toContain('secret')
    visitor.close()
    member.close()
  })

  test('L5: both directions of history, edits and deletions', async () => {
    const { visitor, member, conversationId } = await chat()
    const sent = []
    for (let at = 1; at <= 5; at++)
      sent.push(
        await visitor.ask('message.send', { conversationId, clientId: `m${at}`, parts: text(`m${at}`) }),
      )
    const first = sent[0]?.id ?? ''
    await visitor.ask('message.edit', {
      conversationId,
      clientId: 'e',
      messageId: first,
      parts: text('edited'),
    })
    const deletion = { conversationId, clientId: 'd', messageId: sent[1]?.id ?? '' }
    const deleted = await visitor.ask('message.delete', deletion)
    expect(await visitor.ask('message.delete', deletion)).toEqual(deleted)
    const tail = await member.ask('history.read', { conversationId, before: 4, limit: 2 })
    expect(tail.entries.map(({ seq, text: said }) => [seq, said])).toEqual([
      [2, ''],
      [3, 'm3'],
    ])
    expect(tail.entries[0]?.deleted).toBe(true)
    expect(tail.more).toBe(true)
    const rest = await member.ask('history.read', { conversationId, after: 5 })
    expect(rest.entries.map(({ type, parentId }) => [type, parentId])).toEqual([
      ['edit', first],
      ['delete', sent[1]?.id],
    ])
    await expect(
      member.ask('message.edit', { conversationId, clientId: 'x', messageId: first, parts: text('no') }),
    ).rejects.toThrow(/forbidden/)
    visitor.close()
    member.close()
  })

  test('marks, typing, presence and the inbox', async () => {
    const { visitor, member, conversationId } = await chat()
    const colleague = await connectMember(parley.url, await quickMember(parley, workspace, 'support_agent'))
    const inbox = await colleague.ask('inbox.subscribe', {})
    // Nobody has said anything there yet.
    expect(inbox.conversations.map(({ id }) => id)).not.toContain(conversationId)
    await visitor.ask('message.send', { conversationId, clientId: '1', parts: text('one') })
    await colleague.next('inbox', ({ conversations }) =>
      conversations.some(
        ({ id, preview, unread }) => id === conversationId && preview === 'one' && unread === 1,
      ),
    )
    await visitor.ask('typing.set', { conversationId, typing: true })
    await member.next('typing')
    await member.ask('mark.set', { conversationId, delivered: 1, read: 1 })
    const mark = await visitor.next('mark')
    expect(mark).toMatchObject({ read: 1, delivered: 1, reader: { kind: 'member' } })
    const again = await colleague.ask('inbox.subscribe', {})
    expect(again.conversations.find(({ id }) => id === conversationId)?.unread).toBe(1)
    const reopened = await visitor.ask('conversation.open', { conversationId })
    expect(reopened.online).toBe(true)
    visitor.close()
    await member.next('online', ({ online }) => !online)
    member.close()
    colleague.close()
  })

  test('of many unread messages no more than a hundred are counted, in the snapshot and in events alike', async () => {
    const { visitor, member, conversationId } = await chat()
    const { conversations } = await member.ask('inbox.subscribe', {})
    expect(conversations.map(({ id }) => id)).not.toContain(conversationId)
    const say = (clientId: string) =>
      visitor.ask('message.send', { conversationId, clientId, parts: text(clientId) })
    await Promise.all(Array.from({ length: 99 }, (_, at) => say(`${at}`)))
    const told = (unread: number, head: number) =>
      member.next('inbox', event =>
        event.conversations.some(
          line => line.id === conversationId && line.unread === unread && line.head === head,
        ),
      )
    await told(99, 99)
    await say('the-hundredth')
    await say('one-more')
    await told(100, 101)
    const again = await member.ask('inbox.subscribe', {})
    expect(again.conversations.find(({ id }) => id === conversationId)?.unread).toBe(100)
    await member.ask('mark.set', { conversationId, delivered: 101, read: 98 })
    await told(3, 101)
    // However much the reader wrote since, what others wrote before is unread as it was.
    const own = (at: number) =>
      member.ask('message.send', { conversationId, clientId: `o${at}`, parts: text('own') })
    await Promise.all(Array.from({ length: 60 }, (_, at) => own(at)))
    await told(3, 161)
    await Promise.all(Array.from({ length: 60 }, (_, at) => own(60 + at)))
    await told(3, 221)
    visitor.close()
    member.close()
  })
})
