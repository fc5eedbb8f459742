import { access } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { Secret } from '../../src/kernel/index.ts'
import { createS3Store } from '../../src/providers/s3Files.ts'
import { databaseKinds } from '../support/databases.ts'
import { eventually } from '../support/eventually.ts'
import { type FileWorld, startFileWorld } from '../support/fileWorld.ts'
import { expectProblem } from '../support/problems.ts'

const { s3 } = inject('services')

describe.runIf(s3)('G4 files on S3', () => {
  let world: FileWorld
  beforeAll(async () => {
    if (!s3) return
    world = await startFileWorld(databaseKinds.at(-1) ?? 'embedded', {
      S3_ENDPOINT: s3.endpoint,
      S3_BUCKET: s3.bucket,
      S3_REGION: s3.region,
      S3_ACCESS_KEY_ID: s3.accessKeyId,
      S3_SECRET_ACCESS_KEY: s3.secretAccessKey,
      TENANT_FILES_MIB: '1',
    })
  })
  afterAll(() => world.parley.remove())

  test('a picture goes there, comes back whole and in parts, and so does its thumbnail', async () => {
    const create = { width: 640, height: 640, channels: 3 as const, background: 'olive' }
    const body = await sharp({ create }).png().toBuffer()
    const { id, links } = await world.stored({ name: 'olive.png', type: 'image/png', body })
    expect((await world.rowsOf('files'))[0]).toMatchObject({ id, storage_provider: 's3' })
    const whole = await fetch(links.url)
    expect(Buffer.from(await whole.arrayBuffer()).equals(body)).toBe(true)
    const part = await fetch(links.url, { headers: { range: 'bytes=8-20' } })
    expect(part.status).toBe(206)
    expect(Buffer.from(await part.arrayBuffer()).equals(body.subarray(8, 21))).toBe(true)
    await eventually(
      'the thumbnail is made',
      async () => (await world.linksTo(id)).thumbnailUrl !== undefined,
    )
    const small = await fetch((await world.linksTo(id)).thumbnailUrl ?? '')
    expect((await sharp(Buffer.from(await small.arrayBuffer())).metadata()).width).toBe(320)
    await expect(access(join(world.parley.dataFolder, 'files'))).rejects.toThrow(/ENOENT/)
  })

  test('what is refused while it arrives leaves no row', async () => {
    const body = Buffer.concat([Buffer.alloc(900_000, 'x'), Buffer.from([0])])
    expectProblem(await world.send({ name: 'a.txt', type: 'text/plain', body }), 'unsupported_media_type')
    expect(await world.rowsOf('files')).toHaveLength(1)
  })

  test('what there is no room for leaves no object', async () => {
    if (!s3) throw new Error('S3 could not be had')
    const store = createS3Store({ ...s3, secretAccessKey: new Secret(s3.secretAccessKey) })
    const { tenantId } = world.workspace
    const keys = async () => {
      const found: string[] = []
      for await (const key of store.list(tenantId, new Date(Date.now() + 60_000))) found.push(key)
      return found.sort()
    }
    const body = Buffer.alloc(700_000, 'x')
    const { id } = await world.stored({ name: 'a.txt', type: 'text/plain', body })
    const before = await keys()
    expect(before).toContain(`${tenantId}/${id}`)
    const answers = await Promise.all(
      [1, 2].map(() => world.send({ name: 'b.txt', type: 'text/plain', body })),
    )
    for (const answer of answers) expectProblem(answer, 'payload_too_large')
    expect(await keys()).toEqual(before)
  })

  test('the status page says where files go, and not more', async () => {
    const status = await (await fetch(`${world.parley.url}/api/v1/status`)).text()
    expect(status).toContain('S3-compatible store')
    expect(status).not.toContain(new URL(s3?.endpoint ?? '').host)
  })
})
