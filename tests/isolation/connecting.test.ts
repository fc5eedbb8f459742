import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { databaseKinds } from '../support/databases.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import { send } from '../support/rawHttp.ts'
import { ConnectionRefused, type ConnectOptions, connectSocket, newWidget } from '../support/sockets.ts'
import { resigned, tampered, unspeakable } from './matrix/badges.ts'
import { type Crowd, newCrowd } from './matrix/crowd.ts'

const kind = databaseKinds.at(-1) ?? 'embedded'

/** S4: who comes in where, and from which page. */
describe('S3 S4 connecting', () => {
  let parley: TestParley
  let a: Crowd
  let b: Crowd
  beforeAll(async () => {
    parley = await startParley(kind)
    a = await newCrowd(parley, 'A')
    b = await newCrowd(parley, 'B')
  })
  afterAll(() => parley.remove())

  /** `in`, or the code of the refusal; a refusal before Socket.IO has no code but a status. */
  async function connecting(options: Omit<ConnectOptions, 'url'>): Promise<string> {
    try {
      const socket = await connectSocket({ url: parley.url, ...options })
      socket.close()
      return 'in'
    } catch (error) {
      if (!(error instanceof ConnectionRefused)) throw error
      return error.failure?.code ?? error.message
    }
  }
  const asVisitor = (token: string, widget = a.widgetKey) =>
    connecting({ audience: 'visitor', auth: { token }, query: { widget } })
  const asGuest = (ticket: string) => connecting({ audience: 'participant', auth: { ticket } })
  const asMember = (token: string) => connecting({ audience: 'member', auth: { token } })

  /** Whether a connection may be begun at all, in both ways there are. */
  async function knock(query: string, headers: Record<string, string>): Promise<boolean> {
    const webSocket = new WebSocket(
      `${parley.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket${query}`,
      { headers },
    )
    const opened = await new Promise<boolean>(resolve => {
      webSocket.on('open', () => resolve(true)).on('error', () => resolve(false))
    })
    webSocket.terminate()
    const path = `/socket.io/?EIO=4&transport=polling${query}`
    const polled = await send(parley, { path, headers })
    expect(polled.status === 200, `both ways answer alike to ${query} ${JSON.stringify(headers)}`).toBe(
      opened,
    )
    return opened
  }

  test('S4 a page may connect for a widget whose domains cover it, and no other page', async () => {
    const { owner } = a.workspace
    const widget = await owner.call<{ publicKey: string }>('post', '/api/v1/widgets', {
      name: 'Domains',
      allowedDomains: [
        'shop.example',
        '*.sub.example',
        'dev.example:8443',
        'secure.example:443',
        '*.p.example:81',
      ],
    })
    const key = widget.body.publicKey
    const pages = {
      'https://shop.example': true,
      'http://shop.example': true,
      'https://shop.example:444': true,
      'https://www.shop.example': false,
      'https://shop.example.evil.example': false,
      'https://evilshop.example': false,
      'https://a.sub.example': true,
      'https://a.b.sub.example': true,
      'https://sub.example': false,
      'https://evilsub.example': false,
      'https://dev.example:8443': true,
      'https://dev.example': false,
      'https://dev.example:84430': false,
      'https://secure.example': true,
      'http://secure.example': false,
      'http://a.p.example:81': true,
      'http://a.p.example': false,
      'https://evil.example': false,
      null: false,
      'file://': false,
      '*': false,
      [parley.url]: true,
    }
    const found: Record<string, boolean> = {}
    for (const page of Object.keys(pages)) found[page] = await knock(`&widget=${key}`, { origin: page })
    expect(found).toEqual(pages)
    // Programs send no Origin; which widget they mean is asked at the door.
    expect(await knock('', {})).toBe(true)
    expect(await knock('', { origin: 'https://shop.example' })).toBe(false)
    expect(await knock('&widget=', { origin: 'https://shop.example' })).toBe(false)
    expect(await knock('&widget=made-up', { origin: 'https://shop.example' })).toBe(false)
    expect(await knock('&widget=__proto__', { origin: 'https://shop.example' })).toBe(false)
  })

  test('S4 nothing in the query leads around the look at the page', async () => {
    const headers = { origin: 'https://evil.example' }
    for (const query of ['&sid=', '&sid', '&sid=x&sid=', '&%73id=', '&SID=', '&sid[]=', '&sid=%00'])
      expect(await knock(query, headers), query).toBe(false)
    const twice = `&widget=made-up&widget=${a.widgetKey}`
    expect(await knock(twice, headers)).toBe(false)
  })

  test('S4 a page that was let in for a widget is a visitor there, and nobody who is signed in', async () => {
    const cookie = `parley.session_token=${encodeURIComponent(a.workspace.owner.token)}`
    const own = { cookie, origin: parley.url }
    expect(await connecting({ audience: 'member', auth: {}, headers: own })).toBe('in')
    const page = { cookie, origin: 'https://shop.example' }
    const query = { widget: a.widgetKey }
    expect(await connecting({ audience: 'member', auth: {}, query, headers: page })).toBe('forbidden')
    expect(await connecting({ audience: 'member', auth: {}, query, headers: own })).toBe('forbidden')
    const { credential: ticket } = a.guest
    expect(await connecting({ audience: 'participant', auth: { ticket }, query, headers: page })).toBe(
      'forbidden',
    )
    expect(await connecting({ audience: 'member', auth: {}, headers: page })).not.toBe('in')
    const { token } = a.visit
    expect(await connecting({ audience: 'visitor', auth: { token }, query, headers: page })).toBe('in')
    expect(await connecting({ audience: 'visitor', auth: { token }, headers: own })).toBe('forbidden')
    // A cookie of ours that nobody signed, and none at all.
    const unsigned = { cookie: cookie.split('.').slice(0, 2).join('.'), origin: parley.url }
    expect(await connecting({ audience: 'member', auth: {}, headers: unsigned })).toBe('unauthenticated')
    expect(await connecting({ audience: 'member', auth: {} })).toBe('unauthenticated')
  })

  test('S3 every credential opens one namespace, and its own widget and tenant', async () => {
    const [visitor, ticket] = [a.visit.token, a.guest.credential]
    const [session, key] = [a.owner.credential, a.key.credential]
    const tries = {
      'visitor token': [await asVisitor(visitor), await asMember(visitor), await asGuest(visitor)],
      ticket: [await asVisitor(ticket), await asMember(ticket), await asGuest(ticket)],
      session: [await asVisitor(session), await asMember(session), await asGuest(session)],
      key: [await asVisitor(key), await asMember(key), await asGuest(key)],
      'what brings a visitor back': [await asVisitor(a.visit.resume), await asMember(a.visit.resume)],
    }
    const no = 'unauthenticated'
    expect(tries).toEqual({
      'visitor token': ['in', no, no],
      ticket: [no, no, 'in'],
      session: [no, 'in', no],
      key: [no, 'in', no],
      'what brings a visitor back': [no, no],
    })
    const second = (await newWidget(a.workspace)).publicKey
    for (const widget of [second, b.widgetKey, 'made-up', '', '__proto__'])
      expect(await asVisitor(visitor, widget), widget).toBe(no)
    for (const tenant of [b.workspace.tenantId, b.workspace.slug])
      expect(await connecting({ audience: 'member', auth: { token: session, tenant } })).toBe('forbidden')
    // A key has a workspace of its own, whatever is said.
    const named = { audience: 'member', auth: { token: key, tenant: b.workspace.tenantId } } as const
    const socket = await connectSocket({ url: parley.url, ...named })
    const foreign = await socket.answer('conversation.open', { conversationId: b.conversationId })
    expect(foreign).toMatchObject({ ok: false, error: { code: 'not_found' } })
    socket.close()
  })

  test('S4 what is not a handshake is refused by name', async () => {
    const { token } = a.visit
    const tries: [unknown, string][] = [
      ...[0, 2, -1, 1.5, 1e9, 1e308].map((version): [unknown, string] => [
        { version, token },
        'unsupported_version',
      ]),
      ...['1', null, true, [1], {}].map((version): [unknown, string] => [
        { version, token },
        'invalid_request',
      ]),
      ...[1, null, '', 'x'.repeat(5_000), ['x'], { x: 1 }].map((bad): [unknown, string] => [
        { token: bad },
        'invalid_request',
      ]),
      [{}, 'invalid_request'],
      [{ token, ticket: 'x' }, 'invalid_request'],
      [{ token, pid: 'x', offset: 'y' }, 'invalid_request'],
      [JSON.parse(`{"token":"${token}","__proto__":{"x":1}}`), 'invalid_request'],
    ]
    const query = { widget: a.widgetKey }
    for (const [auth, expected] of tries) {
      const came = await connecting({ audience: 'visitor', auth: auth as Record<string, unknown>, query })
      expect(came, JSON.stringify(auth).slice(0, 200)).toBe(expected)
    }
  })

  test('S4 tokens that were changed, that are over, or of something that is gone', async () => {
    for (const [what, token] of Object.entries(tampered(a.visit.token)))
      expect(await asVisitor(token), what).toBe('unauthenticated')
    for (const [what, ticket] of Object.entries(tampered(a.guest.credential)))
      expect(await asGuest(ticket), what).toBe('unauthenticated')
    expect(await asVisitor(resigned('visitor', a.visit.token, -1))).toBe('token_expired')
    expect(await asGuest(resigned('ticket', a.guest.credential, -1))).toBe('token_expired')
    const foreign = resigned('ticket', a.guest.credential, 60, { conversationId: b.conversationId })
    for (const [what, token] of Object.entries(unspeakable)) {
      expect(await asVisitor(token), what).toBe('invalid_request')
      expect(await asGuest(token), what).toBe('invalid_request')
      expect(await connecting({ audience: 'member', auth: { token } }), what).toBe('invalid_request')
    }
    expect(await asGuest(foreign)).toBe('unauthenticated')
    expect(await asVisitor(resigned('visitor', a.visit.token, 60, { tenantId: b.workspace.tenantId }))).toBe(
      'unauthenticated',
    )
  })
})
