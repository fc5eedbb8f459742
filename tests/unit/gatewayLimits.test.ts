import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import type { Session } from '../../src/gateway/command.ts'
import { createLimits } from '../../src/gateway/limits.ts'
import { TokenBuckets } from '../../src/gateway/tokenBucket.ts'
import { networkOf, noOrigin, noPermissions } from '../../src/kernel/index.ts'
import type { Audience } from '../../src/protocol/index.ts'

const session = (audience: Audience, ipAddress: string): Session =>
  ({
    audience,
    scope: { tenantId: 'one', permissions: noPermissions, origin: { ...noOrigin, ipAddress } },
  }) as unknown as Session

/** Whether this many commands at once, each of a session of its own, all pass. */
function passing(limits: ReturnType<typeof createLimits>, count: number, one: () => Session): number {
  let passed = 0
  for (let at = 0; at < count; at++) {
    try {
      limits.command(one())
      passed++
    } catch (error) {
      expect(error).toMatchObject({ code: 'rate_limited' })
    }
  }
  return passed
}

describe('S4 who shares a limit with whom', () => {
  const settings = { commandsPerSecond: 30, tenantCommandsPerSecond: 100, connectionsPerAddress: 500 }

  test('S4 visitors cannot use up what the members of their workspace may', () => {
    const limits = createLimits(settings, () => undefined)
    let address = 0
    expect(passing(limits, 400, () => session('visitor', `198.51.100.${address++ % 200}`))).toBeLessThan(150)
    expect(passing(limits, 90, () => session('member', '203.0.113.1'))).toBe(90)
  })

  test('S4 one address cannot use up what all visitors of a workspace may', () => {
    const limits = createLimits(settings, () => undefined)
    expect(passing(limits, 100, () => session('visitor', '198.51.100.1'))).toBeLessThan(40)
    expect(passing(limits, 15, () => session('visitor', '198.51.100.2'))).toBe(15)
    expect(passing(limits, 15, () => session('participant', '198.51.100.3'))).toBe(15)
  })

  test('S4 an address may try to connect so often, and others are not asked for it', () => {
    const limits = createLimits(settings, () => undefined)
    const allowed = Array.from({ length: 1_500 }, () => limits.attempt('198.51.100.1')).filter(Boolean)
    expect(allowed.length).toBeGreaterThanOrEqual(1_000)
    expect(allowed.length).toBeLessThan(1_400)
    expect(limits.attempt('198.51.100.2')).toBe(true)
  })

  test('S4 the longest message passes, and not very many of them', () => {
    const limits = createLimits(settings, () => undefined)
    const connection = {}
    const passed = Array.from({ length: 20 }, () => limits.packet(connection, '198.51.100.1', 500_000))
    expect(passed.slice(0, 2)).toEqual([true, true])
    expect(passed.at(-1)).toBe(false)
  })
})

describe('S4 a bucket', () => {
  test('S4 lets a burst pass to the last, however the time is written, and then so many a second', () => {
    const step = fc.record({
      ms: fc.double({ min: 0, max: 400, noNaN: true }),
      cost: fc.integer({ min: 1, max: 8 }),
    })
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1e9, noNaN: true }),
        fc.array(step, { minLength: 1, maxLength: 60 }),
        (start, steps) => {
          let now = start
          const clock = vi.spyOn(performance, 'now').mockImplementation(() => now)
          try {
            const [perSecond, burst] = [7, 20]
            const buckets = new TokenBuckets<string>(perSecond, burst)
            let tokens = burst
            for (const { ms, cost } of steps) {
              now += ms
              tokens = Math.min(burst, tokens + (ms / 1000) * perSecond)
              const wait = buckets.take('one', cost)
              expect(wait).toBeCloseTo(Math.max(0, (cost - tokens) / perSecond), 5)
              if (wait === 0) tokens -= cost
            }
          } finally {
            clock.mockRestore()
          }
        },
      ),
    )
  })

  test('S4 lets all of a burst pass in one moment, whenever that is', () => {
    const moment = fc.double({ min: 0, max: 1e10, noNaN: true })
    fc.assert(
      fc.property(moment, fc.integer({ min: 1, max: 500 }), (now, perSecond) => {
        const clock = vi.spyOn(performance, 'now').mockReturnValue(now)
        try {
          const buckets = new TokenBuckets<string>(perSecond, 3 * perSecond)
          const waits = Array.from({ length: 3 * perSecond }, () => buckets.take('one'))
          expect(waits.filter(wait => wait > 0)).toEqual([])
          expect(buckets.take('one')).toBeCloseTo(1 / perSecond, 3)
        } finally {
          clock.mockRestore()
        }
      }),
    )
  })

  test('S4 what costs more than a burst never passes, and takes nothing', () => {
    const buckets = new TokenBuckets<string>(1, 10)
    expect(buckets.take('one', 11)).toBeGreaterThan(0)
    expect(Array.from({ length: 10 }, () => buckets.take('one'))).toEqual(Array(10).fill(0))
    expect(buckets.take('one')).toBeGreaterThan(0.9)
  })
})

describe('S4 what limits remember', () => {
  test('S4 who has come to rest is forgotten without anybody else coming', () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    try {
      const buckets = new TokenBuckets<object>(1, 10)
      buckets.take({})
      for (const expected of [1, 1, 0]) {
        buckets.sweep()
        expect(buckets.size).toBe(expected)
        vi.advanceTimersByTime(10_001)
      }
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('S4 whom an address counts as', () => {
  test.each([
    ['203.0.113.7', '203.0.113.7'],
    ['203.0.113.7:51234', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['::FFFF:203.0.113.7', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['[2001:db8:1:2::1]:443', '2001:db8:1:2::/64'],
    ['[2001:db8:1:2::1]', '2001:db8:1:2::/64'],
    ['::ffff:nonsense', 'unknown'],
    ['1.2.3.4:x', 'unknown'],
    ['[203.0.113.7', 'unknown'],
    ['', 'unknown'],
  ])('%s is %s', (address, network) => {
    expect(networkOf(address)).toBe(network)
  })
})
