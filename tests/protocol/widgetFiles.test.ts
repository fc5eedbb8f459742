import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import express from 'express'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { problemHandler } from '../../src/http/problems.ts'
import { widgetFiles, widgetFolder } from '../../src/http/widgetFiles.ts'
import { buildWidget, type Manifest } from '../../widget/bundle.ts'
import { databaseKinds } from '../support/databases.ts'
import { startParley, type TestParley } from '../support/parley.ts'

let parley: TestParley
let manifest: Manifest

beforeAll(async () => {
  parley = await startParley(databaseKinds[0] ?? 'embedded')
  manifest = JSON.parse(await readFile(join(widgetFolder, 'manifest.json'), 'utf8'))
})
afterAll(() => parley.remove())

const get = (path: string, headers: Record<string, string> = {}) => fetch(`${parley.url}${path}`, { headers })

describe('V1: the files of the widget', () => {
  test.each([
    ['gzip, deflate, br, zstd', 'br', 'brotli'],
    ['gzip;q=1.0, br;q=0', 'gzip', 'gzip'],
    ['identity', null, 'bytes'],
  ] as const)('for a browser that takes %s: %s', async (taken, coding, size) => {
    const response = await get('/widget.js', { 'accept-encoding': taken })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-encoding')).toBe(coding)
    expect(response.headers.get('content-length')).toBe(String(manifest.files['widget.js']?.[size]))
    expect(response.headers.get('vary')).toMatch(/accept-encoding/i)
    expect(await response.text()).toBe(await readFile(join(widgetFolder, 'widget.js'), 'utf8'))
  })

  test('are for pages of any site, are scripts and nothing else, and bring no header that only pages need', async () => {
    for (const path of ['/widget.js', '/widget.mjs', `/widget/${manifest.aliases['app.js']}`]) {
      const { status, headers } = await get(path)
      expect(status, path).toBe(200)
      expect(headers.get('access-control-allow-origin')).toBe('*')
      expect(headers.get('cross-origin-resource-policy')).toBe('cross-origin')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('content-type')).toBe('text/javascript; charset=utf-8')
      expect(headers.get('content-security-policy')).toBeNull()
    }
  })

  test('are not sent again to who has them', async () => {
    const first = await get('/widget.js')
    const tag = first.headers.get('etag') ?? ''
    expect(tag).toMatch(/^"[\w-]{16}-\w+"$/)
    const again = await get('/widget.js', { 'if-none-match': `"other", W/${tag}` })
    expect([again.status, await again.text()]).toEqual([304, ''])
    // Another coding is another body.
    const plain = await get('/widget.js', { 'if-none-match': tag, 'accept-encoding': 'identity' })
    expect(plain.status).toBe(200)
  })

  test('stay for a year where their name says what is in them, and for minutes where it does not', async () => {
    const cacheOf = async (path: string) => (await get(path)).headers.get('cache-control')
    expect(await cacheOf('/widget.js')).toBe('public, max-age=300')
    expect(await cacheOf('/widget.mjs')).toBe('public, max-age=300')
    for (const [alias, name] of Object.entries(manifest.aliases)) {
      expect(await cacheOf(`/widget/${name}`)).toBe('public, max-age=31536000, immutable')
      expect(await cacheOf(`/widget/${alias}`)).toBe('no-cache')
      const [under, by] = await Promise.all([get(`/widget/${alias}`), get(`/widget/${name}`)])
      expect(await under.text()).toBe(await by.text())
    }
  })

  test('are those that were built, and no others', async () => {
    for (const path of [
      '/widget/app-00000000.js',
      '/widget/manifest.json',
      '/widget/../package.json',
      '/widget/%2e%2e%2fpackage.json',
    ])
      expect((await get(path)).status, path).toBe(404)
    // The widget tells by it that its page is out of date, from any site, and asks the next server.
    const { headers } = await get('/widget/app-00000000.js')
    expect(headers.get('access-control-allow-origin')).toBe('*')
    expect(headers.get('cache-control')).toBe('no-store')
    const head = await fetch(`${parley.url}/widget.js`, { method: 'HEAD' })
    expect([head.status, Number(head.headers.get('content-length')) > 0, await head.text()]).toEqual([
      200,
      true,
      '',
    ])
  })

  test('of a build before are there for a week, for pages that were opened with it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'parley-widget-'))
    const names = ['Menu-AAAAAAAA.js', 'Menu-BBBBBBBB.js', 'Menu-CCCCCCCC.js', 'widget.js', 'parley.d.ts']
    for (const name of names)
      for (const ending of ['', '.gz', '.br']) await writeFile(join(folder, name + ending), name)
    const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString()
    const file = { hash: 'x', bytes: 1, gzip: 1, brotli: 1 }
    const before = {
      aliases: {},
      files: { 'Menu-AAAAAAAA.js': file, 'widget.js': file, 'parley.d.ts': file },
      earlier: {
        'Menu-BBBBBBBB.js': { hash: 'x', until: daysAgo(6) },
        'Menu-CCCCCCCC.js': { hash: 'x', until: daysAgo(8) },
      },
    }
    await writeFile(join(folder, 'manifest.json'), JSON.stringify(before))
    const { manifest: now } = await buildWidget(folder)
    expect(Object.keys(now.earlier)).toEqual(['Menu-AAAAAAAA.js', 'Menu-BBBBBBBB.js'])
    const log = pino({ level: 'silent' })
    const server = express()
      .use(await widgetFiles(log, folder))
      .listen(0)
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const ask = (name: string) =>
      fetch(`http://127.0.0.1:${port}/widget/${name}`, { headers: { 'accept-encoding': 'identity' } })
    const old = await ask('Menu-AAAAAAAA.js')
    expect([old.status, await old.text()]).toEqual([200, 'Menu-AAAAAAAA.js'])
    expect(old.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    expect((await ask('Menu-CCCCCCCC.js')).status).toBe(404)
    // What a later build takes away while this program runs is gone, and no fault.
    await rm(join(folder, 'Menu-BBBBBBBB.js'))
    expect((await ask('Menu-BBBBBBBB.js')).status).toBe(404)
    server.close()
    await rm(folder, { recursive: true })
  })

  test('where they were not built: one line in the log, and a plain answer', async () => {
    const lines: string[] = []
    const log = pino({}, { write: (line: string) => lines.push(line) })
    const empty = await mkdtemp(join(tmpdir(), 'parley-no-widget-'))
    const server = express()
      .use(await widgetFiles(log, empty))
      .use(problemHandler(log))
      .listen(0)
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const response = await fetch(`http://127.0.0.1:${port}/widget.js`)
    expect(response.status).toBe(503)
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    expect(await response.json()).toMatchObject({
      code: 'unavailable',
      detail: expect.stringMatching(/npm run build/),
    })
    expect(lines.filter(line => line.includes('the widget is not built')).length).toBe(1)
    server.close()
    await rm(empty, { recursive: true })
  })
})

describe('the page of the demo shop', () => {
  test('without a demo workspace it says how to get one', async () => {
    const response = await get('/demo')
    expect(response.status).toBe(404)
    expect(await response.text()).toContain('SEED_DEMO=true')
  })
})
