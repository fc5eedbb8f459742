import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { newId, ParleyError, Secret } from '../../src/kernel/index.ts'
import { createDiskStore } from '../../src/providers/diskFiles.ts'
import type { Content, FileStore } from '../../src/providers/files.ts'
import { createS3Store, type S3Settings } from '../../src/providers/s3Files.ts'
import { eventually } from '../support/eventually.ts'

interface Opened {
  readonly store: FileStore
  close(): Promise<void>
}

async function onDisk(): Promise<Opened> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-files-'))
  return { store: createDiskStore(join(folder, 'files')), close: () => rm(folder, { recursive: true }) }
}

function s3Settings(): S3Settings {
  const { s3 } = inject('services')
  if (!s3) throw new Error('S3 could not be had')
  return { ...s3, secretAccessKey: new Secret(s3.secretAccessKey) }
}

const onS3 = async (): Promise<Opened> => ({
  store: createS3Store(s3Settings()),
  close: async () => undefined,
})

/** S3 is left out only where it could not be had, which the run reports. */
const stores: [string, () => Promise<Opened>][] = [
  ['disk', onDisk],
  ...(inject('services').s3 ? ([['S3', onS3]] as [string, () => Promise<Opened>][]) : []),
]

async function* inParts(bytes: Uint8Array, size = 64 * 1024): Content {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function* breakingOff(bytes: Uint8Array, reason: Error): Content {
  yield* inParts(bytes)
  throw reason
}

async function bytesOf(content: Content | undefined): Promise<Buffer> {
  if (!content) throw new Error('there is no such object')
  const parts: Uint8Array[] = []
  for await (const part of content) parts.push(part)
  return Buffer.concat(parts)
}

async function keysOf(store: FileStore, tenantId: string, before = new Date(Date.now() + 60_000)) {
  const keys: string[] = []
  for await (const key of store.list(tenantId, before)) keys.push(key)
  return keys.sort()
}

describe.each(stores)('a file store on %s', (_name, open) => {
  let opened: Opened
  let store: FileStore
  beforeAll(async () => {
    opened = await open()
    store = opened.store
  })
  afterAll(() => opened.close())

  const newKey = (tenantId = newId()) => `${tenantId}/${newId()}`

  test.each([
    ['nothing', 0],
    ['one byte', 1],
    ['a few parts', 300_000],
    ['more than one part of S3', 12 * 1024 * 1024 + 5],
  ])('gives back what it was given: %s', async (_what, size) => {
    const key = newKey()
    const bytes = randomBytes(size)
    const before = Date.now()
    await store.put(key, inParts(bytes))
    const read = await bytesOf(await store.get(key))
    expect(read.equals(bytes)).toBe(true)
    const found = await store.stat(key)
    expect(found?.size).toBe(size)
    // S3 tells whole seconds.
    expect(Math.abs((found?.storedAt.getTime() ?? 0) - before)).toBeLessThan(10_000)
  })

  test('gives any range, both ends included', async () => {
    const key = newKey()
    const bytes = randomBytes(200_000)
    await store.put(key, inParts(bytes))
    for (const [first, last] of [
      [0, 0],
      [0, 199_999],
      [199_999, 199_999],
      [65_530, 131_080],
      [7, 9],
    ] as const) {
      const read = await bytesOf(await store.get(key, { first, last }))
      expect(read.equals(bytes.subarray(first, last + 1)), `${first}-${last}`).toBe(true)
    }
  })

  test('what is not there is undefined, and may be deleted', async () => {
    const key = newKey()
    expect(await store.get(key)).toBeUndefined()
    expect(await store.get(key, { first: 0, last: 1 })).toBeUndefined()
    expect(await store.stat(key)).toBeUndefined()
    await store.delete(key)
    await store.put(key, inParts(Buffer.from('x')))
    await store.delete(key)
    expect(await store.stat(key)).toBeUndefined()
    await store.delete(key)
  })

  test.each([
    ['small', 100],
    ['large', 11 * 1024 * 1024],
  ])('content that breaks off leaves nothing, and what was there before stays (%s)', async (_what, size) => {
    const tenantId = newId()
    const [fresh, taken] = [newKey(tenantId), newKey(tenantId)]
    await store.put(taken, inParts(Buffer.from('before')))
    const reason = new ParleyError('payload_too_large')
    for (const key of [fresh, taken])
      await expect(store.put(key, breakingOff(randomBytes(size), reason))).rejects.toBe(reason)
    expect(await store.get(fresh)).toBeUndefined()
    expect((await bytesOf(await store.get(taken))).toString()).toBe('before')
    expect(await keysOf(store, tenantId)).toEqual([taken])
  })

  test('an object that is replaced is the old one or the new one, never a mixture', async () => {
    const key = newKey()
    const versions = ['a', 'b'].map(letter => Buffer.alloc(400_000, letter))
    await store.put(key, inParts(versions[0] ?? Buffer.alloc(0)))
    let reading = true
    const mixtures: string[] = []
    let reads = 0
    const reader = async () => {
      while (reading) {
        const bytes = await bytesOf(await store.get(key))
        reads += 1
        if (!versions.some(version => version.equals(bytes))) mixtures.push(`${bytes.length} bytes`)
      }
    }
    const readers = [reader(), reader()]
    for (let n = 0; n < 20; n += 1) await store.put(key, inParts(versions[n % 2] ?? Buffer.alloc(0)))
    reading = false
    await Promise.all(readers)
    expect(mixtures).toEqual([])
    expect(reads).toBeGreaterThan(2)
  })

  test('S1: a key of any other shape is refused, and leads to nothing of another tenant', async () => {
    const victim = newKey()
    await store.put(victim, inParts(Buffer.from('theirs')))
    const [tenantId = '', name = ''] = victim.split('/')
    const mine = newId()
    const hostile = [
      ...['', '/', 'x', '../x', `${mine}`, `${mine}/`, `/${mine}/x`, `${mine}/../${tenantId}/${name}`],
      ...[`${mine}/..`, `${mine}/.`, `${mine}/.hidden`, `${mine}/a/b`, `${mine}/a\\b`, `${mine}/a\0b`],
      ...[`${mine}/..%2f${tenantId}`, `${mine}/a..b`, `${mine}/A`, `../${victim}`, `${mine}//${victim}`],
      ...[`${mine}/x\n`, `${mine}/${'x'.repeat(201)}`, `${mine}/ `, `${tenantId.toUpperCase()}/${name}`],
    ]
    for (const key of hostile) {
      await expect(store.put(key, inParts(Buffer.from('mine'))), key).rejects.toThrow(/not the key of a file/)
      for (const work of [store.get, store.stat, store.delete])
        await expect((async () => work(key))(), key).rejects.toThrow(/not the key of a file/)
    }
    for (const tenant of ['', '..', '.', `${mine}/..`, '*'])
      await expect(keysOf(store, tenant), tenant).rejects.toThrow(/not the id of a tenant/)
    expect((await bytesOf(await store.get(victim))).toString()).toBe('theirs')
  })

  test('lists the objects of one tenant that are old enough', async () => {
    const [tenantId, other] = [newId(), newId()]
    const keys = [newKey(tenantId), `${tenantId}/${newId()}.thumbnail`]
    for (const key of [...keys, newKey(other)]) await store.put(key, inParts(Buffer.from('x')))
    expect(await keysOf(store, tenantId)).toEqual([...keys].sort())
    expect(await keysOf(store, tenantId, new Date(Date.now() - 60_000))).toEqual([])
    expect(await keysOf(store, newId())).toEqual([])
  })

  test('whoever stops reading, or never begins, leaves nothing open', async () => {
    const key = newKey()
    await store.put(key, inParts(randomBytes(3 * 1024 * 1024)))
    const openFiles = async () => (await readdir('/proc/self/fd').catch(() => [])).length
    const before = await openFiles()
    for (let n = 0; n < 30; n += 1) {
      const never = await store.get(key)
      await never?.[Symbol.asyncIterator]().return?.()
      for await (const part of (await store.get(key)) ?? []) if (part.length > 0) break
    }
    await eventually('the files are closed', async () => (await openFiles()) <= before + 5)
  })
})

describe('a file store on disk', () => {
  test('what was stored when it said so outlives kill -9, and nothing half-written shows', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'parley-files-'))
    const tenantId = newId()
    const script = join(import.meta.dirname, '../support/fileWriter.ts')
    const child = spawn(process.execPath, [script, folder, tenantId], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let output = ''
    child.stdout.on('data', data => {
      output += data
    })
    const ended = new Promise(resolve => child.on('close', resolve))
    await eventually('some are stored', () => output.split('\n').length > 20)
    child.kill('SIGKILL')
    await ended
    const stored = output.split('\n').slice(0, -1)
    const store = createDiskStore(folder)
    const wanted = createHash('sha256')
      .update(Buffer.alloc(512 * 1024, 'x'))
      .digest('hex')
    const listed = await keysOf(store, tenantId)
    expect(listed).toEqual(expect.arrayContaining(stored))
    for (const key of listed) {
      const read = await bytesOf(await store.get(key))
      expect(createHash('sha256').update(read).digest('hex'), key).toBe(wanted)
    }
    // Two were being written at most; what is left of them goes when it is old.
    const drafts = async () =>
      (await readdir(join(folder, tenantId))).filter(name => name.startsWith('.draft-'))
    await writeFile(join(folder, tenantId, '.draft-old'), 'x')
    await utimes(join(folder, tenantId, '.draft-old'), 0, 0)
    await store.discardUnfinished(newId(), new Date(Date.now() + 60_000))
    expect(await drafts()).toContain('.draft-old')
    await store.discardUnfinished(tenantId, new Date(Date.now() - 60_000))
    expect(await drafts()).not.toContain('.draft-old')
    expect((await drafts()).length).toBeLessThanOrEqual(2)
    await store.discardUnfinished(tenantId, new Date(Date.now() + 60_000))
    expect(await drafts()).toEqual([])
    expect(await keysOf(store, tenantId)).toEqual(listed)
    await rm(folder, { recursive: true })
  })

  test('nobody else on the machine may read it', async () => {
    const { store, close } = await onDisk()
    const folder = await mkdtemp(join(tmpdir(), 'parley-files-'))
    const own = createDiskStore(folder)
    const [tenantId, id] = [newId(), newId()]
    await own.put(`${tenantId}/${id}`, inParts(Buffer.from('x')))
    expect((await stat(join(folder, tenantId))).mode & 0o077).toBe(0)
    expect((await stat(join(folder, tenantId, id))).mode & 0o077).toBe(0)
    expect(store.provider).toBe('disk')
    await rm(folder, { recursive: true })
    await close()
  })

  test('a disk that refuses is unavailable, whatever its reason', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'parley-files-'))
    const store = createDiskStore(join(folder, 'files'))
    await writeFile(join(folder, 'files'), 'a file where the folder should be')
    const key = `${newId()}/${newId()}`
    for (const work of [() => store.put(key, inParts(Buffer.from('x'))), () => store.get(key)])
      await expect(work()).rejects.toMatchObject({ code: 'unavailable', retryAfter: 5 })
    expect(await readFile(join(folder, 'files'), 'utf8')).toContain('a file')
    await rm(folder, { recursive: true })
  })
})

