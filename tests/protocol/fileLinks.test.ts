import { randomBytes } from 'node:crypto'
import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createFileLinks } from '../../src/chat/index.ts'
import { createVault, Secret } from '../../src/kernel/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { eventually } from '../support/eventually.ts'
import { type FileWorld, problemOf, startFileWorld } from '../support/fileWorld.ts'
import { type TestParley, testSecret } from '../support/parley.ts'
import type { Workspace } from '../support/people.ts'
import { expectProblem } from '../support/problems.ts'
import { type Sent, samples, upload } from '../support/uploads.ts'

const mib = 1024 * 1024

describe.each(databaseKinds)('links to files on %s', kind => {
  let world: FileWorld
  let parley: TestParley
  let workspace: Workspace
  beforeAll(async () => {
    world = await startFileWorld(kind)
    ;({ parley, workspace } = world)
  })
  afterAll(() => parley.remove())

  const newConversation = (of: Workspace) => world.newConversation(of)
  const send = (sent: Sent) => world.send(sent)
  const rowsOf = (table: string) => world.rowsOf(table)
  const metadataOf = (id: string) => world.metadataOf(id)
  const objects = (of?: Workspace) => world.objects(of)
  const linksTo = (id: string) => world.linksTo(id)
  const stored = (sent: Sent) => world.stored(sent)

  test('G4: a link works for ten minutes, in private caches no longer', async () => {
    const { id, links } = await stored({ name: 'a.txt', type: 'text/plain', body: 'hello' })
    const left = new Date(links.expiresAt).getTime() - Date.now()
    expect(left).toBeGreaterThan(9.5 * 60_000)
    expect(left).toBeLessThanOrEqual(10 * 60_000)
    const { headers, status } = await fetch(links.url)
    expect(status).toBe(200)
    const [, age] = /^private, max-age=(\d+)$/.exec(headers.get('cache-control') ?? '') ?? []
    expect(Number(age)).toBeLessThanOrEqual(600)
    expect(Number(age)).toBeGreaterThan(570)
    expect(links.thumbnailUrl).toBeUndefined()

    const vault = createVault(new Secret(testSecret))
    const signer = createFileLinks({ vault, publicUrl: parley.url })
    const target = { tenantId: workspace.tenantId, fileId: id, variant: 'file' } as const
    expect((await fetch(signer.sign(target, new Date(Date.now() + 60_000)))).status).toBe(200)
    expectProblem(await problemOf(await fetch(signer.sign(target, new Date(Date.now() - 1)))), 'forbidden')
  })

  test('S4: a link that was altered, or made with another secret, leads nowhere', async () => {
    const { id, links } = await stored({ name: 'a.txt', type: 'text/plain', body: 'hello' })
    const token = new URL(links.url).pathname.slice('/files/'.length)
    const bytes = Buffer.from(token, 'base64url')
    const forged = Array.from(bytes.keys(), at => {
      const copy = Buffer.from(bytes)
      copy[at] = (copy[at] ?? 0) ^ 1
      return copy.toString('base64url')
    })
    const target = { tenantId: workspace.tenantId, fileId: id, variant: 'file' } as const
    const stranger = createFileLinks({ vault: createVault(new Secret('x'.repeat(40))), publicUrl: '' })
    const others = [
      stranger.sign(target, new Date(Date.now() + 60_000)).slice('/files/'.length),
      ...[`${token}=`, `${token}A`, token.slice(1), 'x', 'null', '..%2f..%2fsecret', '%00'],
    ]
    for (const attempt of [...forged, ...others])
      expectProblem(await problemOf(await fetch(`${parley.url}/files/${attempt}`)), 'not_found')
    expect((await fetch(links.url)).status).toBe(200)
  })

  test('S4: a link to what has been deleted is not found', async () => {
    const talk = await newConversation(workspace)
    const { body } = await upload(parley, workspace.owner, talk, { type: 'text/plain', body: 'hello' })
    const { url } = await linksTo(body.id)
    await parley.owner.query('delete from conversations where id = $1', [talk])
    expectProblem(await problemOf(await fetch(url)), 'not_found')
  })

  test('S4: whatever is served cannot act in our name', async () => {
    for (const [type, body, shown] of [
      ['text/plain', 'hello', 'attachment'],
      ['application/zip', samples.zip, 'attachment'],
      ['image/png', samples.png, 'inline'],
      ['application/pdf', samples.pdf, 'inline'],
      ['video/mp4', samples.mp4, 'inline'],
    ] as const) {
      const { links } = await stored({ type, body })
      const { headers } = await fetch(links.url)
      expect(headers.get('content-type')).toMatch(new RegExp(`^${type}(; charset=utf-8)?$`))
      expect(headers.get('content-disposition')).toMatch(new RegExp(`^${shown}; `))
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('content-security-policy')).toBe("default-src 'none'; sandbox")
      expect(headers.get('cross-origin-resource-policy')).toBe('cross-origin')
      expect(headers.get('referrer-policy')).toBe('no-referrer')
      expect(headers.has('set-cookie')).toBe(false)
    }
  })

  test('V5: parts of a file are served as they are asked for', async () => {
    const bytes = Buffer.concat([samples.mp4, randomBytes(200_000)])
    const { links } = await stored({ type: 'video/mp4', body: bytes })
    const size = bytes.length
    const ask = (headers: Record<string, string>) => fetch(links.url, { headers })
    for (const [range, first, last] of [
      ['bytes=0-99', 0, 99],
      ['bytes=100-', 100, size - 1],
      ['bytes=-50', size - 50, size - 1],
      ['bytes=0-99999999', 0, size - 1],
      [`bytes=-${size + 5}`, 0, size - 1],
    ] as const) {
      const part = await ask({ range })
      expect([part.status, part.headers.get('content-range')], range).toEqual([
        206,
        `bytes ${first}-${last}/${size}`,
      ])
      expect(part.headers.get('content-length')).toBe(String(last - first + 1))
      const read = Buffer.from(await part.arrayBuffer())
      expect(read.equals(bytes.subarray(first, last + 1)), range).toBe(true)
    }
    for (const range of [`bytes=${size}-`, `bytes=${size}-${size + 9}`, 'bytes=-0'])
      expectProblem(await problemOf(await ask({ range })), 'range_not_satisfiable')
    for (const range of ['bytes=9-1', 'bytes=0-1,5-6', 'lines=1-2', 'bytes=-', 'nonsense']) {
      const whole = await ask({ range })
      expect([whole.status, (await whole.arrayBuffer()).byteLength], range).toEqual([200, size])
    }
    const whole = await ask({})
    await whole.arrayBuffer()
    expect(whole.headers.get('accept-ranges')).toBe('bytes')
    const etag = whole.headers.get('etag') ?? ''
    expect((await ask({ 'if-none-match': `"other", W/${etag}` })).status).toBe(304)
    expect((await ask({ range: 'bytes=0-1', 'if-range': etag })).status).toBe(206)
    expect((await ask({ range: 'bytes=0-1', 'if-range': '"other"' })).status).toBe(200)
    const head = await fetch(links.url, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(size)])
  })

  test('V5: a picture gets a thumbnail that is small, upright, and tells nothing of where it was taken', async () => {
    // Lying on its side, with the place and the name of its camera.
    const photo = await sharp({ create: { width: 900, height: 600, channels: 3, background: 'teal' } })
      .withMetadata({ orientation: 6 })
      .withExifMerge({
        IFD0: { Make: 'SecretCamera' },
        IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '51/1 30/1 3230/100' },
      })
      .jpeg()
      .toBuffer()
    expect(photo.includes('SecretCamera')).toBe(true)
    const { id } = await stored({ name: 'photo.jpg', type: 'image/jpeg', body: photo })
    await eventually('the thumbnail is made', async () => (await linksTo(id)).thumbnailUrl !== undefined)
    const links = await linksTo(id)
    expect(links).toMatchObject({ width: 600, height: 900 })
    const answer = await fetch(links.thumbnailUrl ?? '')
    expect(answer.headers.get('content-type')).toBe('image/webp')
    const small = Buffer.from(await answer.arrayBuffer())
    const shape = await sharp(small).metadata()
    expect([shape.format, shape.width, shape.height]).toEqual(['webp', 213, 320])
    expect(shape.exif).toBeUndefined()
    expect(shape.orientation).toBeUndefined()
    for (const trace of ['SecretCamera', 'EXIF', 'XMP']) expect(small.includes(trace), trace).toBe(false)
    expect(await objects()).toEqual(expect.arrayContaining([id, `${id}.thumbnail`]))
  })

  test.each(['png', 'webp', 'gif', 'avif'] as const)('V5: a %s gets a thumbnail', async format => {
    const source = sharp({ create: { width: 40, height: 20, channels: 3, background: 'red' } })
    const { id } = await stored({ type: `image/${format}`, body: await source[format]().toBuffer() })
    await eventually('the thumbnail is made', async () => (await metadataOf(id)).thumbnail !== undefined)
    // Small ones are not blown up.
    expect(await metadataOf(id)).toMatchObject({
      width: 40,
      height: 20,
      thumbnail: { width: 40, height: 20 },
    })
  })

  test('S4: a picture that would unpack to too much is not unpacked, and that is written down', async () => {
    const create = { width: 12_000, height: 12_000, channels: 3 as const, background: 'red' }
    const bomb = await sharp({ create, limitInputPixels: false }).png({ compressionLevel: 9 }).toBuffer()
    expect(bomb.length).toBeLessThan(mib)
    const { id } = await stored({ name: 'bomb.png', type: 'image/png', body: bomb })
    const damaged = await stored({ name: 'damaged.png', type: 'image/png', body: samples.png })
    for (const file of [id, damaged.id]) {
      await eventually('it is refused', async () => (await metadataOf(file)).thumbnailError !== undefined)
      expect((await linksTo(file)).thumbnailUrl).toBeUndefined()
    }
    expect(await metadataOf(id)).toEqual({ thumbnailError: expect.stringMatching(/pixel limit/) })
    // The file itself is served all the same.
    expect((await fetch((await linksTo(id)).url)).status).toBe(200)
  })

  test('G4: a store that cannot write is unavailable, and a link to it as well', async () => {
    const { links } = await stored({ type: 'text/plain', body: 'before' })
    const [folder, aside] = ['files', 'files-aside'].map(name => join(parley.dataFolder, name))
    await rename(folder ?? '', aside ?? '')
    await writeFile(folder ?? '', 'no folder')
    try {
      const rows = (await rowsOf('files')).length
      expectProblem(await send({ type: 'text/plain', body: 'hello' }), 'unavailable')
      expectProblem(await problemOf(await fetch(links.url)), 'unavailable')
      expect((await rowsOf('files')).length).toBe(rows)
    } finally {
      await rm(folder ?? '')
      await rename(aside ?? '', folder ?? '')
    }
    expect((await fetch(links.url)).status).toBe(200)
  })
})
