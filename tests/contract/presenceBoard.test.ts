import { Redis } from 'ioredis'
import { afterAll, afterEach, describe, expect, inject, test, vi } from 'vitest'
import { createPresenceHere } from '../../src/chat/presenceHere.ts'
import { memoryBoard, type PresenceBoard, redisBoard, type Session } from '../../src/gateway/index.ts'
import { newId, noOrigin, noPermissions } from '../../src/kernel/index.ts'

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

afterEach(() => vi.restoreAllMocks())

describe.each(boards)('G5: the presence board %s', (_name, make) => {
  test('knows who is there, lists members alone, and forgets who leaves', async () => {
    const board = make()
    const [tenantId, other] = [newId(), newId()]
    await board.set(tenantId, [{ who: 'member:1', status: 'online', listed: true }])
    await board.set(tenantId, [{ who: 'member:2', status: 'away', listed: true }])
    await board.set(tenantId, [{ who: 'contact:3', status: 'online', listed: false }])
    await board.set(other, [{ who: 'member:4', status: 'online', listed: true }])
    expect([...(await board.members(tenantId))].sort()).toEqual([
      ['member:1', 'online'],
      ['member:2', 'away'],
    ])
    expect(await board.present(tenantId, ['contact:3', 'contact:5', 'member:4'])).toEqual(
      new Set(['contact:3']),
    )
    await board.set(tenantId, [{ who: 'member:1', status: 'away', listed: true }])
    await board.remove(tenantId, 'member:2')
    await board.remove(tenantId, 'contact:3')
    expect([...(await board.members(tenantId))]).toEqual([['member:1', 'away']])
    expect(await board.present(tenantId, ['contact:3'])).toEqual(new Set())
  })

  test('does not depend on the clock of the node that says or asks', async () => {
    const board = make()
    const tenantId = newId()
    const there = new Map([['member:1', 'online']])
    for (const [said, asked] of [
      [-5, 5],
      [5, -5],
    ] as const) {
      const real = Date.now()
      const clock = vi.spyOn(Date, 'now').mockReturnValue(real + said * 60_000)
      await board.set(tenantId, [{ who: 'member:1', status: 'online', listed: true }])
      clock.mockReturnValue(real + asked * 60_000)
      expect(await board.members(tenantId)).toEqual(there)
      expect(await board.present(tenantId, ['member:1'])).toEqual(new Set(there.keys()))
      clock.mockRestore()
    }
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
      await Promise.all(
        people.map(who => board.set(tenantId, [{ who: who, status: 'online', listed: false }])),
      )
      await new Promise(resolve => setTimeout(resolve, 5))
    }
    clearInterval(watch)
    expect(longest).toBeLessThan(1_000)
  })
})

const sessionIn = (tenantId: string): Session => {
  const actor = { kind: 'visitor', contactId: newId(), widgetId: newId() } as const
  return {
    scope: { tenantId, actor, permissions: noPermissions, origin: noOrigin },
  } as Partial<Session> as Session
}
const nobody = () => undefined

describe.skipIf(!redis)('G5: a node with thousands of people', () => {
  /** What is on its way to Redis, and how much of it there ever was at once. */
  function counted() {
    const client = new Redis(redis?.url ?? '')
    clients.push(client)
    const count = { commands: 0, longest: 0, underWay: 0, most: 0 }
    const send = client.sendCommand.bind(client)
    client.sendCommand = (command, ...more) => {
      count.commands += 1
      count.longest = Math.max(count.longest, String(command.args[0]).length)
      count.underWay += 1
      count.most = Math.max(count.most, count.underWay)
      const over = () => {
        count.underWay -= 1
      }
      command.promise.then(over, over)
      return send(command, ...more)
    }
    return { client, count }
  }

  test('says all of them again in a few commands, one after the other, and none of them with its text', async () => {
    const { client, count } = counted()
    const board = redisBoard(client, newId())
    const here = createPresenceHere(board, nobody)
    const tenantId = newId()
    const sessions = Array.from({ length: 4_000 }, () => sessionIn(tenantId))
    await Promise.all(sessions.map(session => here.entered(session, 'online')))
    Object.assign(count, { commands: 0, longest: 0, most: 0 })
    expect(await here.refresh(performance.now())).toEqual({ said: 4_000 })
    expect(count.commands).toBe(16)
    expect(count.most).toBe(1)
    expect(count.longest).toBe(40)
    const who = sessions.map(
      ({ scope: { actor } }) => `contact:${actor.kind === 'visitor' && actor.contactId}`,
    )
    const present = await board.present(tenantId, who)
    expect(present.size).toBe(4_000)
  })

  test('in many workspaces, has no more under way than one portion of people', async () => {
    const { client, count } = counted()
    const here = createPresenceHere(redisBoard(client, newId()), nobody)
    const sessions = Array.from({ length: 1_000 }, () => sessionIn(newId()))
    await Promise.all(sessions.map(session => here.entered(session, 'online')))
    Object.assign(count, { commands: 0, most: 0 })
    expect(await here.refresh(performance.now())).toEqual({ said: 1_000 })
    expect([count.commands, count.most]).toEqual([1_000, 250])
  })
})

test('G5: what fails when it is said again does not begin anew: those who are left come next', async () => {
  const said: string[] = []
  let left = Number.POSITIVE_INFINITY
  const board: PresenceBoard = {
    ...memoryBoard(),
    set: async (_tenantId, people) => {
      if (left-- <= 0) throw new Error('busy')
      said.push(...people.map(({ who }) => who))
    },
  }
  const here = createPresenceHere(board, nobody)
  const tenantId = newId()
  const sessions = Array.from({ length: 1_000 }, () => sessionIn(tenantId))
  for (const session of sessions) await here.entered(session, 'online')
  const everyone = said.splice(0)
  left = 3
  const since = performance.now()
  expect(await here.refresh(since)).toEqual({ said: 750, failure: new Error('busy') })
  left = Number.POSITIVE_INFINITY
  expect(await here.refresh(since)).toEqual({ said: 250 })
  expect(said.toSorted()).toEqual(everyone.toSorted())
  expect(await here.refresh(since)).toEqual({ said: 0 })
})
