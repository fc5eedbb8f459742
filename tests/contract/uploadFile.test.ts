import { mkdtemp, readdir, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  countUploads,
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

const thumbnailJob = (parts: FileParts) => {
  const found = fileJobs(parts).find(({ job }) => job.name === 'make-thumbnail')
  if (!found) throw new Error('no thumbnails are made')
  return found
}

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
      limits: { file: 1_000, strangers: 2_000, tenant: 10_000 },
      underWay: countUploads(),
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

  test('S4: of a visitor who has another name now, the new one reaches what was uploaded, and the old one nothing', async () => {
    const talk = await conversationOf(bob)
    const { file } = await uploadFile(visitor(bob), parts, hello(talk))
    await database.owner.query('update conversations set contact_id = $2, speaker_id = $3 where id = $1', [
      ...[talk, ada, bob],
    ])
    const linkFor = (scope: Scope) =>
      parts.db.scoped(scope, tx => signFileLinks(scope, tx, parts.links, file.id))
    expect((await linkFor(visitor(ada))).url).toMatch(/^https:/)
    await expect(linkFor(visitor(bob))).rejects.toMatchObject({ code: 'token_expired' })
    const [other, none] = [visitor(newId()), newId()]
    const unknown = parts.db.scoped(other, tx => signFileLinks(other, tx, parts.links, none))
    const refusal = await unknown.catch((error: Error) => error)
    expect(refusal).toMatchObject({ code: 'not_found' })
    await expect(linkFor(other)).rejects.toEqual(refusal)
  })

  test('S4: what has no room is refused before any of it is read or stored', async () => {
    const id = await conversationOf(ada)
    const { file } = await uploadFile(visitor(ada), parts, hello(id))
    await database.owner.query('update files set size = 1990 where id = $1', [file.id])
    const before = [await objects(), (await rows()).length]
    let read = 0
    const sent = (declaredSize: number | undefined): Incoming => ({
      ...{ ...hello(id), declaredSize },
      content: (async function* () {
        read += 1
        yield Buffer.from('hello')
      })(),
    })
    const refused = { code: 'payload_too_large' }
    await expect(uploadFile(visitor(ada), parts, sent(900))).rejects.toMatchObject(refused)
    await database.owner.query('update files set size = 2000 where id = $1', [file.id])
    await expect(uploadFile(visitor(ada), parts, sent(undefined))).rejects.toMatchObject(refused)
    const full = { ...parts, limits: { ...parts.limits, tenant: 2_000 } }
    const key = scopeOf({ kind: 'api_key', keyId: newId() })
    await expect(uploadFile(key, full, sent(5))).rejects.toMatchObject(refused)
    expect(read).toBe(0)
    expect([await objects(), (await rows()).length]).toEqual(before)
    await database.owner.query('delete from files where id = $1', [file.id])
    await parts.store.delete(`${tenantId}/${file.id}`)
  })

  test('S4: so many files arrive at once from one uploader, and into one workspace, and the next one may be sent later', async () => {
    const id = await conversationOf(ada)
    const busy = { ...parts, underWay: countUploads({ uploader: 2, tenant: 3 }) }
    let letGo: () => void = () => undefined
    const held = new Promise<void>(resolve => {
      letGo = resolve
    })
    const slow = (conversationId: string): Incoming => ({
      ...hello(conversationId),
      content: (async function* () {
        await held
        yield Buffer.from('hello')
      })(),
    })
    const later = { code: 'rate_limited', retryAfter: 5 }
    const underWay = [uploadFile(visitor(ada), busy, slow(id)), uploadFile(visitor(ada), busy, slow(id))]
    await expect(uploadFile(visitor(ada), busy, hello(id))).rejects.toMatchObject(later)
    underWay.push(uploadFile(visitor(bob), busy, slow(await conversationOf(bob))))
    await expect(uploadFile(visitor(bob), busy, hello(id))).rejects.toMatchObject(later)
    letGo()
    expect(await Promise.all(underWay)).toHaveLength(3)
    expect((await uploadFile(visitor(ada), busy, hello(id))).replayed).toBe(false)
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

  /** As if it had been sent. */
  const show = (fileId: string) =>
    database.owner.query(
      `insert into messages (tenant_id, id, conversation_id, seq, role, type, parts, text, sender_kind, sender_id, client_id)
       select tenant_id, $2::uuid, conversation_id, 1 + (select count(*) from messages m where m.conversation_id = f.conversation_id),
         'user', 'file', jsonb_build_array(jsonb_build_object('type', 'file', 'fileId', id)), '', uploader_kind, uploader_id, $2::uuid
       from files f where id = $1`,
      [fileId, newId()],
    )

  test('S4: what visitors upload and do not send goes after a day, and nothing else', async () => {
    const talk = await conversationOf(ada)
    const take = async (hours: number) => {
      const { file } = await uploadFile(visitor(ada), parts, hello(talk))
      const then = new Date(Date.now() - hours * 3_600_000)
      await database.owner.query('update files set created_at = $2 where id = $1', [file.id, then])
      await utimes(join(folder, tenantId, file.id), then, then)
      return file.id
    }
    const [old, sent, members, young] = [await take(25), await take(25), await take(25), await take(23)]
    await show(sent)
    await database.owner.query(`update files set uploader_kind = 'member' where id = $1`, [members])
    const [objectsBefore, rowsBefore] = [await objects(), await rows()]
    await sweepFiles(systemScope(tenantId, 'test'), parts)
    expect(rowsBefore.map(({ id }) => id)).toEqual(expect.arrayContaining([sent, members, young]))
    expect(await objects()).toEqual(objectsBefore.filter(name => name !== old))
    expect(await rows()).toEqual(rowsBefore.filter(({ id }) => id !== old))
  })

  test('a picture that is taken back while its thumbnail is made leaves none behind', async () => {
    const talk = await conversationOf(ada)
    let made = false
    const make = async () => {
      await database.owner.query('delete from files where conversation_id = $1', [talk])
      made = true
      const thumbnail = {
        content: Buffer.from('small'),
        mimeType: 'image/webp' as const,
        width: 1,
        height: 1,
      }
      return { width: 1, height: 1, thumbnail }
    }
    const thumbnail = thumbnailJob({ ...parts, thumbnails: { make } })
    const { file } = await uploadFile(visitor(ada), parts, hello(talk))
    await thumbnail.run({ tenantId, fileId: file.id })
    expect(made).toBe(true)
    expect(await objects()).not.toContain(`${file.id}.thumbnail`)
    await parts.store.delete(`${tenantId}/${file.id}`)
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
    for (const { id } of await rows()) await show(id)
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
