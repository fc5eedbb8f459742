import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createBooks } from '../../src/agents/index.ts'
import { newId, type Scope } from '../../src/kernel/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { costing, openUsage, type UsageWorld } from '../support/usageWorld.ts'

/** K11: whenever a call of a run is recorded, it is paid once. */
describe.each(databaseKinds)('bills of runs on %s', kind => {
  let world: UsageWorld
  let scope: Scope
  let runId: string
  beforeAll(async () => {
    world = await openUsage(kind)
  })
  beforeEach(async () => {
    scope = await world.newTenant()
    runId = newId()
    await world.set(scope, 'day', { limitUsd: 10 })
  })
  afterAll(() => world.drop())

  const begin = async () => {
    const books = createBooks(world.usage)
    const { reservation } = await world.usage.reserve(scope, { runId, estimateUsd: 1 })
    const bill = books.open(runId)
    const settle = () => world.usage.settle(scope, reservation, bill.costUsd)
    return { books, bill, settle }
  }
  const called = (usd: number) => ({ ...costing(usd), runId })

  test('K11: what is on its way when a bill is closed is on it', async () => {
    const { books, bill, settle } = await begin()
    await books.record(scope, called(0.1))
    const late = books.record(scope, called(0.2))
    await books.close(runId, settle)
    expect(bill).toMatchObject({ costUsd: expect.closeTo(0.3, 8), inputTokens: 300_000 })
    await late
    expect(await world.standing(scope)).toEqual({ spent: 0.3, reserved: 0 })
  })

  test('K11: what comes after that is paid at once', async () => {
    const { books, bill, settle } = await begin()
    await books.close(runId, settle)
    await books.record(scope, called(0.2))
    expect(bill.costUsd).toBe(0)
    expect(await world.standing(scope)).toEqual({ spent: 0.2, reserved: 0 })
  })

  test('K11: what comes while it is being settled is paid once', async () => {
    const { books, settle } = await begin()
    let late: Promise<void> | undefined
    await books.close(runId, async () => {
      late = books.record(scope, called(0.2))
      await new Promise(resolve => setTimeout(resolve, 300))
      await settle()
    })
    await late
    expect(await world.standing(scope)).toEqual({ spent: 0.2, reserved: 0 })
  })

  test('K11: a bill that could not be settled keeps nobody waiting', async () => {
    const { books } = await begin()
    let late: Promise<void> | undefined
    const failing = books.close(runId, () => {
      late = books.record(scope, called(0.2))
      return Promise.reject(new Error('no database'))
    })
    await expect(failing).rejects.toThrow('no database')
    await late
  })
})
