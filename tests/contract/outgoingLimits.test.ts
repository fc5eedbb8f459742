import { once } from 'node:events'
import { type AddressInfo, createServer as createRawServer } from 'node:net'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { closeServers, failing, outgoing, reasonOf, servers, serving, to } from '../support/outgoing.ts'

afterEach(closeServers)

describe('S5: what comes back has limits', () => {
  test('status, headers and body arrive as with fetch', async () => {
    const { url } = await serving((request, response) => {
      response.writeHead(404, { 'content-type': 'text/plain', 'set-cookie': ['a=1', 'b=2'] })
      response.end(`${request.headers.host} ${request.headers['user-agent']}`)
    })
    const response = await outgoing().fetch(url, { headers: { host: 'spoofed.example' } })
    expect(response.status).toBe(404)
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    expect(await response.text()).toMatch(new RegExp(`^${new URL(url).host} Parley/`))
    expect((await outgoing().fetch(url, { method: 'HEAD' })).body).toBeNull()
  })

  test.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
  ] as const)('%s is decompressed', async (encoding, compress) => {
    const { url } = await serving((_request, response) =>
      response.writeHead(200, { 'content-encoding': encoding }).end(compress('much text '.repeat(1_000))),
    )
    expect(await (await outgoing().fetch(url)).text()).toBe('much text '.repeat(1_000))
  })

  test('a body that is too long ends in an error, and the connection with it', async () => {
    let closed = false
    const { url } = await serving((_request, response) => {
      response.on('close', () => {
        closed = true
      })
      const more = () => {
        if (!closed) response.write(Buffer.alloc(64 * 1024, 'x'), () => setImmediate(more))
      }
      more()
    })
    const response = await outgoing().fetch(url, { limits: { maxBytes: 1_000_000 } })
    expect(await reasonOf(response.text())).toBe('too_large')
    await eventually('the server sees it', () => closed)
  })

  test.each([
    ['gzip', (bytes: Buffer) => gzipSync(bytes, { level: 1 })],
    ['br', (bytes: Buffer) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 2 } })],
  ] as const)('a %s bomb is counted by what comes out of it', async (encoding, compress) => {
    const bomb = compress(Buffer.alloc(200 * 1024 * 1024))
    expect(bomb.length).toBeLessThan(1_000_000)
    const { url } = await serving((_request, response) =>
      response.writeHead(200, { 'content-encoding': encoding }).end(bomb),
    )
    const before = process.memoryUsage().rss
    const response = await outgoing().fetch(url, { limits: { maxBytes: 1_000_000 } })
    expect(await reasonOf(response.text())).toBe('too_large')
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1024 * 1024)
  })

  test('compressed bytes that nothing comes out of are counted too', async () => {
    const { url } = await serving((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' })
      // Empty members, one after the other.
      const empty = gzipSync('')
      response.end(Buffer.concat(Array.from({ length: 20_000 }, () => empty)))
    })
    const response = await outgoing().fetch(url, { limits: { maxBytes: 100_000 } })
    expect(await reasonOf(response.text())).toBe('too_large')
  })

  test.each([
    ['is not compressed', { 'content-encoding': 'gzip' }, 'plain text'],
    ['is compressed otherwise', { 'content-encoding': 'zstd' }, 'x'],
    ['is compressed twice', { 'content-encoding': 'gzip, gzip' }, 'x'],
  ])('a body that %s is unreadable', async (_what, headers, body) => {
    const { url } = await serving((_request, response) => response.writeHead(200, headers).end(body))
    const reading = outgoing()
      .fetch(url)
      .then(response => response.text())
    expect(await reasonOf(reading)).toBe('unreadable')
  })

  test('a body that drips is over after the time for all of it', async () => {
    let closed = false
    const { url } = await serving((_request, response) => {
      const dripping = setInterval(() => response.write('x'), 20)
      response.on('close', () => {
        clearInterval(dripping)
        closed = true
      })
    })
    const response = await outgoing().fetch(url, { limits: { totalMs: 500 } })
    expect(await reasonOf(response.text())).toBe('timeout')
    await eventually('the server sees it', () => closed)
  })

  test('a server that says nothing, and redirects that take their time, share one clock', async () => {
    const silent = await serving(() => undefined)
    expect(await failing(silent.url, { limits: { totalMs: 200 } }, outgoing())).toBe('timeout')
    const slow = await serving((request, response) => {
      setTimeout(() => response.writeHead(302, { location: `${request.url}x` }).end(), 150)
    })
    expect(await failing(slow.url, { limits: { totalMs: 400 } }, outgoing())).toBe('timeout')
  })

  test('an abort ends it before and during the body; whoever cancels closes the connection', async () => {
    let open = 0
    const { url } = await serving((_request, response) => {
      open += 1
      response.on('close', () => {
        open -= 1
      })
      response.write('begun')
    })
    expect(await failing(url, { signal: AbortSignal.abort() }, outgoing())).toBe('aborted')
    const controller = new AbortController()
    const response = await outgoing().fetch(url, { signal: controller.signal })
    const reading = reasonOf(response.text())
    controller.abort()
    expect(await reading).toBe('aborted')
    const unread = await outgoing().fetch(url)
    await unread.body?.cancel()
    await eventually('no connection is open', () => open === 0)
  })

  test('what speaks another language, or breaks off, is unreachable', async () => {
    const raw = createRawServer(socket => socket.end('SSH-2.0-OpenSSH\r\n')).listen(0, '127.0.0.1')
    servers.push(raw)
    await once(raw, 'listening')
    const { port } = raw.address() as AddressInfo
    expect(await failing(`http://127.0.0.1:${port}`, {}, outgoing())).toBe('unreachable')
    const cut = await serving((_request, response) => {
      response.writeHead(200, { 'content-length': '100' })
      response.write('half', () => response.socket?.destroy())
    })
    expect(await reasonOf((await outgoing().fetch(cut.url)).text())).toBe('unreachable')
  })

  test('no error says which address a name led to', async () => {
    const error = await outgoing([], to('10.11.12.13'))
      .fetch('http://wiki.example/')
      .catch((fault: Error) => fault)
    expect(
      `${(error as Error).message} ${(error as Error).stack} ${String((error as Error).cause)}`,
    ).not.toContain('10.11')
  })
})
