import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ack, type Audience, commands, failureSchema, isCommand } from '../../src/protocol/index.ts'
import { type Crowd, newCrowd } from '../isolation/matrix/crowd.ts'
import { anyCommand, type KnownIds, nasty, type Sent } from '../support/commandFuzz.ts'
import { databaseKinds } from '../support/databases.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import { frameOf, type RawSocket, rawSocket, rawTcp, upgradeRequest } from '../support/rawSocket.ts'

const kind = databaseKinds.at(-1) ?? 'embedded'
const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000_000)
const numRuns = Number(process.env.FUZZ_RUNS ?? 250)

/** Socket.IO keeps these names for itself, and ends a connection that uses them. */
const reserved = ['connect', 'connect_error', 'disconnect', 'disconnecting', 'newListener', 'removeListener']

/** S4: no command whatever is answered with `internal`, twice or not at all, and no bytes whatever end the node. */
describe('S4 anything over sockets', () => {
  let parley: TestParley
  let a: Crowd
  let b: Crowd
  beforeAll(async () => {
    parley = await startParley(kind, { COMMANDS_PER_SECOND: '100000', TENANT_COMMANDS_PER_SECOND: '1000000' })
    a = await newCrowd(parley, 'A')
    b = await newCrowd(parley, 'B')
    console.log(`socket fuzz seed: ${seed}, runs: ${numRuns}`)
  })
  afterAll(() => parley.remove())

  const knownIds = (): KnownIds => {
    const messageId = [...a.insiders, ...b.insiders].map(({ target }) => target.messageId)
    return {
      conversationId: [...Array.from({ length: 4 }, () => a.conversationId), b.conversationId],
      messageId,
      parentId: messageId,
      fileId: [],
    }
  }

  async function enter(audience: Audience): Promise<RawSocket> {
    const credentials = {
      visitor: { token: a.visit.token },
      member: { token: a.owner.credential },
      participant: { ticket: a.guest.credential },
    }
    const raw = await rawSocket(parley.url, audience === 'visitor' ? `&widget=${a.widgetKey}` : '')
    raw.say(`40/${audience},${JSON.stringify({ version: 1, ...credentials[audience] })}`)
    await raw.hears(text => text.includes('"welcome"'))
    return raw
  }

  function expectProperAnswer({ name }: Sent, answer: Ack<unknown>): string {
    if (answer.ok === true) {
      if (!isCommand(name)) throw new Error('something that is no command was carried out')
      commands[name].output.parse(answer.value)
      return `${name} ok`
    }
    const failure = failureSchema.parse(answer.error)
    if (failure.code === 'internal') throw new Error(JSON.stringify(failure))
    return `${isCommand(name) ? name : 'rubbish'} ${failure.code}`
  }

  test.each(['visitor', 'member', 'participant'] as const)(
    'S4 any command of a %s has exactly one answer of the protocol',
    async audience => {
      let raw = await enter(audience)
      let id = 0
      const met = new Map<string, number>()
      const answered = new Set<string>()
      const run = async (sent: Sent) => {
        const mine = ++id
        raw.say(`42/${audience},${mine}${JSON.stringify([sent.name, ...sent.args])}`)
        if (reserved.includes(String(sent.name))) {
          expect(await raw.ends()).toBe(true)
          raw = await enter(audience)
          return
        }
        const head = `43/${audience},${mine}[`
        const text = await raw.hears(one => one.startsWith(head))
        const what = expectProperAnswer(sent, JSON.parse(text.slice(head.length, -1)) as Ack<unknown>)
        met.set(what, (met.get(what) ?? 0) + 1)
        // A second answer to anything earlier would stand among what has come since.
        for (const one of raw.received.filter(said => said.startsWith('43/'))) {
          const about = one.slice(0, one.indexOf('['))
          expect(answered, 'answered twice').not.toContain(about)
          answered.add(about)
        }
        raw.received.length = 0
      }
      await fc.assert(fc.asyncProperty(anyCommand(knownIds()), run), { seed, numRuns })
      raw.destroy()
      // Worth something only where much of it came through to the verbs.
      const carriedOut = [...met.keys()].filter(what => what.endsWith(' ok'))
      expect(carriedOut.length, [...met].join(' ')).toBeGreaterThanOrEqual(2)
      expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
      await a.owner.ask('history.read', { conversationId: a.conversationId, after: 0 })
    },
    60_000 + numRuns * 100,
  )

  const packet = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc
      .tuple(
        fc.constantFrom('4', '42', '40', '43', '41', '44', '45', '46', '451-', '3', '2', '5', '6', '1', 'b'),
        nasty,
      )
      .chain(([type, value]) =>
        fc.constantFrom(
          `${type}${JSON.stringify(value)}`,
          `${type}/visitor,${JSON.stringify([value])}`,
          type,
        ),
      ),
  )
  const anyFrame = fc.oneof(
    fc
      .record({
        opcode: fc.nat(15),
        payload: packet,
        fin: fc.boolean(),
        masked: fc.oneof(fc.constant(true), fc.boolean()),
        rsv: fc.oneof(fc.constant(0), fc.nat(7)),
      })
      .map(({ opcode, payload, ...options }) => frameOf(opcode, payload, options)),
    packet.map(text => frameOf(1, text)),
    fc.uint8Array({ maxLength: 100 }).map(bytes => Buffer.from(bytes)),
  )

  test(
    'S4 any frames on a WebSocket, before and after coming in',
    async () => {
      const run = async (frames: readonly Buffer[], inside: boolean) => {
        const raw = inside ? await enter('visitor') : await rawSocket(parley.url)
        raw.write(Buffer.concat([...frames]))
        // Some are in order, or wait for their rest, and end nothing.
        await raw.ends(150)
        expect(raw.received.filter(text => text.includes('"internal"'))).toEqual([])
        raw.destroy()
      }
      const property = fc.asyncProperty(fc.array(anyFrame, { minLength: 1, maxLength: 8 }), fc.boolean(), run)
      await fc.assert(property, { seed, numRuns: Math.ceil(numRuns / 3) })
      await a.owner.ask('history.read', { conversationId: a.conversationId, after: 0 })
    },
    60_000 + numRuns * 50,
  )

  test(
    'S4 any bytes instead of a handshake',
    async () => {
      const line = fc.oneof(
        fc.uint8Array({ maxLength: 200 }).map(bytes => Buffer.from(bytes)),
        fc.tuple(fc.nat(250), fc.uint8Array({ maxLength: 30 })).map(([length, bytes]) => {
          const request = upgradeRequest('&sid=x')
          return Buffer.concat([
            Buffer.from(request.slice(0, length)),
            Buffer.from(bytes),
            Buffer.from(request.slice(length)),
          ])
        }),
      )
      const run = async (bytes: Buffer, abruptly: boolean) => {
        const tcp = await rawTcp(parley.url)
        tcp.write(bytes)
        await new Promise(resolve => setTimeout(resolve, 3))
        if (abruptly) tcp.resetAndDestroy()
        else tcp.destroy()
      }
      await fc.assert(fc.asyncProperty(line, fc.boolean(), run), { seed, numRuns: Math.ceil(numRuns / 2) })
      await a.owner.ask('history.read', { conversationId: a.conversationId, after: 0 })
    },
    60_000 + numRuns * 50,
  )
})
