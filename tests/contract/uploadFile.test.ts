import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  createFileLinks,
  createUploadOffers,
  type FileParts,
  fileJobs,
  type Incoming,
  queueFileSweep,
  signFileLinks,
  sweepFiles,
  uploadFile,
} from '../../src/chat/index.ts'
import { createDatabase, createJobs, createPool, type Jobs, type Pool } from '../../src/db/index.ts'
import {
  type Actor,
  createLog,
  createMetrics,
  createVault,
  newId,
  noOrigin,
  ParleyError,
  type Scope,
  Secret,
  systemScope,
} from '../../src/kernel/index.ts'
import { createDiskStore } from '../../src/providers/diskFiles.ts'
import type { FileStore } from '../../src/providers/files.ts'
import { createTestDatabase, databaseKinds, type TestDatabase } from '../support/databases.ts'
import { eventually } from '../support/eventually.ts'

const log = createLog({ level: 'fatal' })
const ages = new Date(Date.now() + 60_000)

describe.each(databaseKinds)('the verbs about files on %s', kind => {
  let database: TestDatabase
  let pool: Pool
  let jobs: Jobs
  let parts: FileParts
  let folder: string
  const tenantId = newId()
  const [ada, bob] = [newId(), newId()]
  const scopeOf = (actor: Actor): Scope => ({ tenantId, actor, permissions: new Set(), origin: noOrigin })
  const visitor = (contactId: string) => scopeOf({ kind: 'visitor', contactId, widgetId: newId() })

  beforeAll(async () => {
    database = await createTestDatabase(kind)
    folder = await mkdtemp(join(tmpdir(), 'parley-files-'))
    pool = createPool({ connection: database.connection, max: 3, statementTimeoutMs: 30_000 }, log)
    const metrics = createMetrics()
    jobs = createJobs({ pool, log, metrics })
    const vault = createVault(new Secret('a secret for tests, long enough to sign with'))
    parts = {
      ...{ db: createDatabase({ pool, log, metrics, jobs }), store: createDiskStore(folder), vault, log },
      links: createFileLinks({ vault, publicUrl: 'https://chat.example' }),
      offers: createUploadOffers({ vault, publicUrl: 'https://chat.example' }),
      thumbnails: { make: async () => ({ refused: 'not here' }) },
      maxBytes: 1_000,
    }
    await jobs.start(fileJobs(parts))
    await database.owner.query('insert into tenants (id, name, slug) values ($1, $2, $3)', [
      tenantId,
      'T',
      tenantId,
    ])
    for (const id of [ada, bob])
      await database.owner.query('insert into contacts (tenant_id, id) values ($1, $2)', [tenantId, id])
  })
  afterAll(async () => {
    await jobs.stop()
    await pool.end()
    await database.drop()
    await rm(folder, { recursive: true })
  })

  async function conversationOf(contactId: string | null): Promise<string> {
    const id = newId()
    await database.owner.query('insert into conversations (tenant_id, id, contact_id) values ($1, $2, $3)', [
      ...[tenantId, id, contactId],
    ])
    return id
  }
  const hello = (conversationId: string): Incoming => ({
    ...{ conversationId, name: 'a.txt', declaredType: 'text/plain', declaredSize: undefined },
    content: (async function* () {
      yield Buffer.from('hello')
    })(),
  })
  const objects = async () => (await readdir(join(folder, tenantId)).catch(() => [])).sort()
  const rows = async () =>
    (
      await database.owner.query<{ id: string; uploader_kind: string; uploader_id: string }>(
        'select * from files',
      )
    ).rows

  test('S4: a visitor puts files into their own conversations and gets links to them, and to no others', async () => {
    const [adas, bobs, nobodys] = [
      await conversationOf(ada),
      await conversationOf(bob),
      await conversationOf(null),
    ]
    const { file: mine } = await uploadFile(visitor(ada), parts, hello(adas))
    expect(await rows()).toEqual([
      expect.objectContaining({ id: mine.id, uploader_kind: 'contact', uploader_id: ada }),
    ])
    const before = await objects()
    for (const id of [bobs, nobodys, newId()]) {
      await expect(uploadFile(visitor(ada), parts, hello(id))).rejects.toMatchObject({ code: 'not_found' })
    }
    expect(await objects()).toEqual(before)
    const linkFor = (scope: Scope) =>
      parts.db.scoped(scope, tx => signFileLinks(scope, tx, parts.links, mine.id))
    expect((await linkFor(visitor(ada))).url).toMatch(/^https:\/\/chat\.example\/files\//)
    await expect(linkFor(visitor(bob))).rejects.toMatchObject({ code: 'not_found' })
  })

  test('S4: whoever is neither member, visitor, guest nor key uploads nothing', async () => {
    const id = await conversationOf(ada)
    const person = scopeOf({ kind: 'person', userId: newId() })
    for (const scope of [person, systemScope(tenantId, 'test')])
      await expect(uploadFile(scope, parts, hello(id))).rejects.toMatchObject({ code: 'forbidden' })
  })

  test('G4: a conversation that goes while its file arrives takes the file with it', async () => {
    const id = await conversationOf(ada)
    const before = [await objects(), (await rows()).length]
    const incoming = hello(id)
    const content = (async function* () {
      yield* incoming.content
      await database.owner.query('delete from conversations where id = $1', [id])
    })()
    await expect(uploadFile(visitor(ada), parts, { ...incoming, content })).rejects.toMatchObject({
      code: 'not_found',
    })
    expect([await objects(), (await rows()).length]).toEqual(before)
  })

  test('G4: an object whose row may have been written is not removed', async () => {
    const id = await conversationOf(ada)
    const before = await objects()
    const lost = new ParleyError('unavailable')
    let calls = 0
    const db: FileParts['db'] = {
      ...parts.db,
      scoped: async (scope, work) => {
        const result = await parts.db.scoped(scope, work)
        calls += 1
        // Committed, and the answer is lost on its way.
        if (calls === 2) throw lost
        return result
      },
    }
    await expect(uploadFile(visitor(ada), { ...parts, db }, hello(id))).rejects.toBe(lost)
    const [left] = (await objects()).filter(name => !before.includes(name))
    expect((await rows()).map(row => row.id)).toContain(left)
  })

  test('the sweep removes what no row names, when it is old enough, and nothing else', async () => {
    const [kept, dropped] = [await conversationOf(ada), await conversationOf(ada)]
    const { file } = await uploadFile(visitor(ada), parts, hello(kept))
    await parts.store.put(`${tenantId}/${file.id}.thumbnail`, hello(kept).content)
    const { file: gone } = await uploadFile(visitor(ada), parts, hello(dropped))
    await parts.store.put(`${tenantId}/${gone.id}.thumbnail`, hello(kept).content)
    const other = newId()
    await parts.store.put(`${other}/${gone.id}`, hello(kept).content)
    await database.owner.query('delete from conversations where id = $1', [dropped])
    const scope = systemScope(tenantId, 'test')
    const before = await objects()
    await sweepFiles(scope, parts)
    expect(await objects()).toEqual(before)
    await sweepFiles(scope, parts, ages)
    expect(await objects()).toEqual(before.filter(name => !name.startsWith(gone.id)))
    expect(await parts.store.stat(`${other}/${gone.id}`)).toBeDefined()
  })

  test('the nightly sweep reaches the store of every tenant', async () => {
    const asked: string[] = []
    const listening: FileStore = parts.store
    const list = listening.list
    Object.assign(listening, {
      list: (id: string, before: Date) => {
        asked.push(id)
        expect(Date.now() - before.getTime()).toBeGreaterThan(23 * 3_600_000)
        return list(id, before)
      },
    })
    const scope = systemScope(tenantId, 'test')
    await parts.db.scoped(scope, tx => queueFileSweep(scope, tx))
    await eventually('the job has run', () => asked.includes(tenantId))
    Object.assign(listening, { list })
  })
})
