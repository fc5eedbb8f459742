import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Sender } from '../../src/chat/access.ts'
import { createMarks, type Marks } from '../../src/chat/marks.ts'
import { type MarkInput, type MovedMark, moveMarks } from '../../src/chat/marksStore.ts'
import { createLog, newId } from '../../src/kernel/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { databaseOver, type OpenDatabase, openDatabase, scopeOf } from '../support/isolation.ts'

/** What comes within a moment is stored by one statement. */
describe.each(databaseKinds)('10.1 marks that are stored together, on %s', kind => {
  const tenantId = newId()
  const scope = scopeOf(tenantId)
  let database: OpenDatabase
  let marks: Marks
  let told: MovedMark[] = []
  let conversationId = ''

  beforeAll(async () => {
    database = await openDatabase(kind)
    const journal = createLog({ level: 'fatal' })
    const moved = (_tenantId: string, news: readonly MovedMark[]) => void told.push(...news)
    marks = createMarks({ db: database.db, log: journal, moved })
    await database.owner.query('insert into tenants (id, name, slug) values ($1, $2, $2)', [
      ...[tenantId, 'marks'],
    ])
  })
  beforeEach(async () => {
    told = []
    conversationId = newId()
    await database.owner.query('insert into conversations (tenant_id, id, seq) values ($1, $2, 9)', [
      ...[tenantId, conversationId],
    ])
  })
  afterAll(() => database?.drop())

  const reader = (id = newId()): Sender => ({ kind: 'member', id })
  const set = (who: Sender, read: number) => marks.set(scope, who, { conversationId, delivered: 0, read })
  const codesOf = async (work: Promise<void>[]) =>
    (await Promise.allSettled(work)).map(one => (one.status === 'fulfilled' ? 'stored' : one.reason.code))

  test('the same row twice in one statement, in two spellings, is one: the highest counts', async () => {
    const readerId = newId()
    const mark = (delivered: number, read: number): MarkInput => ({
      ...{ conversationId, readerKind: 'member', readerId, view: 'all', delivered, read },
    })
    const shouted = { ...mark(7, 2), conversationId: conversationId.toUpperCase() }
    const move = (list: MarkInput[]) => database.db.scoped(scope, tx => moveMarks(tx, tenantId, list))
    expect(await move([mark(4, 3), shouted])).toMatchObject([
      { conversationId, readerId, seq: 3, deliveredSeq: 7, readMoved: true },
    ])
    expect(await move([shouted, mark(9, 9)])).toMatchObject([{ seq: 9, deliveredSeq: 9, readMoved: true }])
  })

  test('one that cannot be stored refuses itself alone', async () => {
    const [one, other] = [reader(), reader()]
    expect(await codesOf([set(one, 2), set(reader('no id'), 3), set(other, 4), set(one, 5)])).toEqual([
      ...['stored', 'invalid_request', 'stored', 'stored'],
    ])
    expect(told.map(({ readerId, seq }) => [readerId, seq])).toEqual([
      [one.id, 5],
      [other.id, 4],
    ])
  })

  test('without a database all can be sent again', async () => {
    const { db, pool } = databaseOver(database.connection, 1)
    await pool.end()
    const away = createMarks({ db, log: createLog({ level: 'fatal' }), moved: () => undefined })
    const mark = { conversationId, delivered: 1, read: 1 }
    const work = [reader(), reader('no id')].map(who => away.set(scope, who, mark))
    expect(await codesOf(work)).toEqual(['unavailable', 'unavailable'])
  })
})
