import { afterEach, describe, expect, test } from 'vitest'
import { parseAllowList } from '../../src/providers/allowList.ts'
import type { Resolve } from '../../src/providers/outgoing.ts'
import { isPublic } from '../../src/providers/publicAddress.ts'
import { closeServers, failing, outgoing, serving, to } from '../support/outgoing.ts'

afterEach(closeServers)

describe('S5: addresses that are not public', () => {
  test.each([
    ...[
      '0.0.0.0',
      '10.1.2.3',
      '100.64.0.1',
      '100.100.100.200',
      '127.0.0.1',
      '127.255.0.9',
      '169.254.169.254',
    ],
    ...['172.16.0.1', '172.31.255.255', '192.0.0.192', '192.168.1.1', '198.18.0.1', '224.0.0.1'],
    ...['255.255.255.255', '168.63.129.16', '::', '::1', '::127.0.0.1', '::ffff:10.0.0.1', '::ffff:7f00:1'],
    ...['fe80::1', 'fe80::1%eth0', 'fc00::1', 'fd00:ec2::254', 'ff02::1', '2001::1', '2001:db8::1'],
    ...['2002:7f00:1::', '64:ff9b::10.0.0.1', '64:ff9b::a9fe:a9fe', '64:ff9b:1::1', '100::1', 'host', ''],
  ])('%s is not', address => {
    expect(isPublic(address)).toBe(false)
  })

  test.each([
    '1.1.1.1',
    '172.32.0.1',
    '192.167.1.1',
    '2606:4700:4700::1111',
    '::ffff:1.1.1.1',
    '64:ff9b::101:101',
  ])('%s is', address => {
    expect(isPublic(address)).toBe(true)
  })

  test.each([
    ...['http://127.0.0.1/', 'http://2130706433/', 'http://0x7f.1/', 'http://0177.0.0.1/', 'http://127.1/'],
    ...['http://127.0.0.1./', 'http://[::1]/', 'http://[::ffff:127.0.0.1]/', 'http://[::ffff:7f00:1]/'],
    ...['http://①②⑦.0.0.1/', 'http://169.254.169.254/latest/meta-data', 'http://0/', 'https://10.0.0.1/'],
    ...['http://localhost/', 'http://LOCALHOST./', 'http://1.1.1.1:22/', 'http://1.1.1.1:8080/'],
  ])('%s is refused', async address => {
    expect(await failing(address)).toBe('address_refused')
  })

  test.each([
    'ftp://example.com/',
    'file:///etc/passwd',
    'http://user:pass@example.com/',
    'no address',
    'data:,x',
  ])('%s is no address of the web', async address => {
    expect(await failing(address)).toBe('invalid_url')
  })

  test('a name is refused if any of its addresses is private', async () => {
    const both: Resolve = async () => [
      { address: '93.184.216.34', family: 4 },
      { address: '10.0.0.1', family: 4 },
    ]
    expect(await failing('http://mixed.example/', {}, outgoing([], both))).toBe('address_refused')
    const port = await failing('http://public.example:6379/', {}, outgoing([], to('93.184.216.34')))
    expect(port).toBe('address_refused')
  })

  test('a name that leads elsewhere the second time cannot be used: what is connected to is what was checked', async () => {
    const asked: string[] = []
    const { port } = await serving((_request, response) => response.end('inside'))
    const rebinding: Resolve = async host => {
      asked.push(host)
      return asked.length === 1
        ? [{ address: '127.0.0.2', family: 4 }]
        : [{ address: '127.0.0.1', family: 4 }]
    }
    const from = outgoing(['127.0.0.2'], rebinding)
    // The first answer is allowed, and nobody listens there. A second lookup would lead to the server.
    expect(await failing(`http://rebind.example:${port}/`, {}, from)).toBe('unreachable')
    expect(asked).toEqual(['rebind.example'])
    expect(await failing(`http://rebind.example:${port}/`, {}, from)).toBe('address_refused')
  })

  test('a name without addresses, or that nobody knows, is unresolved', async () => {
    expect(
      await failing(
        'http://empty.example/',
        {},
        outgoing([], async () => []),
      ),
    ).toBe('unresolved')
    const unknown: Resolve = async () => {
      throw Object.assign(new Error('x'), { code: 'ENOTFOUND' })
    }
    expect(await failing('http://gone.example/', {}, outgoing([], unknown))).toBe('unresolved')
  })

  test('the list allows names, sub-domains, addresses and networks, and nothing beside them', async () => {
    const { port } = await serving((_request, response) => response.end('inside'))
    const ask = (host: string, allowed: string[]) =>
      failing(`http://${host}:${port}/`, {}, outgoing(allowed, to('127.0.0.1')))
    expect(await ask('wiki.example', ['wiki.example'])).toBe('answered: inside')
    expect(await ask('WIKI.example', ['Wiki.Example'])).toBe('answered: inside')
    expect(await ask('a.wiki.example', ['*.wiki.example'])).toBe('answered: inside')
    expect(await ask('any.example', ['127.0.0.0/8'])).toBe('answered: inside')
    expect(await ask('127.0.0.1', ['127.0.0.1'])).toBe('answered: inside')
    for (const allowed of [['wiki.example'], ['*.other.example'], ['10.0.0.0/8', '127.0.0.2']])
      expect(await ask('evilwiki.example', allowed)).toBe('address_refused')
    for (const entry of ['10.0.0.300', '10.0.0.0/33', 'http://x', 'a b', '*', '1.2.3'])
      expect(parseAllowList([entry]), entry).toBeUndefined()
  })
})

