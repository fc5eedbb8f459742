import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { OwnMark, type Reach } from '../../src/client/marks.ts'
import { defaultSettings } from '../../src/client/ports.ts'
import { Runtime } from '../../src/client/runtime.ts'
import { OthersTyping, OwnTyping } from '../../src/client/typing.ts'
import type { Ack } from '../../src/protocol/index.ts'
import { failure } from '../support/clientPeer.ts'
import { ManualClock } from '../support/manualClock.ts'

const started = () => {
  const clock = new ManualClock()
  return { clock, runtime: new Runtime(clock, () => 1, defaultSettings) }
}

describe('own mark', () => {
  const keeper = (answer: () => Ack<unknown> = () => ({ ok: true, value: {} })) => {
    const { clock, runtime } = started()
    const sent: { at: number; reach: Partial<Reach> }[] = []
    const connection = { ready: true }
    const mark = new OwnMark({
      runtime,
      ready: () => connection.ready,
      send: async reach => {
        sent.push({ at: clock.now(), reach })
        return answer()
      },
    })
    return { clock, mark, sent, connection }
  }

  test('is told at most once a second, in the end the newest, and never goes back', async () => {
    const seed = Date.now()
    console.log(`marks: seed ${seed}`)
    const step = fc.record({ wait: fc.nat(700), delivered: fc.nat(100), read: fc.nat(100) })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async steps => {
        const { clock, mark, sent } = keeper()
        let [delivered, read] = [0, 0]
        for (const { wait, ...reach } of steps) {
          mark.raise(reach)
          read = Math.max(read, reach.read)
          delivered = Math.max(delivered, reach.delivered, read)
          await clock.pass(wait)
        }
        await clock.pass(2_000)
        for (const [at, { at: time }] of sent.entries())
          expect(time - (sent[at - 1]?.at ?? -1_000)).toBeGreaterThanOrEqual(1_000)
        for (const field of ['delivered', 'read'] as const) {
          const told = sent.flatMap(({ reach }) => reach[field] ?? [])
          expect(told).toEqual([...new Set(told)].sort((a, b) => a - b))
          expect(told.at(-1) ?? 0).toBe(field === 'read' ? read : delivered)
        }
      }),
      { seed, numRuns: 50 },
    )
  })

  test('is told as soon when the clock of the day was put back', async () => {
    const { clock, mark, sent } = keeper()
    mark.raise({ read: 1 })
    await clock.pass(1_500)
    clock.put(-3_600_000)
    mark.raise({ read: 2 })
    await clock.pass(1_000)
    expect(sent.map(({ reach }) => reach.read)).toEqual([1, 2])
  })

  test('waits while nothing can be sent, and repeats what was refused for a moment', async () => {
    const answers: Ack<unknown>[] = [
      { ok: false, error: failure('rate_limited', true, 3) },
      { ok: true, value: {} },
    ]
    const { clock, mark, sent, connection } = keeper(() => answers.shift() as Ack<unknown>)
    connection.ready = false
    mark.raise({ delivered: 4 })
    await clock.pass(10_000)
    expect(sent).toEqual([])
    connection.ready = true
    mark.pump()
    await clock.pass(20_000)
    expect(sent).toEqual([
      { at: 10_000, reach: { delivered: 4 } },
      { at: 14_000, reach: { delivered: 4 } },
    ])
  })

  test('says nothing that the server knows already, nor again what it will never take', async () => {
    const { clock, mark, sent } = keeper(() => ({ ok: false, error: failure('forbidden', false) }))
    mark.told({ delivered: 7, read: 2 })
    mark.raise({ delivered: 7, read: 1 })
    await clock.pass(5_000)
    expect(sent).toEqual([])
    mark.raise({ read: 3 })
    await clock.pass(5_000)
    expect(sent).toHaveLength(1)
  })
})

describe('typing', () => {
  test('L6 is told when it begins, every three seconds while it lasts, and taken back after a pause', async () => {
    const { clock, runtime } = started()
    const told: [number, boolean][] = []
    const typing = new OwnTyping(runtime, is => told.push([clock.now(), is]))
    for (let key = 0; key < 70; key++) {
      typing.set(true)
      await clock.pass(100)
    }
    await clock.pass(10_000)
    const lastKey = 6_900
    expect(told).toEqual([
      [0, true],
      [3_000, true],
      [6_000, true],
      [lastKey + 4_000, false],
    ])
  })

  test('L6 goes on being told when the clock of the day was put back', async () => {
    const { clock, runtime } = started()
    const told: number[] = []
    const typing = new OwnTyping(runtime, () => told.push(clock.now()))
    typing.set(true)
    clock.put(-3_600_000)
    await clock.pass(3_000)
    typing.set(true)
    expect(told).toEqual([0, 3_000])
  })

  test('L6 a message ends it without a word, and the next key begins it anew', async () => {
    const { clock, runtime } = started()
    const told: boolean[] = []
    const typing = new OwnTyping(runtime, is => told.push(is))
    typing.set(true)
    typing.sent()
    await clock.pass(10_000)
    typing.set(false)
    expect(told).toEqual([true])
    typing.set(true)
    typing.set(false)
    expect(told).toEqual([true, true, false])
  })

  test("L6 others' ends by itself after six seconds, counted from when it was last heard", async () => {
    const { clock, runtime } = started()
    const sender = { kind: 'agent', id: '10000000-0000-4000-8000-000000000000' } as const
    const typing = new OthersTyping(runtime, () => undefined)
    typing.heard({ sender, typing: true })
    await clock.pass(5_000)
    typing.heard({ sender, typing: true })
    await clock.pass(5_999)
    expect(typing.senders).toEqual([sender])
    await clock.pass(1)
    expect(typing.senders).toEqual([])
  })
})

describe('reconnecting', () => {
  test('L10 whoever was cut by a node that is back within a second has tried it within five', () => {
    const seed = Date.now()
    console.log(`restart: seed ${seed}`)
    const chances = fc.infiniteStream(fc.double({ min: 0.001, max: 1, maxExcluded: true, noNaN: true }))
    fc.assert(
      fc.property(chances, fc.nat(1_000), (stream, outage) => {
        const random = () => stream.next().value as number
        const runtime = new Runtime(new ManualClock(), random, defaultSettings)
        let at = runtime.retryDelay(0)
        expect(at).toBeLessThan(250)
        for (let attempt = 1; at < outage; attempt++) at += runtime.retryDelay(attempt)
        expect(at).toBeLessThan(5_000)
      }),
      { seed, numRuns: 2_000 },
    )
  })
})