describe.runIf(inject('services').s3)('a file store on S3', () => {
  test.each([
    ['a wrong secret', { secretAccessKey: new Secret('wrong'.repeat(8)) }],
    ['a missing bucket', { bucket: 'no-such-bucket' }],
    ['nobody listening', { endpoint: 'http://127.0.0.1:1' }],
  ])('is unavailable with %s, and never looks like a missing file', async (_what, change) => {
    const store = createS3Store({ ...s3Settings(), ...change })
    const key = `${newId()}/${newId()}`
    const attempts = [
      () => store.put(key, inParts(Buffer.from('x'))),
      () => store.get(key),
      () => store.delete(key),
      () => keysOf(store, newId()),
    ]
    for (const work of attempts) await expect(work()).rejects.toMatchObject({ code: 'unavailable' })
  })

  test('removes what was begun long ago and never finished, and nothing of other tenants', async () => {
    const { S3Client, CreateMultipartUploadCommand, ListMultipartUploadsCommand } = await import(
      '@aws-sdk/client-s3'
    )
    const settings = s3Settings()
    const client = new S3Client({
      ...{ endpoint: settings.endpoint, region: settings.region, forcePathStyle: true },
      credentials: {
        accessKeyId: settings.accessKeyId,
        secretAccessKey: settings.secretAccessKey.reveal(),
      },
    })
    const Bucket = settings.bucket
    const tenantId = newId()
    const ours = `${tenantId}/${newId()}`
    const others = `${newId()}/${newId()}`
    for (const Key of [ours, others]) await client.send(new CreateMultipartUploadCommand({ Bucket, Key }))
    const begun = async () =>
      ((await client.send(new ListMultipartUploadsCommand({ Bucket }))).Uploads ?? []).map(({ Key }) => Key)
    const store = createS3Store(settings)
    await store.discardUnfinished(tenantId, new Date(Date.now() - 60_000))
    expect(await begun()).toEqual(expect.arrayContaining([ours, others]))
    await store.discardUnfinished(tenantId, new Date(Date.now() + 60_000))
    expect(await begun()).not.toContain(ours)
    expect(await begun()).toContain(others)
    client.destroy()
  })
})
