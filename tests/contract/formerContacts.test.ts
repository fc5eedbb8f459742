import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ensureConversation } from '../../src/chat/store.ts'
import { takeOver } from '../../src/chat/takeOver.ts'
import { deleteContact } from '../../src/contacts/deleteContact.ts'
import {
  contactOf,
  forgetFormerContacts,
  formerVisitors,
  identifyContact,
  proofOf,
} from '../../src/contacts/index.ts'
import { createDatabase, createJobs, createPool, type Database, type Pool } from '../../src/db/index.ts'
import { createLog, createMetrics, newId, systemScope } from '../../src/kernel/index.ts'
import { createTestDatabase, databaseKinds, type TestDatabase } from '../support/databases.ts'

const log = createLog({ level: 'fatal' })

/** What happens when a visitor begins to talk in the moment in which their contact goes. One of the two was first; neither is lost. */
describe.each(databaseKinds)('contacts that are no more on %s', kind => {
  let database: TestDatabase
  let pool: Pool
  let db: Database
  const [tenantId, widgetId] = [newId(), newId()]
  const scope = systemScope(tenantId, 'test')

  beforeAll(async () => {
    database = await createTestDatabase(kind)
    pool = createPool({ connection: database.connection, max: 4, statementTimeoutMs: 30_000 }, log)
    const metrics = createMetrics()
    db = createDatabase({ pool, log, metrics, jobs: createJobs({ pool, log, metrics }) })
    db.during(takeOver)
    await database.owner.query('insert into tenants (id, name, slug) values ($1, $2, $3)', [
      ...[tenantId, 'T', tenantId],
    ])
    await database.owner.query(
      `insert into widgets (tenant_id, id, name, public_key) values ($1, $2, 'W', 'key')`,
      [tenantId, widgetId],
    )
  })
  afterAll(async () => {
    await pool.end()
    await database.drop()
  })

  const begin = (tx: Parameters<Parameters<Database['scoped']>[1]>[0], contactId: string) =>
    contactOf(tx, scope, contactId)
      .then(() =>
        ensureConversation(
          tx,
          scope,
          { contactId, widgetId, channelConversationId: `${contactId}:main` },
          () => undefined,
        ),
      )
      .then(({ id }) => id)
  const talk = (contactId: string) => db.scoped(scope, tx => begin(tx, contactId))
  const contactOfConversation = async (id: string) =>
    (await database.owner.query('select contact_id, speaker_id from conversations where id = $1', [id]))
      .rows[0]

  /** Both begin; the second has no chance to finish before the first lets go. */
  async function oneAfterTheOther<First, Second>(
    first: Parameters<typeof db.scoped<First>>[1],
    second: () => Promise<Second>,
  ): Promise<[First, PromiseSettledResult<Second>]> {
    const done = Promise.withResolvers<void>()
    const letGo = Promise.withResolvers<void>()
    const holding = db.scoped(scope, async tx => {
      const result = await first(tx)
      done.resolve()
      await letGo.promise
      return result
    })
    await done.promise
    const other = Promise.allSettled([second()])
    await new Promise(resolve => setTimeout(resolve, 200))
    letGo.resolve()
    const [result, [outcome]] = await Promise.all([holding, other])
    return [result, outcome]
  }

  test('a contact that is deleted while its visitor begins another conversation is not made anew', async () => {
    const contactId = newId()
    const kept = await talk(contactId)
    const [, outcome] = await oneAfterTheOther(
      tx => deleteContact(scope, tx, contactId),
      () => talk(contactId),
    )
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'unauthenticated' } })
    expect(await contactOfConversation(kept)).toEqual({ contact_id: null, speaker_id: null })
    await expect(talk(contactId)).rejects.toMatchObject({ code: 'unauthenticated' })
    const { rows } = await database.owner.query('select 1 from contacts where id = $1', [contactId])
    expect(rows).toEqual([])
  })

  test('V3: what an anonymous visitor begins in the moment of the merge is the known person’s, or is refused', async () => {
    const [early, late] = [newId(), newId()]
    const [begun, merged] = await oneAfterTheOther(
      tx => begin(tx, early),
      () => db.scoped(scope, tx => identifyContact(scope, tx, { externalId: 'early' }, early)),
    )
    if (merged.status === 'rejected') throw merged.reason
    expect(await contactOfConversation(begun)).toEqual({ contact_id: merged.value, speaker_id: early })
    const [successor, refused] = await oneAfterTheOther(
      tx => identifyContact(scope, tx, { externalId: 'late' }, late),
      () => talk(late),
    )
    expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'token_expired' } })
    await expect(talk(late)).rejects.toMatchObject({ code: 'token_expired' })
    const { rows } = await database.owner.query('select id from contacts where id = any($1)', [
      [early, late, successor],
    ])
    expect(rows).toEqual([{ id: successor }])
  })

  test('V3: two people who claim one anonymous visitor at once: the first one has it', async () => {
    const contactId = newId()
    const conversation = await talk(contactId)
    const claim = (externalId: string) => (tx: Parameters<typeof begin>[0]) =>
      identifyContact(scope, tx, { externalId }, contactId)
    const [first, second] = await oneAfterTheOther(claim('one'), () => db.scoped(scope, claim('two')))
    expect(second.status).toBe('fulfilled')
    expect(await contactOfConversation(conversation)).toEqual({ contact_id: first, speaker_id: contactId })
  })

  test('V3: two devices of somebody new at once: the second waits and finds the contact of the first', async () => {
    const identify = (tx: Parameters<typeof begin>[0]) =>
      identifyContact(scope, tx, { externalId: 'new' }, undefined)
    const [first, second] = await oneAfterTheOther(identify, () => db.scoped(scope, identify))
    expect(second).toEqual({ status: 'fulfilled', value: first })
  })

  test('who was merged into a contact that is deleted is deleted with it; nothing is remembered for ever', async () => {
    const anonymous = newId()
    await talk(anonymous)
    const person = await db.scoped(scope, tx => identifyContact(scope, tx, { externalId: 'gone' }, anonymous))
    const farewells = async () => {
      const ids = [anonymous, person, newId()]
      const farewellTo = await db.scoped(scope, tx => formerVisitors(tx, scope, ids))
      const told = ids.map(contactId => [contactId, farewellTo({ contactId, proven: proofOf('gone') })])
      return Object.fromEntries(told.filter(([, farewell]) => farewell !== undefined))
    }
    expect(await farewells()).toEqual({ [anonymous]: 'token_expired' })
    await db.scoped(scope, tx => deleteContact(scope, tx, person))
    expect(await farewells()).toEqual({ [anonymous]: 'unauthenticated', [person]: 'unauthenticated' })
    const age = (days: number) =>
      database.owner.query(
        `update former_contacts set created_at = now() - make_interval(days => $1) where id = $2`,
        [days, anonymous],
      )
    await age(181)
    await db.scoped(scope, tx => forgetFormerContacts(scope, tx))
    expect(Object.keys(await farewells())).toHaveLength(2)
    await age(200)
    await db.scoped(scope, tx => forgetFormerContacts(scope, tx))
    expect(await farewells()).toEqual({ [person]: 'unauthenticated' })
  })
})
