import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import type pg from 'pg'
import { expect, test } from 'vitest'
import { describeError } from '../../src/kernel/index.ts'

test('S5: what a failed query was asked with stays out of the log, however deep it is wrapped', async () => {
  const driverError = Object.assign(new Error('duplicate key'), {
    code: '23505',
    detail: 'Key (email)=(ada@people.example) already exists.',
    client: { password: 'hunter2' },
  })
  const unusable = { query: () => Promise.reject(driverError) } as unknown as pg.Pool
  const failed = await drizzle(unusable)
    .execute(sql`select ${'ada@people.example'}, ${'a\nparams: secret'}`)
    .catch((error: Error) => error)
  expect(String((failed as Error).message)).toContain('ada@people.example')
  const logged = JSON.stringify(describeError(new Error('outer', { cause: failed })))
  expect(logged).toContain('Failed query: select')
  expect(logged).toContain('23505')
  expect(logged).toContain('log.test.ts')
  for (const value of ['ada@people.example', 'secret', 'hunter2']) expect(logged).not.toContain(value)
})
