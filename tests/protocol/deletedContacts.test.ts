import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { databaseKinds } from '../support/databases.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import type { Workspace } from '../support/people.ts'
import { quickWorkspace } from '../support/quickPeople.ts'
import { connectMember, connectVisitor, newWidget, text, visit } from '../support/sockets.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

describe.each(databaseKinds)('a contact that is deleted, on %s', kind => {
  let parley: TestParley
  let workspace: Workspace

  beforeAll(async () => {
    parley = await startParley(kind)
    workspace = await quickWorkspace(parley)
  })
  afterAll(() => parley?.remove())

  test('G5: members who have the conversation or the inbox before them are told that it is nobody’s', async () => {
    const widget = await newWidget(workspace)
    const visiting = await visit(parley.url, widget.publicKey)
    const guest = await connectVisitor(parley.url, visiting)
    const { conversation } = await guest.ask('conversation.open', { clientId: 'one' })
    await guest.ask('message.send', { conversationId: conversation.id, clientId: 'm', parts: text('hello') })
    const member = await connectMember(parley.url, workspace.owner)
    await member.ask('inbox.subscribe', {})
    await member.ask('conversation.open', { conversationId: conversation.id })
    const { status } = await workspace.owner.call('delete', `/api/v1/contacts/${visiting.contactId}`)
    expect(status).toBe(204)
    const nobodys = ({ id, contactId }: { id: string; contactId: string | null }) =>
      id === conversation.id && contactId === null
    await member.next('conversation', nobodys)
    await member.next('inbox', ({ conversations }) => conversations.some(nobodys))
    for (const socket of [guest, member]) socket.close()
  })
})
