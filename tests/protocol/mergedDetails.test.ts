import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { newId } from '../../src/kernel/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { type KnowingWidget, knowingWidget, knownVisit } from '../support/identities.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import type { Workspace } from '../support/people.ts'
import { quickWorkspace } from '../support/quickPeople.ts'
import { connectVisitor, visit } from '../support/sockets.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

describe.each(databaseKinds)('V3: what is known of a visitor who turns out to be somebody, on %s', kind => {
  let parley: TestParley
  let workspace: Workspace
  let widget: KnowingWidget

  beforeAll(async () => {
    parley = await startParley(kind)
    workspace = await quickWorkspace(parley)
    widget = await knowingWidget(workspace)
  })
  afterAll(() => parley?.remove())

  const known = (sub: string, resume: string) => knownVisit(parley, widget, { sub }, resume)

  async function talking() {
    const visiting = await visit(parley.url, widget.publicKey)
    const socket = await connectVisitor(parley.url, visiting)
    await socket.ask('conversation.open', { clientId: 'main' })
    return { visiting, socket }
  }

  test('V3: what the team knew of the anonymous visitor is kept where the person has nothing of their own', async () => {
    const { visiting, socket } = await talking()
    const before = {
      name: 'A visitor',
      email: 'a@people.example',
      tags: ['lead'],
      metadata: { page: '/a', plan: 'none' },
    }
    await workspace.owner.call('patch', `/api/v1/contacts/${visiting.contactId}`, before)
    const externalId = `kept-${newId()}`
    const made = { externalId, name: 'Ada', tags: ['gold'], metadata: { plan: 'gold' } }
    await workspace.owner.call('post', '/api/v1/contacts', made)
    const { contactId } = await known(externalId, visiting.resume)
    const { body } = await workspace.owner.call('get', `/api/v1/contacts/${contactId}`)
    expect(body).toMatchObject({
      ...{ name: 'Ada', email: 'a@people.example', tags: ['gold', 'lead'], verified: true },
      metadata: { page: '/a', plan: 'gold' },
    })
    socket.close()
  })

  test('V3 V8: what the browser has just said comes along: attributes one by one, and the page it is on', async () => {
    const { visiting, socket } = await talking()
    await socket.ask('visitor.describe', { attributes: { plan: 'free', cart: 3 } })
    await socket.ask('visitor.page', { url: 'https://shop.example/checkout' })
    const externalId = `said-${newId()}`
    const at = (url: string, ms: number) => ({ url, at: new Date(Date.now() + ms).toISOString() })
    const own = { attributes: { plan: 'pro', vip: true }, page: at('https://shop.example/old', -60_000) }
    await workspace.owner.call('post', '/api/v1/contacts', { externalId, metadata: own })
    const { contactId } = await known(externalId, visiting.resume)
    const metadata = async () =>
      (await workspace.owner.call<{ metadata: object }>('get', `/api/v1/contacts/${contactId}`)).body.metadata
    expect(await metadata()).toEqual({
      attributes: { plan: 'pro', vip: true, cart: 3 },
      page: expect.objectContaining({ url: 'https://shop.example/checkout' }),
    })
    // And the other way round: on another device they have gone on since.
    const elsewhere = await talking()
    await elsewhere.socket.ask('visitor.page', { url: 'https://shop.example/before' })
    const later = { page: at('https://shop.example/later', 60_000) }
    await workspace.owner.call('patch', `/api/v1/contacts/${contactId}`, { metadata: later })
    await known(externalId, elsewhere.visiting.resume)
    expect(await metadata()).toEqual(later)
    for (const open of [socket, elsewhere.socket]) open.close()
  })

  test('V3: a person has no more tags, attributes and notes by it than they may have', async () => {
    const { visiting, socket } = await talking()
    const some = (count: number, prefix: string, value: unknown = 'x') =>
      Object.fromEntries(Array.from({ length: count }, (_, at) => [`${prefix}${at}`, value]))
    const noted = (prefix: string) => ({
      tags: Object.keys(some(40, prefix)),
      metadata: { attributes: some(40, prefix), ...some(10, `note-${prefix}`, 'y'.repeat(1_000)) },
    })
    await workspace.owner.call('patch', `/api/v1/contacts/${visiting.contactId}`, noted('a'))
    const externalId = `full-${newId()}`
    await workspace.owner.call('post', '/api/v1/contacts', { externalId, ...noted('b') })
    const { contactId } = await known(externalId, visiting.resume)
    const { body } = await workspace.owner.call<{
      tags: string[]
      metadata: { attributes: Record<string, string>; [note: string]: unknown }
    }>('get', `/api/v1/contacts/${contactId}`)
    const { attributes, ...notes } = body.metadata
    const [tags, names] = [body.tags, Object.keys(attributes)]
    for (const list of [tags, names]) {
      expect(list).toHaveLength(50)
      expect(list.filter(name => name.startsWith('b'))).toHaveLength(40)
    }
    expect(Object.keys(notes).filter(name => name.startsWith('note-b'))).toHaveLength(10)
    expect(Object.keys(notes).length).toBeGreaterThan(12)
    expect(Buffer.byteLength(JSON.stringify(notes))).toBeLessThanOrEqual(16_384)
    socket.close()
  })
})
