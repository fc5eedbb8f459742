import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startParley, type TestParley } from '../support/parley.ts'
import type { Workspace } from '../support/people.ts'
import { quickMember, quickWorkspace } from '../support/quickPeople.ts'
import { connectMember, connectVisitor, newWidget, visit } from '../support/sockets.ts'

describe('presence', () => {
  let parley: TestParley
  let workspace: Workspace

  beforeAll(async () => {
    parley = await startParley('embedded')
    workspace = await quickWorkspace(parley)
  })
  afterAll(() => parley?.remove())

  test('whoever leaves and comes back a few times within seconds is there', async () => {
    const colleague = await quickMember(parley, workspace, 'support_agent')
    const come = () => connectMember(parley.url, colleague)
    const watcher = await connectMember(parley.url, workspace.owner)
    const first = await come()
    first.close()
    await sleep(1_000)
    const second = await come()
    await sleep(500)
    second.close()
    // The first absence has been noted by now, the second one is about to be.
    await sleep(1_000)
    const third = await come()
    await sleep(1_500)
    const { present } = await watcher.ask('inbox.subscribe', {})
    expect(present).toContainEqual({ memberId: colleague.memberId, status: 'online' })
    for (const socket of [third, watcher]) socket.close()
  })

  test('a visitor who comes is told to everyone who has the conversation open, also when another opens it in that moment', async () => {
    const { publicKey } = await newWidget(workspace)
    const visiting = await visit(parley.url, publicKey)
    const before = await connectVisitor(parley.url, visiting)
    const { id: conversationId } = (await before.ask('conversation.open', { clientId: 'first' })).conversation
    before.close()
    const early = await connectMember(parley.url, workspace.owner)
    const late = await connectMember(parley.url, workspace.owner)
    await early.ask('conversation.open', { conversationId })
    await early.next('online', ({ online }) => !online)
    const again = await connectVisitor(parley.url, visiting)
    expect((await late.ask('conversation.open', { conversationId })).online).toBe(true)
    await early.next('online', ({ online }) => online)
    for (const socket of [again, early, late]) socket.close()
  })
})
