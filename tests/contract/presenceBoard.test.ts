import { Redis } from 'ioredis'
import { afterAll, describe, expect, inject, test } from 'vitest'
import { memoryBoard, type PresenceBoard, redisBoard } from '../../src/gateway/index.ts'
import { newId } from '../../src/kernel/index.ts'

const { redis } = inject('services')
const clients: Redis[] = []

const boards: readonly [string, () => PresenceBoard][] = [
  ['in memory', memoryBoard],
  ...(redis
    ? [
        [
          'on Redis',
          () => {
            const client = new Redis(redis.url)
            clients.push(client)
            return redisBoard(client, newId())
          },
        ] as [string, () => PresenceBoard],
      ]
    : []),
]

afterAll(() => {
  for (const client of clients) client.disconnect()
})

describe.each(boards)('G5: the presence board %s', (_name, make) => {
  test('knows who is there, lists members alone, and forgets who leaves', async () => {
    const board = make()
    const [tenantId, other] = [newId(), newId()]
    await board.set(tenantId, 'member:1', 'online', true)
    await board.set(tenantId, 'member:2', 'away', true)
    await board.set(tenantId, 'contact:3', 'online', false)
    await board.set(other, 'member:4', 'online', true)
    expect([...(await board.members(tenantId))].sort()).toEqual([
      ['member:1', 'online'],
      ['member:2', 'away'],
    ])
    expect(await board.present(tenantId, ['contact:3', 'contact:5', 'member:4'])).toEqual(
      new Set(['contact:3']),
    )
    await board.set(tenantId, 'member:1', 'away', true)
    await board.remove(tenantId, 'member:2')
    await board.remove(tenantId, 'contact:3')
    expect([...(await board.members(tenantId))]).toEqual([['member:1', 'away']])
    expect(await board.present(tenantId, ['contact:3'])).toEqual(new Set())
  })

  test('takes thousands of people without holding everybody else up', async () => {
    const board = make()
    const tenantId = newId()
    let longest = 0
    let last = performance.now()
    const watch = setInterval(() => {
      longest = Math.max(longest, performance.now() - last)
      last = performance.now()
    }, 10)
    for (let round = 0; round < 10; round++) {
      const people = Array.from({ length: 500 }, (_, at) => `contact:${round}-${at}`)
      await Promise.all(people.map(who => board.set(tenantId, who, 'online', false)))
      await new Promise(resolve => setTimeout(resolve, 5))
    }
    clearInterval(watch)
    expect(longest).toBeLessThan(1_000)
  })
})
