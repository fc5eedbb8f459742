import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Transaction } from '../../src/db/index.ts'
import { newId } from '../../src/kernel/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { attempt, type OpenDatabase, openDatabase, refusal, scopeOf, undone } from '../support/isolation.ts'

const changes = [
  `update security_events set action = 'other'`,
  'update security_events set user_id = user_id',
  'delete from security_events',
  'truncate security_events',
  `insert into security_events select * from security_events on conflict (id) do update set action = 'other'`,
]

describe.each(databaseKinds)('T5 the trail of accounts on %s', kind => {
  let database: OpenDatabase
  beforeAll(async () => {
    database = await openDatabase(kind, 2)
  })
  afterAll(() => database.drop())

  /** Made by the role that serves people, as everything below. */
  async function newUser(): Promise<string> {
    const id = newId()
    await as(id, sql`insert into users (id, email, name) values (${id}, ${`${id}@people.example`}, 'Ada')`)
    return id
  }
  const as = (userId: string | null, ...statements: ReturnType<typeof sql>[]) =>
    database.db.identity(userId, async tx => {
      for (const statement of statements) await tx.sql.execute(statement)
    })
  const seen = async (tx: Transaction) =>
    (await tx.sql.execute<{ user_id: string }>(sql`select user_id from security_events`)).rows
  const events = async (userId: string) =>
    (
      await database.owner.query(
        'select action, old_values, new_values from security_events where user_id = $1 order by id',
        [userId],
      )
    ).rows

  test.each(changes)('T5 the serving role is refused: %s', async statement => {
    const userId = await newUser()
    const before = await events(userId)
    expect(await refusal(as(userId, sql.raw(statement)))).toBe('42501')
    expect(await events(userId)).toEqual(before)
  })

  test('T5 the roles that serve tenants and the platform reach none of it', async () => {
    for (const statement of [
      sql`select from security_events`,
      sql`insert into security_events (id, user_id, action) values (${newId()}, ${newId()}, 'x')`,
    ]) {
      expect(await refusal(database.db.scoped(scopeOf(newId()), tx => tx.sql.execute(statement)))).toBe(
        '42501',
      )
      expect(await refusal(database.db.platform(tx => tx.sql.execute(statement)))).toBe('42501')
    }
  })

  test('T5 a person sees their own events, and nobody sees any', async () => {
    const [one, other] = [await newUser(), await newUser()]
    expect(await database.db.identity(one, seen)).toEqual([{ user_id: one }])
    expect(await database.db.identity(other, seen)).toEqual([{ user_id: other }])
    expect(await database.db.identity(null, seen)).toEqual([])
  })

  test('T5 an owner of the table, or a superuser, cannot change an entry either', async () => {
    await newUser()
    await undone(database.owner, async client => {
      for (const statement of changes) {
        expect(await attempt(client, () => client.query(statement)), statement).toMatchObject({
          message: 'security_events is append-only',
        })
      }
    })
  })

  test('T5 the entry and its change stand or fall together', async () => {
    const userId = await newUser()
    await as(userId, sql`update users set name = 'Grace' where id = ${userId}`, sql`select 1/0`).catch(
      () => undefined,
    )
    expect(await events(userId)).toHaveLength(1)
    await database.owner.query('revoke insert on security_events from parley_identity')
    try {
      expect(await refusal(as(userId, sql`update users set name = 'Grace' where id = ${userId}`))).toBe(
        '42501',
      )
    } finally {
      await database.owner.query('grant insert on security_events to parley_identity')
    }
    const { rows } = await database.owner.query('select name from users where id = $1', [userId])
    expect(rows).toEqual([{ name: 'Ada' }])
  })

  test('T5 every change of a person is recorded as it was and as it is, and noise is not', async () => {
    const userId = await newUser()
    await as(
      userId,
      sql`update users set email = 'new-' || email, name = 'Grace' where id = ${userId}`,
      sql`update users set email_verified = true where id = ${userId}`,
      sql`update users set platform_role = 'master_admin', two_factor_enabled = true where id = ${userId}`,
      sql`update users set two_factor_enabled = false, last_login_at = now(), updated_at = now() where id = ${userId}`,
      sql`update users set last_login_at = now(), updated_at = now() where id = ${userId}`,
    )
    const email = `${userId}@people.example`
    const entry = (action: string, field: string, before: unknown, after: unknown) => ({
      action,
      old_values: { [field]: before },
      new_values: { [field]: after },
    })
    expect(await events(userId)).toEqual([
      {
        action: 'account.created',
        old_values: null,
        new_values: { email, name: 'Ada', email_verified: false, platform_role: 'user' },
      },
      entry('email.changed', 'email', email, `new-${email}`),
      entry('profile.changed', 'name', 'Ada', 'Grace'),
      entry('email.verified', 'email_verified', false, true),
      entry('platform_role.changed', 'platform_role', 'user', 'master_admin'),
      entry('second_factor.enabled', 'two_factor_enabled', false, true),
      entry('second_factor.disabled', 'two_factor_enabled', true, false),
    ])
  })

  test('T5 ways to sign in and sessions are recorded without what is secret of them', async () => {
    const userId = await newUser()
    const secrets = [
      'hash-one',
      'hash-two',
      'a-token',
      'a-refresh',
      'fresh-token',
      'session-token',
      'sealed',
      'codes-1',
      'codes-2',
    ]
    await as(
      userId,
      sql`insert into accounts (id, account_id, provider_id, user_id, password) values (${newId()}, ${userId}, 'credential', ${userId}, 'hash-one')`,
      sql`update accounts set password = 'hash-two' where user_id = ${userId}`,
      sql`insert into accounts (id, account_id, provider_id, user_id, access_token, refresh_token) values (${newId()}, ${userId}, 'github', ${userId}, 'a-token', 'a-refresh')`,
      sql`update accounts set access_token = 'fresh-token', updated_at = now() where user_id = ${userId} and provider_id = 'github'`,
      sql`insert into auth_sessions (id, token, user_id, expires_at) values (${newId()}, 'session-token', ${userId}, now() + interval '1 day')`,
      sql`update auth_sessions set expires_at = now() + interval '2 days', updated_at = now() where user_id = ${userId}`,
      sql`insert into two_factors (id, user_id, secret, backup_codes, verified) values (${newId()}, ${userId}, 'sealed', 'codes-1', false)`,
      sql`update two_factors set verified = true where user_id = ${userId}`,
      sql`update two_factors set failed_verification_count = 1 where user_id = ${userId}`,
      sql`update two_factors set locked_until = now() + interval '1 minute' where user_id = ${userId}`,
      sql`update two_factors set backup_codes = 'codes-2', failed_verification_count = 0, locked_until = null where user_id = ${userId}`,
    )
    const rows = await events(userId)
    expect(rows.map(({ action }) => action)).toEqual([
      'account.created',
      'password.set',
      'password.changed',
      'provider.linked',
      'session.started',
      'second_factor.begun',
      'second_factor.verified',
      'second_factor.locked',
      'backup_codes.renewed',
    ])
    for (const secret of secrets) expect(JSON.stringify(rows)).not.toContain(secret)
  })

  test('T5 what goes with an account is recorded, and its trail stays', async () => {
    const userId = await newUser()
    await as(
      userId,
      sql`insert into auth_sessions (id, token, user_id, expires_at) values (${newId()}, ${newId()}, ${userId}, now() + interval '1 day')`,
      sql`insert into auth_sessions (id, token, user_id, expires_at) values (${newId()}, ${newId()}, ${userId}, now() - interval '1 day')`,
      sql`insert into two_factors (id, user_id, secret, backup_codes) values (${newId()}, ${userId}, 'x', 'y')`,
      sql`insert into accounts (id, account_id, provider_id, user_id) values (${newId()}, ${userId}, 'google', ${userId})`,
      sql`delete from users where id = ${userId}`,
    )
    const gone = (await events(userId)).map(({ action }) => action).slice(5)
    expect(gone.sort()).toEqual([
      'account.deleted',
      'provider.unlinked',
      'second_factor.removed',
      'session.ended',
      'session.expired',
    ])
  })

  test('T5 ids are of version 7 and keep the order of what happened', async () => {
    const before = Date.now()
    const { rows } = await database.owner.query<{ id: string }>(
      'select event_id() as id from generate_series(1, 200)',
    )
    const ids = rows.map(({ id }) => id)
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-/)
    expect(new Set(ids).size).toBe(200)
    const time = Number.parseInt(ids[0]?.replaceAll('-', '').slice(0, 12) ?? '', 16)
    expect(Math.abs(time - before)).toBeLessThan(60_000)
    const ticks = ids.map(id => id.slice(0, 18))
    expect(ticks).toEqual([...ticks].sort())
  })
})
