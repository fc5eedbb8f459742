import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { problemSchema } from '../../src/protocol/index.ts'
import { newVictim, type Victim } from '../support/hostile.ts'
import { type RawAnswer, send } from '../support/rawHttp.ts'
import { frameOf, rawSocket } from '../support/rawSocket.ts'
import { connectVisitor, visit } from '../support/sockets.ts'

const base = '/socket.io/?EIO=4&transport=polling'

/** S4: the same by long polling, where every packet is a request. */
describe('S4 hostile polling', () => {
  let victim: Victim
  beforeAll(async () => {
    victim = await newVictim()
  })
  afterAll(() => victim?.[Symbol.asyncDispose]())

  const get = (sid: string, headers: Record<string, string> = {}) =>
    send(victim, { path: `${base}&sid=${sid}`, headers })
  const post = (sid: string, body: string | Buffer, headers: Record<string, string> = {}) =>
    send(victim, {
      method: 'POST',
      path: `${base}&sid=${sid}`,
      headers: { 'content-type': 'text/plain;charset=UTF-8', ...headers },
      body,
    })

  async function opened(headers: Record<string, string> = {}): Promise<string> {
    const { status, text } = await send(victim, { path: `${base}&widget=${victim.widgetKey}`, headers })
    expect(status).toBe(200)
    return (JSON.parse(text.slice(1)) as { sid: string }).sid
  }
  async function visitor(headers: Record<string, string> = {}): Promise<string> {
    const sid = await opened(headers)
    const { token } = await visit(victim.url, victim.widgetKey)
    await post(sid, `40/visitor,${JSON.stringify({ version: 1, token })}`, headers)
    let heard = ''
    while (!heard.includes('"welcome"')) heard += (await get(sid, headers)).text
    return sid
  }
  /** Whether the session is over: its id means nothing any more. */
  const isOver = async (sid: string) => {
    const { status, text } = await get(sid)
    return status === 400 || text.endsWith('1')
  }
  const clean = ({ status }: RawAnswer) => status >= 400 && status < 500

  test('S4 two requests at once, wrong bodies and unknown sessions end the session or are refused', async () => {
    await victim.unharmedBy(async () => {
      const twice = await visitor()
      const [one, other] = await Promise.all([
        get(twice).catch(() => undefined),
        get(twice).catch(() => undefined),
      ])
      expect([one, other].some(answer => answer && clean(answer))).toBe(true)
      expect(await isOver(twice)).toBe(true)

      const bodies: Record<string, [string | Buffer, Record<string, string>]> = {
        bytes: ['x', { 'content-type': 'application/octet-stream' }],
        'a huge body': ['4'.repeat(600_000), {}],
        'no packet': ['\u0000', {}],
        'a binary packet': ['bAAAA', {}],
        'many packets': [Array.from({ length: 5_000 }, () => '3').join('\x1e'), {}],
        'many empty packets': ['\x1e'.repeat(100_000), {}],
        'no UTF-8': [Buffer.from([0x34, 0xff, 0xfe]), {}],
        'a goodbye': ['1', {}],
      }
      for (const [what, [body, headers]] of Object.entries(bodies)) {
        const sid = await visitor()
        const answer = await post(sid, body, headers).catch(() => undefined)
        expect(answer === undefined || answer.status < 500, what).toBe(true)
        if (what === 'a huge body') expect(answer?.status).toBe(413)
        else expect(await isOver(sid), what).toBe(true)
      }
      for (const sid of ['unknown', '__proto__', 'constructor', '%00', 'x'.repeat(4_000)])
        for (const answer of [await get(sid), await post(sid, '40')]) expect(clean(answer), sid).toBe(true)
      const path = base.replace('polling', 'nothing')
      for (const wrong of [
        path,
        base.replace('EIO=4', 'EIO=3'),
        base.replace('EIO=4', 'EIO=x'),
        '/socket.io/',
      ])
        expect(clean(await send(victim, { path: wrong })), wrong).toBe(true)
      expect(clean(await send(victim, { method: 'POST', path: base, body: '40' }))).toBe(true)
    })
  })

  test('S4 a method that is none of polling is refused as a problem, and the session goes on', async () => {
    await victim.unharmedBy(async () => {
      const sid = await visitor()
      for (const method of ['PUT', 'DELETE', 'PATCH', 'HEAD'])
        for (const path of [`${base}&sid=${sid}`, base, `${base}&sid=unknown`]) {
          const answer = await send(victim, { method, path })
          expect(answer.status, `${method} ${path}`).toBe(405)
          expect(answer.headers.get('allow')).toBe('GET, POST')
          expect(answer.headers.get('content-type')).toBe('application/problem+json')
          if (method !== 'HEAD')
            expect(problemSchema.parse(answer.body)).toMatchObject({
              code: 'method_not_allowed',
              status: 405,
            })
        }
      await post(sid, '42/visitor,1["conversation.list",{}]')
      expect((await get(sid)).text).toContain('43/visitor,1[{"ok":true')
      await post(sid, '1')
    })
  })

  test('S4 who has not come in may send little, in one body or in many', async () => {
    const large = await opened()
    expect((await post(large, '4'.repeat(20_000))).status).toBe(413)
    const many = await opened()
    for (let at = 0; at < 20; at++) await post(many, `43/x,1["${'x'.repeat(1_000)}"]`).catch(() => undefined)
    expect(await isOver(many)).toBe(true)
  })

  test('S4 the id of a session is of no use to another page', async () => {
    const page = { origin: 'http://localhost' }
    const own = { origin: victim.url }
    const foreign = { origin: 'https://evil.example' }
    const sid = await visitor(own)
    for (const headers of [foreign, page]) {
      expect((await get(sid, headers)).status).toBe(400)
      expect((await post(sid, '41/visitor,', headers)).status).toBe(400)
      const taken = await rawSocket(victim.url, `&sid=${sid}`, { Origin: headers.origin }).catch(
        () => undefined,
      )
      taken?.write(frameOf(1, '2probe'))
      expect(taken === undefined || (await taken.ends(6_000))).toBe(true)
    }
    // It lives on, and its own page goes on with it.
    await post(sid, '42/visitor,1["conversation.list",{}]', own)
    expect((await get(sid, own)).text).toContain('43/visitor,1[{"ok":true')
    await post(sid, '1', own)
  })

  test('S4 whoever begins by polling and goes over to a WebSocket has the same limits and rights', async () => {
    const socket = await connectVisitor(victim.url, await visit(victim.url, victim.widgetKey), {
      transports: ['polling', 'websocket'],
    })
    const { conversation } = await socket.ask('conversation.open', { clientId: 'first' })
    const text = 'x'.repeat(8_000)
    const upgraded = () => socket.socket.io.engine.transport.name === 'websocket'
    while (!upgraded()) await new Promise(resolve => setTimeout(resolve, 20))
    const stored = await socket.ask('message.send', {
      ...{ conversationId: conversation.id, clientId: 'large' },
      parts: Array.from({ length: 10 }, () => ({ type: 'text' as const, text })),
    })
    expect(stored.seq).toBe(1)
    socket.close()
  })
})
