import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId } from '../../src/kernel/index.ts'
import { sweepTenants } from '../../src/tenancy/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { type OpenDatabase, openDatabase } from '../support/isolation.ts'
import { insertTenantRows } from '../support/tenantRows.ts'

describe.each(databaseKinds)('the nightly sweep on %s', kind => {
  let database: OpenDatabase
  beforeAll(async () => {
    database = await openDatabase(kind, 2)
  })
  afterAll(() => database.drop())

  test('forgets what people’s keys reserved a day ago and codes that are too old, and visits every tenant', async () => {
    const { userId, tenantId } = await insertTenantRows(database.owner, 'swept')
    const other = await insertTenantRows(database.owner, 'swept too')
    for (const [key, age] of [
      ['old', '25 hours'],
      ['new', '23 hours'],
    ])
      await database.owner.query(
        `insert into founding_keys (user_id, key, reserved, created_at) values ($1, $2, $3, now() - $4::interval)`,
        [userId, key, newId(), age],
      )
    for (const [digest, age] of [
      ['old', '6 minutes'],
      ['new', '2 minutes'],
    ])
      await database.owner.query(
        `insert into spent_codes (user_id, digest, created_at) values ($1, $2, now() - $3::interval)`,
        [userId, digest, age],
      )
    const visited: string[] = []
    const job = sweepTenants(database.db, [async scope => void visited.push(scope.tenantId)])
    await job.run({})
    expect(visited.sort()).toEqual([tenantId, other.tenantId].sort())
    const left = async (column: string, table: string) =>
      (await database.owner.query(`select ${column} as name from ${table}`)).rows
    expect(await left('key', 'founding_keys')).toEqual([{ name: 'new' }])
    expect(await left('digest', 'spent_codes')).toEqual([{ name: 'new' }])
  })
})
