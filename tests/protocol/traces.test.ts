import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { databaseKinds } from '../support/databases.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import type { Workspace } from '../support/people.ts'
import { quickWorkspace } from '../support/quickPeople.ts'
import { connectMember, connectVisitor, newWidget, text, visit } from '../support/sockets.ts'

describe.each(databaseKinds)('what leaves no trace, on %s', kind => {
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
    const conversationId = (await visitor.ask('conversation.open', { clientId: 'first' })).conversation.id
    await member.ask('conversation.open', { conversationId })
    return { visitor, member, conversationId }
  }

  test('what is taken back goes with all its edits, also with one of the same moment', async () => {
    const { visitor, member, conversationId } = await chat()
    const about = async (clientId: string) => {
      const sent = { conversationId, clientId, parts: text(`${clientId} regretted`) }
      const { id: messageId } = await visitor.ask('message.send', sent)
      return { conversationId, messageId }
    }
    const edit = (target: Awaited<ReturnType<typeof about>>, clientId: string) =>
      visitor.answer('message.edit', { ...target, clientId, parts: text(`${clientId} regretted`) })
    for (let round = 0; round < 10; round++) {
      const target = await about(`round-${round}`)
      expect((await edit(target, `before-${round}`)).ok).toBe(true)
      const removal = { ...target, clientId: `removal-${round}` }
      // In one breath, so that they are stored together; an edit that comes after the deletion is refused.
      const [, removed, repeated] = await Promise.all([
        edit(target, `with-${round}`),
        visitor.answer('message.delete', removal),
        visitor.answer('message.delete', removal),
        edit(target, `after-${round}`),
      ])
      expect(removed).toMatchObject({ ok: true })
      expect(repeated).toEqual(removed)
      expect(await edit(target, `too-late-${round}`)).toMatchObject({
        ok: false,
        error: { code: 'conflict' },
      })
    }
    for (const socket of [visitor, member]) {
      const { entries } = await socket.ask('history.read', { conversationId, after: 0, limit: 200 })
      expect(entries.length).toBeGreaterThanOrEqual(30)
      expect(entries.filter(({ type, deleted }) => type !== 'delete' && !deleted)).toEqual([])
      expect(JSON.stringify(entries)).not.toContain('regretted')
    }
    const stored = "select count(*)::int as count from messages where text || parts::text like '%regretted%'"
    expect((await parley.owner.query<{ count: number }>(stored)).rows[0]?.count).toBe(0)
    visitor.close()
    member.close()
  })

  test('L1: a note leaves visitors neither a later time nor the mark of whoever has read it', async () => {
    const { visitor, member, conversationId } = await chat()
    await member.ask('message.send', { conversationId, clientId: 'n', parts: text('secret'), note: true })
    await member.ask('mark.set', { conversationId, delivered: 1, read: 1 })
    const silent = await visitor.ask('conversation.open', { conversationId })
    expect(silent).toMatchObject({ entries: [], marks: [], head: 0, conversation: { lastMessageAt: null } })
    const { createdAt } = await visitor.ask('message.send', {
      conversationId,
      clientId: 'v',
      parts: text('hi'),
    })
    await member.ask('message.send', { conversationId, clientId: 'n2', parts: text('secret'), note: true })
    const later = await visitor.ask('conversation.open', { conversationId })
    expect(later.conversation.lastMessageAt).toBe(createdAt)
    expect(later.conversation.head).toBe(1)
    visitor.close()
    member.close()
  })
})
