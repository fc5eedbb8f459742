import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ack, failureSchema } from '../../src/protocol/index.ts'
import { newVictim, settlesBelow, type Victim } from '../support/hostile.ts'
import { frameOf, type RawSocket } from '../support/rawSocket.ts'

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)

/** S4: what someone who has come in can do with commands, answers and the patience of others. */
describe('S4 hostile commands', () => {
  let victim: Victim
  let atRest: number
  beforeAll(async () => {
    victim = await newVictim()
    atRest = await victim.residentMegabytes()
  })
  afterAll(() => victim?.[Symbol.asyncDispose]())

  const acknowledged = async (raw: RawSocket, id: number | string): Promise<Ack<unknown>> => {
    const head = `43/visitor,${id}[`
    const text = await raw.hears(said => said.startsWith(head))
    return JSON.parse(text.slice(head.length, -1)) as Ack<unknown>
  }
  const codeOf = (answer: Ack<unknown>) => (answer.ok ? 'ok' : failureSchema.parse(answer.error).code)

  test('S4 strange payloads are acknowledged once each, with a code', async () => {
    const raw = await victim.rawVisitor()
    const to = `"conversationId":"${raw.conversationId}"`
    const sending = (parts: string, clientId = '"c"') =>
      `["message.send",{${to},"clientId":${clientId},"parts":${parts}}]`
    const said = (text: string) => sending(`[{"type":"text","text":${text}}]`)
    const tries: [string, string][] = [
      [sending(nested(100_000)), 'invalid_request'],
      [`["message.send",${nested(100_000)}]`, 'invalid_request'],
      [`["history.read",{${to},"after":${'9'.repeat(400)}}]`, 'invalid_request'],
      [`["history.read",{${to},"after":1e308}]`, 'invalid_request'],
      [`["history.read",{${to},"after":-1}]`, 'invalid_request'],
      [`["history.read",{${to},"after":9007199254740991}]`, 'ok'],
      [`["history.read",{${to},"before":9007199254740991,"limit":200}]`, 'ok'],
      [`["history.read",{${to},"after":0,"before":1}]`, 'invalid_request'],
      [`["mark.set",{${to},"read":9007199254740991,"delivered":9007199254740991}]`, 'ok'],
      [said('"\\u0000"'), 'invalid_request'],
      [said('"a\\u001bb"'), 'invalid_request'],
      [said('"a\\u007fb"'), 'invalid_request'],
      [said('"a\\u0085b"'), 'invalid_request'],
      [sending('[{"type":"text","text":"\\ta\\r\\nb"}]', '"lines"'), 'ok'],
      [said('"\\ud800"'), 'invalid_request'],
      [said(`"${'x'.repeat(8_001)}"`), 'invalid_request'],
      [said('{"toString":1}'), 'invalid_request'],
      [sending('[]'), 'invalid_request'],
      [sending('{"length":1}'), 'invalid_request'],
      [sending('[{"type":"__proto__"}]'), 'invalid_request'],
      [sending(`[{"type":"image","fileId":"${raw.conversationId}","name":"\\u0000"}]`), 'invalid_request'],
      [sending(`[{"type":"file","fileId":"${raw.conversationId}","name":"\\udc00"}]`), 'invalid_request'],
      [sending(`[{"type":"file","fileId":"${raw.conversationId}","name":"a\\nb"}]`), 'invalid_request'],
      [sending(`[{"type":"file","fileId":"${raw.conversationId}"}]`), 'not_found'],
      [sending('[{"type":"text","text":"x"}]', '"\\u0000"'), 'invalid_request'],
      [sending('[{"type":"text","text":"x"}]', '"ä"'), 'invalid_request'],
      [`["message.send",{${to},"__proto__":{"note":true},"clientId":"c","parts":[]}]`, 'invalid_request'],
      [
        `["conversation.open",{"__proto__":{"conversationId":"${victim.conversationId}"}}]`,
        'invalid_request',
      ],
      [`["conversation.open",{"constructor":{"prototype":{"x":1}}}]`, 'invalid_request'],
      ['["conversation.open"]', 'invalid_request'],
      ['["conversation.open",null]', 'invalid_request'],
      ['["conversation.list",{},{},[],1]', 'ok'],
      ['["conversation.list"]', 'ok'],
      ['["__proto__",{}]', 'unknown_command'],
      ['["constructor",{}]', 'unknown_command'],
      ['["toString",{}]', 'unknown_command'],
      ['["error",{}]', 'unknown_command'],
      ['["",{}]', 'unknown_command'],
      ['["inbox.subscribe",{}]', 'unknown_command'],
      [`["${'x'.repeat(100_000)}",{}]`, 'unknown_command'],
      ['[1,{}]', 'unknown_command'],
    ]
    await victim.unharmedBy(async () => {
      for (const [at, [payload, expected]] of tries.entries()) {
        raw.say(`42/visitor,${at + 10}${payload}`)
        expect(codeOf(await acknowledged(raw, at + 10)), payload.slice(0, 200)).toBe(expected)
      }
    })
    // Ids of acknowledgements are the client's matter, and so is an acknowledgement of ours that nobody asked for.
    raw.say('43/visitor,99[{"ok":true}]')
    raw.say('42/visitor,123456789012345678901234567890["conversation.list",{}]')
    raw.say(`42/visitor,["message.send",{${to},"clientId":"unasked","parts":[{"type":"text","text":"x"}]}]`)
    raw.say(`42/visitor,7["history.read",{${to},"after":0}]`)
    const page = await acknowledged(raw, 7)
    expect(codeOf(page)).toBe('ok')
    const ids = raw.received
      .filter(text => text.startsWith('43/'))
      .map(text => /^43\/visitor,([^[]*)/.exec(text)?.[1])
    expect(new Set(ids).size).toBe(ids.length)
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
    raw.destroy()
  })

  const fields = (count: number) => Array.from({ length: count }, (_, at) => `"k${at}":1`).join()
  test.each([
    ['one that no command has', fields(40_000)],
    ['long ones', `"${'k'.repeat(1_000)}${'":1,"'.repeat(400)}":1`],
    ['parts that are none', `"parts":[${'{},'.repeat(100_000)}{}]`],
  ])('S4 an input of very many fields is answered with few words: %s', async (_, body) => {
    const raw = await victim.rawVisitor()
    raw.say(`42/visitor,500["conversation.list",{${body}}]`)
    const answer = await acknowledged(raw, 500)
    expect(codeOf(answer)).toBe('invalid_request')
    expect(JSON.stringify(answer).length).toBeLessThan(6_000)
    raw.destroy()
  })

  test('S4 whoever sends very much, in whatever form, is cut off, and so is an address by many connections', async () => {
    await victim.unharmedBy(async () => {
      const heavy = `["conversation.list",{"limit":[${'{},'.repeat(160_000)}{}]}]`
      const one = await victim.rawVisitor()
      for (let at = 0; at < 20; at++) one.say(`42/visitor,${heavy}`)
      expect(await one.ends()).toBe(true)
      const many = await Promise.all(Array.from({ length: 20 }, () => victim.rawVisitor()))
      for (let at = 0; at < 2; at++) for (const raw of many) raw.say(`42/visitor,${heavy}`)
      const ended = await Promise.all(
        many.map(raw => Promise.race([raw.ends(), pause(3_000).then(() => false)])),
      )
      expect(ended.filter(Boolean).length).toBeGreaterThan(4)
      for (const raw of [one, ...many]) raw.destroy()
    })
  })

  test.each(['message.send', 'typing.set', 'history.read', 'no.such'])(
    'S4 a flood of %s is refused with rate_limited, then ends',
    async name => {
      const raw = await victim.rawVisitor()
      await victim.unharmedBy(async () => {
        const { conversationId } = raw
        for (let at = 100; at < 600; at++) {
          const about = name === 'typing.set' ? { typing: true } : name === 'history.read' ? { after: 0 } : {}
          const message = { clientId: `c${at}`, parts: [{ type: 'text', text: 'x' }] }
          const input = { conversationId, ...about, ...(name === 'message.send' ? message : {}) }
          raw.say(`42/visitor,${at}${JSON.stringify([name, input])}`)
          // What is refused is told first; what still runs when the flood is cut off is not.
          if (at === 250) await raw.hears(text => text.includes('"rate_limited"'))
        }
        expect(await raw.ends()).toBe(true)
      })
      const refused = raw.received.filter(text => text.includes('"rate_limited"'))
      expect(refused.length).toBeGreaterThan(0)
      expect(refused[0]).toMatch(/"retryable":true,"retryAfter":[\d.]+/)
      // Whatever was let through was carried out or refused by name.
      expect(raw.received.filter(text => text.includes('"internal"'))).toEqual([])
      expect(raw.received.at(-1)).toContain('["closing",{"code":"rate_limited"')
      raw.destroy()
    },
  )

  /** A conversation with much in it: five messages of the largest kind a second are allowed, and more at once. */
  async function wordy(count: number) {
    const raw = await victim.rawVisitor()
    const { conversationId } = raw
    const parts = Array.from({ length: 10 }, () => ({ type: 'text', text: '€'.repeat(8_000) }))
    for (let at = 0; at < count; at++) {
      raw.say(
        `42/visitor,${100 + at}${JSON.stringify(['message.send', { conversationId, clientId: `w${at}`, parts }])}`,
      )
      expect(codeOf(await acknowledged(raw, 100 + at))).toBe('ok')
    }
    return raw
  }

  test('L5 L9 a page of large messages is cut to a size, and goes on where it ended', async () => {
    const raw = await wordy(6)
    const { conversationId } = raw
    const seen: number[] = []
    let id = 500
    for (let more = true; more; ) {
      const input = { conversationId, after: seen.at(-1) ?? 0, limit: 200 }
      raw.say(`42/visitor,${++id}${JSON.stringify(['history.read', input])}`)
      const answer = await acknowledged(raw, id)
      if (!answer.ok) throw new Error(answer.error.message)
      const page = answer.value as { entries: { seq: number }[]; more: boolean }
      expect(page.entries.length).toBeGreaterThan(0)
      expect(Buffer.byteLength(JSON.stringify(page))).toBeLessThan(1_500_000)
      seen.push(...page.entries.map(({ seq }) => seq))
      more = page.more
    }
    expect(seen).toEqual([1, 2, 3, 4, 5, 6])
    const back: number[] = []
    for (let more = true; more; ) {
      const input = { conversationId, before: back[0] ?? 100, limit: 200 }
      raw.say(`42/visitor,${++id}${JSON.stringify(['history.read', input])}`)
      const answer = await acknowledged(raw, id)
      if (!answer.ok) throw new Error(answer.error.message)
      const page = answer.value as { entries: { seq: number }[]; more: boolean }
      expect(page.entries.length).toBeLessThan(6)
      back.unshift(...page.entries.map(({ seq }) => seq))
      more = page.more
    }
    expect(back).toEqual([1, 2, 3, 4, 5, 6])
    raw.destroy()
  })

  test('L9 who asks and does not read the answers, and who does not read what others say, is cut off', async () => {
    const raw = await wordy(3)
    const { conversationId } = raw
    raw.tcp.pause()
    await victim.unharmedBy(async () => {
      for (let round = 0; round < 6; round++) {
        for (let at = 0; at < 8; at++)
          raw.say(`42/visitor,${1_000 + at}${JSON.stringify(['history.read', { conversationId, after: 0 }])}`)
        await pause(400)
      }
    })
    await settlesBelow(victim, atRest + 250)
    raw.tcp.resume()
    expect(await raw.ends()).toBe(true)
    raw.destroy()

    const [deaf, talker] = [await victim.rawVisitor(), await wordy(0)]
    const { conversationId: theirs } = deaf
    await victim.member.ask('conversation.open', { conversationId: theirs })
    deaf.tcp.pause()
    const parts = Array.from({ length: 10 }, () => ({ type: 'text' as const, text: 'x'.repeat(8_000) }))
    for (let at = 0; at < 60; at++) {
      await victim.member.ask('message.send', { conversationId: theirs, clientId: `loud${at}`, parts })
      // As much as one connection may say.
      await pause(160)
    }
    deaf.tcp.resume()
    expect(await deaf.ends()).toBe(true)
    for (const one of [deaf, talker]) one.destroy()
  })

  test('S4 pings of who never reads fill no memory', async () => {
    const raw = await victim.rawVisitor()
    raw.tcp.pause()
    const few = Buffer.concat(Array.from({ length: 5 }, () => frameOf(9, 'x'.repeat(125))))
    await victim.unharmedBy(async () => {
      for (let at = 0; at < 100 && !raw.tcp.destroyed; at++) {
        raw.write(few)
        await pause(10)
      }
    })
    raw.tcp.resume()
    expect(await raw.ends()).toBe(true)
  })
})
