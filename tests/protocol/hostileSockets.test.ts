import type { Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { errorCodes } from '../../src/protocol/index.ts'
import { eventually } from '../support/eventually.ts'
import { newVictim, settlesBelow, type Victim } from '../support/hostile.ts'
import { startParley } from '../support/parley.ts'
import { frameOf, type RawSocket, rawSocket, rawTcp, upgradeRequest } from '../support/rawSocket.ts'

const repeated = (bytes: Buffer, times: number) => Buffer.concat(Array.from({ length: times }, () => bytes))
const isOver = (tcp: Socket) => tcp.closed
/** One byte short of saying what it wants, or saying nothing at all. */
async function halfRequest(url: string): Promise<Socket> {
  const tcp = await rawTcp(url)
  const request = upgradeRequest()
  // Without this the end of the connection would not be read.
  tcp.resume()
  tcp.write(request.slice(0, Math.floor(Math.random() * request.length)))
  return tcp
}
const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

/** S4: whatever somebody sends, they are told a code of the table or cut off, and nobody else notices. */
describe('S4 hostile sockets', () => {
  let victim: Victim
  let atRest: number
  beforeAll(async () => {
    victim = await newVictim({ CONNECTIONS_PER_ADDRESS: '120' })
    atRest = await victim.residentMegabytes()
  })
  afterAll(() => victim?.[Symbol.asyncDispose]())

  /** Refusals name a code. */
  function expectKnownCodes({ received }: RawSocket): void {
    for (const text of received.filter(one => one.startsWith('44'))) {
      const said = JSON.parse(text.slice(text.indexOf('{'))) as { message: string; data?: { code: string } }
      expect(errorCodes, text).toContain(said.data?.code)
      expect(said.data?.code, text).not.toBe('internal')
    }
  }

  test('S4 who has not come in is cut off after five seconds at the latest, whatever they said', async () => {
    const says: Record<string, string[]> = {
      nothing: [],
      'an empty packet': [''],
      'unknown packets of Engine.IO': ['9', 'x', '\u0000', '-1'],
      'what only servers say': ['0{"sid":"x"}', '2', '2probe'],
      'upgrades that are none': ['5', '5', '6'],
      pongs: ['3', '3probe', '3'],
      'empty messages': ['4', '4', '4'],
      'unknown packets of Socket.IO': ['4x', '47', '49', '4-1'],
      'an event': ['42["message.send",{}]'],
      'an event in a namespace': ['42/visitor,1["conversation.open",{"clientId":"x"}]'],
      'acknowledgements for nothing': ['43/visitor,7[{}]'],
      'a disconnect': ['41/visitor,'],
      'a refusal': ['44/visitor,{"message":"no"}'],
      'a binary event': ['451-/visitor,["x",{"_placeholder":true,"num":0}]'],
      'attachments that never come': ['459-["x",{"_placeholder":true,"num":0}]'],
      'a million attachments': ['451000000-["x"]'],
      base64: ['bAAAA'],
      'unknown namespaces': ['40/nowhere,', '40/__proto__,{}', '40/visitor/,{}', '40//,{}'],
      'the main namespace': ['40', '40{}'],
      'no credential': ['40/visitor,{}', '40/member,{}', '40/participant,{}'],
      'something else as a credential': ['40/visitor,[]'],
      'half an object': ['40/visitor,{"version":1,"token":'],
      'a nested credential': [`40/visitor,{"token":${'['.repeat(7_000)}${']'.repeat(7_000)}}`],
      'a prototype as a credential': ['40/visitor,{"__proto__":{"version":1},"version":1,"token":"x"}'],
      'many wrong credentials': Array.from({ length: 60 }, () => '40/visitor,{"version":1,"token":"x"}'),
    }
    const opened = await victim.unharmedBy(async () => {
      const sockets = await Promise.all(
        Object.entries(says).map(async ([what, texts]) => {
          const raw = await rawSocket(victim.url, what.length % 2 === 0 ? `&widget=${victim.widgetKey}` : '')
          raw.write(Buffer.concat(texts.map(text => frameOf(1, text))))
          return { what, raw }
        }),
      )
      await Promise.all(sockets.map(({ raw }) => raw.ends()))
      return sockets
    })
    expect(opened.filter(({ raw }) => !raw.isClosed()).map(({ what }) => what)).toEqual([])
    for (const { raw } of opened) expectKnownCodes(raw)
  })

  test('S4 who has not come in cannot make us keep much: large messages end at their beginning', async () => {
    // Whoever says nothing is left after five seconds; these end sooner than one who came before them.
    const quiet = await rawSocket(victim.url)
    const large = await rawSocket(victim.url)
    large.write(frameOf(1, '', { claimed: 20_000 }))
    const many = await rawSocket(victim.url)
    many.write(repeated(frameOf(1, `43/visitor,1["${'x'.repeat(1_000)}"]`), 20))
    const fragments = await rawSocket(victim.url)
    fragments.write(frameOf(1, 'x'.repeat(9_000), { fin: false }))
    fragments.write(frameOf(0, 'x'.repeat(9_000), { fin: false }))
    for (const raw of [large, many, fragments]) expect(await raw.ends()).toBe(true)
    expect(quiet.isClosed()).toBe(false)
    quiet.destroy()
    const welcome = await victim.rawVisitor()
    const text = JSON.stringify({
      ...{ conversationId: welcome.conversationId, clientId: 'large' },
      parts: Array.from({ length: 5 }, () => ({ type: 'text', text: 'x'.repeat(8_000) })),
    })
    welcome.say(`42/visitor,2["message.send",${text}]`)
    expect(await welcome.hears(said => said.startsWith('43/visitor,2['))).toContain('"ok":true')
    welcome.destroy()
  })

  const broken: Record<string, () => Buffer> = {
    'a binary frame': () => frameOf(2, 'x'),
    'an empty binary frame': () => frameOf(2),
    'an unmasked frame': () => frameOf(1, '3', { masked: false }),
    'a reserved bit': () => frameOf(1, '3', { rsv: 4 }),
    'an unknown opcode': () => frameOf(3, 'x'),
    'a large control frame': () => frameOf(9, 'x'.repeat(200)),
    'half a control frame': () => frameOf(9, 'x', { fin: false }),
    'a continuation of nothing': () => frameOf(0, 'x'),
    'a message within a message': () => Buffer.concat([frameOf(1, '4', { fin: false }), frameOf(1, '3')]),
    'no UTF-8': () => frameOf(1, Buffer.from([0x34, 0xff, 0xfe, 0xc0])),
    'a close that is none': () => frameOf(8, Buffer.from([3, 236])),
    'a close of one byte': () => frameOf(8, 'x'),
    'a length beyond what there is': () => frameOf(1, '', { claimed: 2n ** 63n - 1n }),
    'a length beyond what is taken': () => frameOf(1, '', { claimed: 600_000 }),
    'a million empty fragments': () =>
      Buffer.concat([frameOf(1, '4', { fin: false }), repeated(frameOf(0, '', { fin: false }), 1_000_000)]),
    'a hundred thousand tiny fragments': () =>
      Buffer.concat([frameOf(1, '4', { fin: false }), repeated(frameOf(0, '2', { fin: false }), 100_000)]),
    'a million pings': () => repeated(frameOf(9, 'x'.repeat(100)), 100_000),
    'a million pongs': () => repeated(frameOf(10, ''), 1_000_000),
    'a hundred thousand packets': () => repeated(frameOf(1, '3'), 100_000),
    'events without a name': () => frameOf(1, '42/visitor,[]'),
    'events with a reserved name': () => frameOf(1, '42/visitor,["disconnect"]'),
    'a binary event': () => frameOf(1, '451-/visitor,["x",{"_placeholder":true,"num":0}]'),
    'what is no JSON': () => frameOf(1, '42/visitor,["x",'),
    'a second CONNECT': () => frameOf(1, '40/visitor,{"version":1,"token":"x"}'),
    'a goodbye': () => frameOf(1, '41/visitor,'),
  }

  test('S4 broken frames and floods end the connection of who sends them, also of who has come in', async () => {
    const left: string[] = []
    await victim.unharmedBy(async () => {
      for (const [what, make] of Object.entries(broken)) {
        const raw = await victim.rawVisitor()
        raw.write(make())
        if (!(await raw.ends())) left.push(what)
        raw.destroy()
      }
    })
    expect(left).toEqual([])
    await settlesBelow(victim, atRest + 150)
  })

  test('S4 pings are answered to who reads, and fill no memory for who does not', async () => {
    const polite = await victim.rawVisitor()
    const pongs: Buffer[] = []
    polite.tcp.on('data', (chunk: Buffer) => pongs.push(chunk))
    polite.write(frameOf(9, 'are you there'))
    await eventually('it is answered', () => Buffer.concat(pongs).includes('are you there'))
    polite.destroy()
  })

  test('S4 one connection is one session: another namespace is refused, in whatever order', async () => {
    const raw = await victim.rawVisitor()
    raw.say('40/member,{"version":1,"token":"x"}')
    expect(await raw.hears(text => text.startsWith('44/member,'))).toContain('"conflict"')
    raw.say('42/visitor,2["conversation.list",{}]')
    expect(await raw.hears(text => text.startsWith('43/visitor,2['))).toContain('"ok":true')
    raw.destroy()
    const { token } = (await (
      await fetch(`${victim.url}/api/v1/visitor/sessions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ widget: victim.widgetKey }),
      })
    ).json()) as { token: string }
    const many = await rawSocket(victim.url, `&widget=${victim.widgetKey}`)
    many.write(repeated(frameOf(1, `40/visitor,${JSON.stringify({ version: 1, token })}`), 20))
    expect(await many.ends()).toBe(true)
    expect(many.received.filter(text => text.includes('"welcome"')).length).toBeLessThanOrEqual(1)
  })

  test('S4 callers who hang up while they are looked at end nothing but their call', async () => {
    await victim.unharmedBy(async () => {
      const origin = { Origin: 'https://somewhere.example' }
      for (let at = 0; at < 120; at++) {
        const tcp = await rawTcp(victim.url)
        // Each key is another one, so that none is remembered and every look takes its time.
        const key = `${victim.widgetKey.slice(0, -4)}${1_000 + at}`
        const path =
          at % 4 === 0
            ? upgradeRequest().replace('/socket.io/', '/elsewhere/')
            : upgradeRequest(`&widget=${key}`, origin)
        tcp.write(path, () => setTimeout(() => tcp.resetAndDestroy(), at % 5))
      }
      await pause(300)
    })
  })

  test('S4 a namespace that is none is refused with a code', async () => {
    const raw = await rawSocket(victim.url)
    raw.say('40/nowhere,')
    expect(await raw.hears(text => text.startsWith('44/nowhere,'))).toContain('"code":"not_found"')
    raw.destroy()
  })

  test('S4 requests that never end count for their address, and are left after ten seconds', async () => {
    await victim.unharmedBy(async () => {
      const slow = await Promise.all(Array.from({ length: 150 }, () => halfRequest(victim.url)))
      await eventually('those beyond the cap are refused', () => slow.filter(isOver).length === 150 - 120)
      await pause(500)
      expect(slow.filter(isOver)).toHaveLength(150 - 120)
      await eventually('all are left', () => slow.every(isOver), 40_000)
      const again = await victim.rawVisitor()
      again.destroy()
    })
  })

  test('S4 behind a proxy nobody is shut out for what others of its connections do', async () => {
    const parley = await startParley('embedded', { TRUST_PROXY: '1', CONNECTIONS_PER_ADDRESS: '5' })
    try {
      const slow = await Promise.all(Array.from({ length: 20 }, () => halfRequest(parley.url)))
      await pause(300)
      expect(slow.filter(isOver)).toEqual([])
      expect((await fetch(`${parley.url}/healthz`)).status).toBe(200)
      for (const tcp of slow) tcp.destroy()
    } finally {
      await parley.remove()
    }
  })

  test('S4 connections beyond what an address may have', async () => {
    await victim.unharmedBy(async () => {
      const many = await Promise.all(Array.from({ length: 160 }, () => rawSocket(victim.url)))
      const refused = () => many.filter(raw => raw.isClosed()).length
      await eventually('those beyond the cap are refused', () => refused() >= 160 - 120)
      expect(refused()).toBeLessThan(60)
      for (const { destroy } of many) destroy()
      await eventually('there is room again', async () => {
        const again = await victim.rawVisitor().catch(() => undefined)
        again?.destroy()
        return again !== undefined
      })
    })
  })
})
