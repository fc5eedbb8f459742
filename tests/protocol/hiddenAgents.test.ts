import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { newId } from '../../src/kernel/index.ts'
import { databaseKinds } from '../support/databases.ts'
import type { Person } from '../support/people.ts'
import { expectProblem } from '../support/problems.ts'
import { quickMember } from '../support/quickPeople.ts'
import { connectMember } from '../support/sockets.ts'
import { type Source, type SourcesWorld, slow, startSourcesWorld } from '../support/sourcesWorld.ts'

vi.setConfig({ testTimeout: 120_000 })

interface Items {
  readonly items: { readonly id: string }[]
}

const sources = '/api/v1/knowledge/sources'

describe.each(databaseKinds)('what belongs to a hidden agent on %s', kind => {
  let world: SourcesWorld
  let agentId: string
  let source: Source
  /** From whom it is hidden, and who sees it. */
  let excluded: Person
  let admitted: Person
  beforeAll(async () => {
    world = await startSourcesWorld(kind)
    const { owner } = world.workspace
    agentId = (await owner.call<{ id: string }>('post', '/api/v1/agents', { name: 'Payroll' })).body.id
    const [one, other] = [
      await quickMember(world.parley, world.workspace, 'admin'),
      await quickMember(world.parley, world.workspace, 'admin'),
    ]
    await owner.call('put', `/api/v1/agents/${agentId}/permissions/${one.memberId}`, { visibility: 'hidden' })
    ;[excluded, admitted] = [one, other]
    source = await world.read({ type: 'text', name: 'Wages', text: 'Wages of herring smokers.', agentId })
    await world.read({ type: 'text', name: 'Menu', text: 'Herring with onions.' })
  })
  afterAll(() => world.parley.remove())

  const idsFor = async (person: Person, path: string) =>
    (await person.call<Items>('get', path)).body.items.map(({ id }) => id)
  const textsFor = async (person: Person, body: object = {}) => {
    const asked = { query: 'herring', ...body }
    const answer = await person.call<{ id: string; passages: { id: string; text: string }[] }>(
      'post',
      '/api/v1/knowledge/search',
      asked,
    )
    return { ...answer.body, texts: answer.body.passages.map(({ text }) => text).sort() }
  }

  test('K1 K2: its sources are not there for the member from whom it is hidden', async () => {
    expect(await idsFor(admitted, sources)).toContain(source.id)
    expect(await idsFor(excluded, sources)).toHaveLength(1)
    expect(await idsFor(excluded, `${sources}?agentId=${agentId}`)).toEqual([])
    const one = `${sources}/${source.id}`
    for (const [method, path, body] of [
      ['get', one],
      ['get', `${one}/documents`],
      ['patch', one, { name: 'Mine' }],
      ['post', `${one}/sync`],
      ['delete', one],
      ['post', sources, { type: 'text', name: 'More', text: 'More.', agentId }],
    ] as const)
      expectProblem(await excluded.call(method, path, body), 'not_found')
    const upload = await fetch(`${world.parley.url}${sources}/files?name=a.txt&agentId=${agentId}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${excluded.token}`, 'content-type': 'application/octet-stream' },
      body: 'words',
    })
    expect(upload.status).toBe(404)
    expect((await admitted.call('get', one)).status).toBe(200)
  })

  test('K1 K3: no search, citation or record shows them what it says', async () => {
    const whole = await textsFor(admitted)
    expect(whole.texts).toEqual(['Herring with onions.', 'Wages of herring smokers.'])
    for (const body of [{}, { agentId }])
      expect((await textsFor(excluded, body)).texts).toEqual(['Herring with onions.'])
    const chunk = `/api/v1/chunks/${whole.passages.find(({ text }) => text.startsWith('Wages'))?.id}`
    expect((await admitted.call('get', chunk)).status).toBe(200)
    expectProblem(await excluded.call('get', chunk), 'not_found')
    const { id } = await textsFor(admitted, { agentId })
    expect(await idsFor(admitted, '/api/v1/retrievals')).toContain(id)
    expect(await idsFor(excluded, '/api/v1/retrievals')).not.toContain(id)
    expectProblem(await excluded.call('get', `/api/v1/retrievals/${id}`), 'not_found')
  })

  test('K1 V4: what its answers cite is not opened for them, in a conversation that they see', async () => {
    const { tenantId } = world.workspace
    const { owner } = world.parley
    const [conversationId, messageId] = [newId(), newId()]
    const { rows } = await owner.query(
      `select id from knowledge_chunks where source_id = $1 and searchable`,
      [source.id],
    )
    const chunkId = rows[0]?.id
    await owner.query(`insert into conversations (tenant_id, id, agent_id, seq) values ($1, $2, $3, 1)`, [
      tenantId,
      conversationId,
      agentId,
    ])
    await owner.query(
      `insert into messages (tenant_id, id, conversation_id, seq, role, parts, sender_kind, sender_id, client_id)
       values ($1, $2, $3, 1, 'assistant', $4, 'agent', $5, 'an answer')`,
      [tenantId, messageId, conversationId, JSON.stringify([{ type: 'citation', chunkId }]), agentId],
    )
    const at = { conversationId, messageId, chunkId }
    const [seeing, blind] = [
      await connectMember(world.parley.url, admitted),
      await connectMember(world.parley.url, excluded),
    ]
    expect((await seeing.ask('citation.read', at)).text).toBe('Wages of herring smokers.')
    expect(await blind.answer('citation.read', at)).toMatchObject({ error: { code: 'not_found' } })
    for (const socket of [seeing, blind]) socket.close()
  })

  test('K1 V1: no widget is given to it by them, and what else they change of its widget is changed', async () => {
    const widgets = '/api/v1/widgets'
    const make = (person: Person, more: object) =>
      person.call<{ id: string }>('post', widgets, { name: `Widget ${newId()}`, ...more })
    expectProblem(await make(excluded, { agentId }), 'not_found')
    const { id: plain } = (await make(excluded, {})).body
    expectProblem(await excluded.call('patch', `${widgets}/${plain}`, { agentId }), 'not_found')
    const { id: theirs } = (await make(admitted, { agentId })).body
    const same = await excluded.call('patch', `${widgets}/${theirs}`, { agentId, active: false })
    expect(same).toMatchObject({ status: 200, body: { agentId, active: false } })
  })

  test('K1: its runs are not there either', async () => {
    const { tenantId } = world.workspace
    const [contactId, conversationId, runId] = [newId(), newId(), newId()]
    const { owner } = world.parley
    await owner.query(`insert into contacts (tenant_id, id) values ($1, $2)`, [tenantId, contactId])
    await owner.query(
      `insert into conversations (tenant_id, id, contact_id, agent_id) values ($1, $2, $3, $4)`,
      [tenantId, conversationId, contactId, agentId],
    )
    await owner.query(
      `insert into agent_runs (tenant_id, id, conversation_id, agent_id, agent_version, epoch, answers_seq, node, lease_until, provider, model)
       values ($1, $2, $3, $4, 1, 0, 1, $2, now(), 'none', 'none')`,
      [tenantId, runId, conversationId, agentId],
    )
    for (const filter of ['', `?agentId=${agentId}`, `?conversationId=${conversationId}`]) {
      expect(await idsFor(admitted, `/api/v1/runs${filter}`), filter).toContain(runId)
      expect(await idsFor(excluded, `/api/v1/runs${filter}`), filter).toEqual([])
    }
  })

  test('K1 K2: who follows the knowledge hears nothing of them, and the others do', async () => {
    const [deaf, hearing] = [
      await connectMember(world.parley.url, excluded),
      await connectMember(world.parley.url, admitted),
    ]
    expect((await deaf.ask('knowledge.subscribe', {})).sources.map(({ name }) => name)).toEqual(['Menu'])
    await hearing.ask('knowledge.subscribe', {})
    await world.resync(source.id)
    await hearing.next('source', ({ id, status }) => id === source.id && status === 'ready', slow)
    const shared = await world.read({ type: 'text', name: 'For all', text: 'Words for all.' })
    await deaf.next('source', ({ id, status }) => id === shared.id && status === 'ready', slow)
    expect(deaf.received('source').filter(({ id }) => id === source.id)).toEqual([])
    for (const socket of [deaf, hearing]) socket.close()
  })
})
