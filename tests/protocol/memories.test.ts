import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { recall, remember } from '../../src/agents/index.ts'
import { newId } from '../../src/kernel/index.ts'
import { type AgentWorld, openAgents } from '../support/agentWorld.ts'
import { databaseKinds } from '../support/databases.ts'
import { knowingWidget, knownVisit } from '../support/identities.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import type { Workspace } from '../support/people.ts'
import { expectProblem } from '../support/problems.ts'
import { quickWorkspace } from '../support/quickPeople.ts'
import { connectVisitor, visit } from '../support/sockets.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

interface Memory {
  id: string
  key: string
  value: string
  source: string
}
interface List {
  items: Memory[]
  nextCursor: string | null
}

describe.each(databaseKinds)('K6: what is remembered of a contact, on %s', kind => {
  let parley: TestParley
  let workspace: Workspace
  beforeAll(async () => {
    parley = await startParley(kind)
    workspace = await quickWorkspace(parley)
  })
  afterAll(() => parley?.remove())

  const call = <Body = Memory>(method: string, path: string, body?: unknown) =>
    workspace.owner.call<Body>(method, path, body)
  const newContact = async () => (await call('post', '/api/v1/contacts', { name: 'Ada' })).body.id
  const memoriesOf = (contactId: string) => `/api/v1/contacts/${contactId}/memories`
  const keysOf = async (contactId: string, query = '') =>
    (await call<List>('get', `${memoriesOf(contactId)}${query}`)).body.items.map(({ key }) => key)

  test('K6: is kept under a key, found by its words or their beginnings, and forgotten', async () => {
    const contactId = await newContact()
    const path = memoriesOf(contactId)
    const keep = (key: string, value: string, category?: string) =>
      call('post', path, { key, value, ...(category && { category }) })
    const size = await keep('shoe size', '42')
    expect(size.body).toMatchObject({ key: 'shoe size', value: '42', source: 'manual' })
    await keep('delivery', "Prefers O'Neill's shop in Ålesund, \\ never at home", 'preferences')
    await keep('colour', 'likes dark green')
    expect((await keep('shoe size', '43')).body).toMatchObject({ id: size.body.id, value: '43' })

    expect(await keysOf(contactId)).toEqual(['colour', 'delivery', 'shoe size'])
    const q = (text: string) => keysOf(contactId, `?q=${encodeURIComponent(text)}`)
    expect(await q('43')).toEqual(['shoe size'])
    expect(await q('42')).toEqual([])
    expect(await q('ÅLESUND')).toEqual(['delivery'])
    expect(await q('pref')).toEqual(['delivery'])
    expect(await q('green dark')).toEqual(['colour'])
    expect(await q('green home')).toEqual([])
    for (const odd of ["O'Neill's", `'`, `!&|:*()`, `\\`, `"a' & b:*`, '% _']) await q(odd)
    expect(await q("O'Neill's")).toEqual(['delivery'])
    expect(await q('!&|')).toEqual([])

    const page = (await call<List>('get', `${path}?limit=2`)).body
    const cursor = encodeURIComponent(page.nextCursor ?? '')
    expect(await keysOf(contactId, `?limit=2&cursor=${cursor}`)).toEqual(['shoe size'])
    expect((await call('delete', `${path}/${size.body.id}`)).status).toBe(204)
    expectProblem(await call('delete', `${path}/${size.body.id}`), 'not_found')
    expect((await call('delete', path)).status).toBe(204)
    expect(await keysOf(contactId)).toEqual([])
    expect((await call('delete', path)).status).toBe(204)
  })

  test('K6: belongs to one contact and goes with it', async () => {
    const [one, other] = [await newContact(), await newContact()]
    const { body } = await call('post', memoriesOf(one), { key: 'size', value: '42' })
    expect(await keysOf(other)).toEqual([])
    expectProblem(await call('delete', `${memoriesOf(other)}/${body.id}`), 'not_found')
    expectProblem(await call('post', memoriesOf(newId()), { key: 'size', value: '42' }), 'not_found')
    expectProblem(await call('get', memoriesOf(newId())), 'not_found')
    await call('delete', `/api/v1/contacts/${one}`)
    const { rows } = await parley.owner.query('select from memories where contact_id = $1', [one])
    expect(rows).toEqual([])
  })

  test('S5: what it says stays out of the audit trail', async () => {
    const contactId = await newContact()
    const value = `something private ${newId()}`
    const { body } = await call('post', memoriesOf(contactId), { key: 'note', value })
    await call('post', memoriesOf(contactId), { key: 'note', value: `${value} more` })
    await call('delete', `${memoriesOf(contactId)}/${body.id}`)
    const { rows } = await parley.owner.query('select * from audit_logs where resource_id = $1', [body.id])
    expect(rows).toHaveLength(3)
    expect(JSON.stringify(rows)).not.toContain(value)
  })

  test('K6: who turns out to be somebody is remembered as that person', async () => {
    const widget = await knowingWidget(workspace)
    const anonymous = await visit(parley.url, widget.publicKey)
    const socket = await connectVisitor(parley.url, anonymous)
    await socket.ask('conversation.open', { clientId: 'main' })
    const known = await knownVisit(parley, widget, { sub: 'ada' })
    await call('post', memoriesOf(known.contactId), { key: 'size', value: '43' })
    for (const key of ['size', 'colour'])
      await call('post', memoriesOf(anonymous.contactId), { key, value: '42' })
    await knownVisit(parley, widget, { sub: 'ada' }, anonymous.resume)
    socket.close()
    const { items } = (await call<List>('get', memoriesOf(known.contactId))).body
    expect(items.map(({ key, value }) => [key, value]).toSorted()).toEqual([
      ['colour', '42'],
      ['size', '43'],
    ])
  })
})

describe.each(databaseKinds)('K6: what agents recall, on %s', kind => {
  let world: AgentWorld
  beforeAll(async () => {
    world = await openAgents(kind)
  })
  afterAll(() => world?.drop())

  test('K6: first what has to do with the question, then what was learnt last', async () => {
    const { db, scope, contactId } = world
    for (const [key, value] of [
      ['shoe size', '42'],
      ['delivery', 'never on Mondays'],
      ['colour', 'dark green'],
    ] as const)
      await db.scoped(scope, tx => remember(scope, tx, { contactId, key, value, source: 'conversation' }))
    const keys = async (about: string, limit?: number) =>
      (await db.scoped(scope, tx => recall(scope, tx, contactId, { about, ...(limit && { limit }) }))).map(
        ({ key }) => key,
      )
    expect(await keys('Which shoe would fit me?')).toEqual(['shoe size', 'colour', 'delivery'])
    expect(await keys('?!', 1)).toEqual(['colour'])
  })

  test('K6: what was learnt longest ago makes room, what people wrote stays', async () => {
    const { db, scope } = world
    const contactId = await world.newContact()
    const keep = (key: string, source: 'manual' | 'conversation') =>
      db.scoped(scope, tx => remember(scope, tx, { contactId, key, value: 'x', source }))
    await keep('by hand', 'manual')
    for (let at = 0; at < 203; at++) await keep(`learnt ${at}`, 'conversation')
    const { rows } = await world.owner.query('select key from memories where contact_id = $1', [contactId])
    const keys = rows.map(({ key }) => key)
    expect(keys).toHaveLength(200)
    expect(keys).toContain('by hand')
    expect(keys).toContain('learnt 202')
    expect(keys).not.toContain('learnt 0')
  })
})
