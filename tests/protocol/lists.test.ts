import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId } from '../../src/kernel/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import type { Caller, Workspace } from '../support/people.ts'
import { expectProblem, faultPaths } from '../support/problems.ts'
import { quickMember, quickWorkspace } from '../support/quickPeople.ts'

interface Item {
  id: string
  name?: string | null
}
interface Page {
  items: Item[]
  nextCursor: string | null
}

describe.each(databaseKinds)('lists and repeats on %s', kind => {
  let parley: TestParley
  let workspace: Workspace
  beforeAll(async () => {
    parley = await startParley(kind)
    workspace = await quickWorkspace(parley)
    await quickMember(parley, workspace, 'member')
  })
  afterAll(() => parley.remove())

  async function readAll(
    path: string,
    limit: number,
    between: () => Promise<unknown> = async () => undefined,
  ) {
    const pages: Item[][] = []
    let cursor: string | null = null
    do {
      const joint = path.includes('?') ? '&' : '?'
      const from: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`
      const { status, body } = await workspace.owner.call<Page>('get', `${path}${joint}limit=${limit}${from}`)
      expect(status).toBe(200)
      pages.push(body.items)
      cursor = body.nextCursor
      if (cursor !== null) await between()
    } while (cursor !== null)
    return pages
  }
  const create = (by: Caller, body: object, key?: string) =>
    by.call<Item>('post', '/api/v1/contacts', body, key === undefined ? {} : { 'idempotency-key': key })
  const stored = async (tag: string): Promise<string[]> =>
    (
      await parley.owner.query(
        'select id from contacts where tenant_id = $1 and $2 = any(tags) order by id desc',
        [workspace.tenantId, tag],
      )
    ).rows.map(row => row.id)

  test('whatever the size of the pages, together they are all rows, once each, newest first', async () => {
    const made: string[] = []
    for (let at = 0; at < 23; at++) made.unshift((await create(workspace.owner, { tags: ['paged'] })).body.id)
    expect(await stored('paged')).toEqual(made)
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 30 }), async limit => {
        const pages = await readAll('/api/v1/contacts?tag=paged', limit)
        expect(pages.flat().map(({ id }) => id)).toEqual(made)
        expect(pages.slice(0, -1).every(page => page.length === limit)).toBe(true)
        expect(pages.at(-1)?.length).toBeGreaterThan(0)
      }),
      { numRuns: 8, examples: [[1], [23], [22], [24]] },
    )
  })

  test('what is added or deleted meanwhile shifts no page', async () => {
    for (let at = 0; at < 9; at++) await create(workspace.owner, { tags: ['moving'] })
    const before = await stored('moving')
    const read: string[] = []
    const pages = await readAll('/api/v1/contacts?tag=moving', 2, async () => {
      await create(workspace.owner, { tags: ['moving'] })
      // The newest one that was there at the beginning, which an offset would count.
      await parley.owner.query('delete from contacts where id = $1', [before[read.length]])
      read.push('')
    })
    expect(pages.flat().map(({ id }) => id)).toEqual(before)
  })

  test('every list is paged the same way', async () => {
    for (const name of ['one', 'two', 'three']) {
      await workspace.owner.call('post', '/api/v1/widgets', { name })
      await workspace.owner.call('post', '/api/v1/roles', { name, permissions: ['tenant:read'] })
      await workspace.owner.call('post', '/api/v1/keys', { name, permissions: ['tenant:read'] })
      await workspace.owner.call('post', '/api/v1/invitations', {
        email: `${name}@people.example`,
        role: 'member',
      })
    }
    for (let at = 0; at < 3; at++) {
      const conversationId = newId()
      await parley.owner.query('insert into conversations (tenant_id, id) values ($1, $2)', [
        ...[workspace.tenantId, conversationId],
      ])
      await parley.owner.query(
        `insert into escalations (tenant_id, id, conversation_id, epoch, reason, brief)
         values ($1, $2, $3, 1, 'rule', '{"summary": "", "asked": "", "tried": [], "contact": {}}')`,
        [workspace.tenantId, newId(), conversationId],
      )
    }
    for (const list of ['widgets', 'roles', 'keys', 'invitations', 'members', 'audit', 'escalations']) {
      const whole = (await readAll(`/api/v1/${list}`, 100)).flat().map(({ id }) => id)
      expect(whole.length, list).toBeGreaterThanOrEqual(2)
      expect(whole, list).toEqual([...new Set(whole)].sort().reverse())
      expect(
        (await readAll(`/api/v1/${list}`, 2)).flat().map(({ id }) => id),
        list,
      ).toEqual(whole)
    }
  })

  test('a cursor is good for the list that gave it, and for no other', async () => {
    for (let at = 0; at < 2; at++) await create(workspace.owner, {})
    await quickMember(parley, workspace, 'member')
    const cursorOf = async (path: string) =>
      (await workspace.owner.call<Page>('get', `${path}?limit=1`)).body.nextCursor ?? ''
    const lists = ['/api/v1/contacts', '/api/v1/members']
    for (const path of lists) {
      const cursor = await cursorOf(path)
      for (const other of [...lists, '/api/v1/audit', '/api/v1/me/security-events']) {
        const answer = await workspace.owner.call('get', `${other}?cursor=${cursor}`)
        if (other === path) expect(answer.status).toBe(200)
        else expect(faultPaths(answer), `${path} for ${other}`).toEqual(['cursor'])
      }
    }
  })

  test('a cursor of another workspace shows nothing of it', async () => {
    const other = await quickWorkspace(parley)
    for (const name of ['a', 'b']) await create(other.owner, { name })
    const { body } = await other.owner.call<Page>('get', '/api/v1/contacts?limit=1')
    const mine = await workspace.owner.call<Page>(
      'get',
      `/api/v1/contacts?cursor=${body.nextCursor}&limit=100`,
    )
    const foreign = await parley.owner.query('select id from contacts where tenant_id = $1', [other.tenantId])
    for (const { id } of foreign.rows) expect(mine.body.items.map(item => item.id)).not.toContain(id)
  })

  test('one key creates once, however many requests carry it at the same moment', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => create(workspace.owner, { name: 'Once', tags: ['once'] }, 'once')),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(201))
    expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1)
    expect(answers.filter(({ headers }) => headers.get('idempotent-replayed') === 'true')).toHaveLength(7)
    expect(await stored('once')).toHaveLength(1)
  })

  test('a key stands for one request: the order of fields does not matter, anything else does', async () => {
    const first = await create(workspace.owner, { name: 'A', externalId: 'order' }, 'same')
    expect(first.status).toBe(201)
    expect((await create(workspace.owner, { externalId: 'order', name: 'A' }, 'same')).body.id).toBe(
      first.body.id,
    )
    expectProblem(await create(workspace.owner, { name: 'B' }, 'same'), 'idempotency_mismatch')
    const elsewhere = await workspace.owner.call(
      'post',
      '/api/v1/widgets',
      { name: 'A' },
      { 'idempotency-key': 'same' },
    )
    expectProblem(elsewhere, 'idempotency_mismatch')
  })

  test('a key belongs to whoever uses it', async () => {
    const admin = await quickMember(parley, workspace, 'admin')
    const [one, two] = [
      await create(workspace.owner, { name: 'X' }, 'shared'),
      await create(admin, { name: 'X' }, 'shared'),
    ]
    expect([one.status, two.status]).toEqual([201, 201])
    expect(one.body.id).not.toBe(two.body.id)
    const other = await quickWorkspace(parley)
    expect((await create(other.owner, { name: 'Y' }, 'shared')).status).toBe(201)
  })

  test('a try that failed leaves its key free', async () => {
    await create(workspace.owner, { externalId: 'taken' })
    expectProblem(await create(workspace.owner, { externalId: 'taken' }, 'second-try'), 'conflict')
    expectProblem(await create(workspace.owner, { nonsense: 1 }, 'second-try'), 'invalid_request')
    const again = await create(workspace.owner, { externalId: 'free' }, 'second-try')
    expect([again.status, again.headers.has('idempotent-replayed')]).toEqual([201, false])
  })

  test('a key that is none is refused, also where it would not be used', async () => {
    for (const key of ['', ' ', 'a b', 'x'.repeat(201), 'ä']) {
      const answer = await create(workspace.owner, {}, key)
      expectProblem(answer, 'invalid_request')
    }
  })

  test('two changes at once are both kept or told apart in the audit trail', async () => {
    const { id } = (await create(workspace.owner, { name: 'start' })).body
    await Promise.all(
      [1, 2, 3, 4].map(at => workspace.owner.call('patch', `/api/v1/contacts/${id}`, { name: `n${at}` })),
    )
    const { rows } = await parley.owner.query<{ old_values: Item; new_values: Item }>(
      `select old_values, new_values from audit_logs where resource_id = $1 and action = 'contact.updated' order by id`,
      [id],
    )
    expect(rows).toHaveLength(4)
    // Each saw what the one before it left: a chain from the start to what is stored now.
    const next = new Map(rows.map(({ old_values, new_values }) => [old_values.name, new_values.name]))
    let name: string | null | undefined = 'start'
    for (let step = 0; step < 4; step++) name = next.get(name)
    const now = await workspace.owner.call<Item>('get', `/api/v1/contacts/${id}`)
    expect(now.body.name).toBe(name)
  })
})