describe('S5: redirects', () => {
  const redirecting = (location: string, status = 302) =>
    serving((_request, response) => response.writeHead(status, { location }).end())

  test.each(['http://127.0.0.2/', 'http://169.254.169.254/', 'http://[::1]/', '//10.0.0.1/'])(
    'to %s is refused',
    async location => {
      const { url } = await redirecting(location)
      expect(await failing(url, {}, outgoing())).toBe('address_refused')
    },
  )

  test.each(['file:///etc/passwd', 'http://a:b@example.com/', 'gopher://x/'])(
    'to %s is refused',
    async location => {
      const { url } = await redirecting(location)
      expect(await failing(url, {}, outgoing())).toBe('invalid_url')
    },
  )

  test('are followed, up to a limit, or not at all', async () => {
    const { url } = await serving((request, response) => {
      const step = Number(request.url?.slice(1))
      if (step === 0) response.end('there')
      else response.writeHead(302, { location: `/${step - 1}` }).end()
    })
    const response = await outgoing().fetch(`${url}/5`)
    expect([await response.text(), response.url, response.redirected]).toEqual(['there', `${url}/0`, true])
    expect(await failing(`${url}/6`, {}, outgoing())).toBe('too_many_redirects')
    expect(await failing(`${url}/1`, { redirect: 'error' }, outgoing())).toBe('too_many_redirects')
    const manual = await outgoing().fetch(`${url}/1`, { redirect: 'manual' })
    expect([manual.status, manual.headers.get('location')]).toEqual([302, '/0'])
    await manual.body?.cancel()
  })

  test('take secrets to the same origin only', async () => {
    const seen: Record<string, unknown>[] = []
    const other = await serving((request, response) => {
      seen.push(request.headers)
      response.end('other')
    })
    const first = await serving((request, response) => {
      seen.push(request.headers)
      const location = request.url === '/' ? '/again' : `${other.url}/`
      response.writeHead(307, { location }).end()
    })
    const headers = { authorization: 'Bearer s', cookie: 'c=1', 'x-api-key': 'k', accept: 'text/html' }
    const response = await outgoing().fetch(first.url, { headers })
    expect(await response.text()).toBe('other')
    expect(seen[1]).toMatchObject(headers)
    expect(seen[2]).toMatchObject({ accept: 'text/html' })
    for (const name of ['authorization', 'cookie', 'x-api-key']) expect(seen[2]).not.toHaveProperty(name)
  })

  test.each([
    [307, 'POST', '{"a":1}'],
    [303, 'GET', ''],
    [302, 'GET', ''],
  ])('by %i repeat a POST as %s', async (status, method, body) => {
    const { url } = await serving(async (request, response) => {
      const parts: Buffer[] = []
      for await (const part of request) parts.push(part)
      if (request.url === '/') response.writeHead(status, { location: '/to' }).end()
      else response.end(`${request.method} ${Buffer.concat(parts)}`)
    })
    const sent = await outgoing().fetch(url, { method: 'post', body: '{"a":1}' })
    expect(await sent.text()).toBe(`${method} ${body}`)
  })
})
