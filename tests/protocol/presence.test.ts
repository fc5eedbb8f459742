import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { knowingWidget, knownVisit } from '../support/identities.ts'
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
    const early = await connectMember(parley.url, workspace.owner)
    const late = await connectMember(parley.url, workspace.owner)
    await early.ask('conversation.open', { conversationId })
    before.close()
    await early.next('online', ({ online }) => !online)
    const again = await connectVisitor(parley.url, visiting)
    expect((await late.ask('conversation.open', { conversationId })).online).toBe(true)
    await early.next('online', ({ online }) => online)
    for (const socket of [again, early, late]) socket.close()
  })

  test('a visitor who has a conversation open is told when somebody of the team comes and when the last one goes', async () => {
    const { owner } = workspace
    const { publicKey } = await newWidget(workspace)
    const other = await quickWorkspace(parley)
    const elsewhere = await connectVisitor(
      parley.url,
      await visit(parley.url, (await newWidget(other)).publicKey),
    )
    const visitor = await connectVisitor(parley.url, await visit(parley.url, publicKey))
    const opened = await visitor.ask('conversation.open', { clientId: 'first' })
    await elsewhere.ask('conversation.open', { clientId: 'first' })
    // Those of the tests before may only just have gone.
    if (opened.online) await visitor.next('online', ({ online }) => !online)
    const conversationId = opened.conversation.id
    const member = await connectMember(parley.url, owner)
    expect(await visitor.next('online', ({ online }) => online)).toEqual({ conversationId, online: true })
    member.close()
    expect(await visitor.next('online', ({ online }) => !online)).toEqual({ conversationId, online: false })
    expect(elsewhere.received('online')).toEqual([])
    for (const socket of [visitor, elsewhere]) socket.close()
  })

  test('V3: of a visitor who turns out to be somebody, members are told that the person is there', async () => {
    const widget = await knowingWidget(workspace)
    const visiting = await visit(parley.url, widget.publicKey)
    const before = await connectVisitor(parley.url, visiting)
    const { id: conversationId } = (await before.ask('conversation.open', { clientId: 'main' })).conversation
    const member = await connectMember(parley.url, workspace.owner)
    expect((await member.ask('conversation.open', { conversationId })).online).toBe(true)
    const person = await knownVisit(parley, widget, { sub: 'ada' }, visiting.resume)
    await before.next('closing')
    await member.next('online', ({ online }) => !online)
    const again = await connectVisitor(parley.url, person)
    await again.ask('conversation.open', { clientId: 'main' })
    await member.next('online', ({ online }) => online)
    again.close()
    await eventually('the person is gone', () => member.received('online').at(-1)?.online === false)
    member.close()
  })
})
