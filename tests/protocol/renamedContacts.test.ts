import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { newId } from '../../src/kernel/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { type KnowingWidget, knock, knowingWidget, knownVisit } from '../support/identities.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import type { Workspace } from '../support/people.ts'
import { expectProblem } from '../support/problems.ts'
import { quickWorkspace } from '../support/quickPeople.ts'
import { connectVisitor, text, visit } from '../support/sockets.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

describe.each(databaseKinds)('S4: a contact is given the name of somebody else, on %s', kind => {
  let parley: TestParley
  let workspace: Workspace
  let widget: KnowingWidget

  beforeAll(async () => {
    parley = await startParley(kind)
    workspace = await quickWorkspace(parley)
    widget = await knowingWidget(workspace)
  })
  afterAll(() => parley?.remove())

  const known = (sub: string) => knownVisit(parley, widget, { sub })
  const rename = async (contactId: string, externalId: string | null) => {
    const { status } = await workspace.owner.call('patch', `/api/v1/contacts/${contactId}`, { externalId })
    expect(status).toBe(200)
  }

  test.each([
    ['another name', () => `new-${newId()}`],
    ['none', () => null],
  ])('%s: what was given for the former one speaks for nobody', async (_what, name) => {
    const former = `former-${newId()}`
    const before = await known(former)
    const socket = await connectVisitor(parley.url, before)
    const { conversation } = await socket.ask('conversation.open', { clientId: 'main' })
    const conversationId = conversation.id
    await socket.ask('message.send', { conversationId, clientId: 'one', parts: text('one') })
    await rename(before.contactId, name())
    expect(await socket.next('closing', () => true, 20_000)).toMatchObject({ code: 'token_expired' })
    await expect(connectVisitor(parley.url, before)).rejects.toMatchObject({
      failure: { code: 'token_expired' },
    })
    const { resume } = before
    expectProblem(await knock(parley, { widget: widget.publicKey, resume }), 'identity_required')
    // The former person is somebody else from now on, also from the same browser.
    const onward = await knownVisit(parley, widget, { sub: former }, resume)
    expect(onward.contactId).not.toBe(before.contactId)
    const there = await connectVisitor(parley.url, onward)
    expect((await there.ask('conversation.list', {})).conversations).toEqual([])
    await expect(there.ask('session.renew', { credential: before.token })).rejects.toThrow(/unauthenticated/)
    there.close()
  })

  test('who has the new name comes in as that contact, and what else is changed of it ends nothing', async () => {
    const [former, later] = [`former-${newId()}`, `later-${newId()}`]
    const { contactId } = await known(former)
    await rename(contactId, later)
    const person = await known(later)
    expect(person.contactId).toBe(contactId)
    const socket = await connectVisitor(parley.url, person)
    const { status } = await workspace.owner.call('patch', `/api/v1/contacts/${contactId}`, {
      ...{ name: 'Later', externalId: later },
    })
    expect(status).toBe(200)
    const next = await visit(parley.url, widget.publicKey, person.resume)
    expect(next.contactId).toBe(contactId)
    await socket.ask('session.renew', { credential: next.token })
    expect(socket.received('closing')).toEqual([])
    socket.close()
  })
})
