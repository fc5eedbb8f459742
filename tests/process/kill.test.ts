import { setTimeout } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import type { Problem } from '../../src/protocol/index.ts'
import { isAlive } from '../support/embeddedDatabase.ts'
import { eventually } from '../support/eventually.ts'
import { type Answer, type Caller, keyCaller } from '../support/people.ts'
import {
  databasePid,
  demoOwner,
  everything,
  linesWith,
  startProgram,
  unlimited,
  type Workplace,
  workplace,
} from '../support/processes.ts'

vi.setConfig({ testTimeout: 60_000 })

interface Contact {
  readonly id: string
  readonly name: string
}
interface AuditEntry {
  readonly resourceId: string
  readonly newValues: { readonly name?: string }
}

/** A key of the demo workspace: what machines write with. */
async function newKey(owner: Caller & { url: string }): Promise<Caller> {
  const permissions = ['contacts:read', 'contacts:write']
  const made = await owner.call<{ key: string }>('post', '/api/v1/keys', { name: 'Writer', permissions })
  expect(made.status).toBe(201)
  return keyCaller(owner, made.body.key)
}

/** Writes contacts from several sides at once and remembers which were acknowledged. */
function writing(client: Caller) {
  const acknowledged = new Map<string, string>()
  const others: Answer<unknown>[] = []
  let unanswered = 0
  let slowest = 0
  let over = false
  let next = 0
  const one = async () => {
    while (!over) {
      const name = `written-${next++}`
      const began = performance.now()
      try {
        const answer = await client.call<Contact>('post', '/api/v1/contacts', { name })
        if (answer.status === 201) acknowledged.set(answer.body.id, name)
        else {
          others.push(answer)
          // Politer than no pause, and more impatient than Retry-After.
          await setTimeout(100)
        }
      } catch {
        // The connection broke: it may be there or not.
        unanswered += 1
        await setTimeout(100)
      }
      slowest = Math.max(slowest, performance.now() - began)
    }
  }
  // Each goes on after the answer to the one before, and all of them compete.
  const writers = Array.from({ length: 5 }, one)
  return {
    acknowledged,
    others,
    slowest: () => slowest,
    unanswered: () => unanswered,
    async end() {
      over = true
      await Promise.all(writers)
    },
  }
}

/** What was acknowledged is there; and every contact has its audit entry and the other way round. */
async function expectWhole(owner: Caller, acknowledged: ReadonlyMap<string, string>): Promise<number> {
  const contacts = (await everything<Contact>(owner, '/api/v1/contacts')).filter(({ name }) =>
    name.startsWith('written-'),
  )
  const entries = (
    await everything<AuditEntry>(owner, '/api/v1/audit?action=contact.created&resourceType=contact')
  ).filter(({ newValues }) => newValues.name?.startsWith('written-'))
  const found = new Map(contacts.map(({ id, name }) => [id, name]))
  expect([...acknowledged].filter(([id, name]) => found.get(id) !== name)).toEqual([])
  expect(entries.map(({ resourceId }) => resourceId).sort()).toEqual([...found.keys()].sort())
  return found.size
}

async function untilGone(at: Workplace, pid: number): Promise<void> {
  await eventually('the old database process has left', () => !isAlive(pid), 5_000)
  expect(databasePid(at)).not.toBe(pid)
}

describe('what was answered with success survives kill -9', () => {
  test('of the program, between and inside its requests: the next start at once has all of it, and nothing half', async () => {
    await using at = await workplace({ prepared: true })
    const acknowledged = new Map<string, string>()
    for (let round = 0; round < 2; round += 1) {
      await using program = startProgram(at, { environment: unlimited })
      const owner = await demoOwner(program)
      await expectWhole(owner, acknowledged)
      const before = databasePid(at) ?? 0
      const writers = writing(await newKey(owner))
      await eventually('enough is written', () => writers.acknowledged.size > 60, 20_000)
      program.signal('SIGKILL')
      expect(await program.ended).toEqual({ code: null, signal: 'SIGKILL' })
      const ended = writers.end()
      for (const [id, name] of writers.acknowledged) acknowledged.set(id, name)

      await using again = startProgram(at, { environment: unlimited })
      const there = await expectWhole(await demoOwner(again), acknowledged)
      await ended
      await untilGone(at, before)
      console.log(`round ${round}: ${acknowledged.size} acknowledged, ${there} there`)
      await again.stop()
    }
  })

  test('of the database: requests wait or get 503, it comes back by itself, and all of it is there', async () => {
    await using at = await workplace({ prepared: true })
    await using program = startProgram(at, { environment: unlimited })
    const owner = await demoOwner(program)
    const writers = writing(await newKey(owner))
    for (let round = 0; round < 2; round += 1) {
      const before = databasePid(at) ?? 0
      const enough = writers.acknowledged.size + 60
      await eventually('enough is written', () => writers.acknowledged.size > enough, 20_000)
      process.kill(before, 'SIGKILL')
      const then = writers.acknowledged.size + 20
      await eventually('it writes again', () => writers.acknowledged.size > then, 30_000)
      await untilGone(at, before)
    }
    await writers.end()
    expect(linesWith(program, '"request failed"')).toEqual([])
    expect(writers.unanswered()).toBe(0)
    expect(writers.slowest()).toBeLessThan(15_000)
    expect(writers.others.length).toBeGreaterThan(0)
    for (const { status, headers, body } of writers.others) {
      expect({ status, code: (body as Partial<Problem>).code }).toEqual({ status: 503, code: 'unavailable' })
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
    }
    const there = await expectWhole(owner, writers.acknowledged)
    console.log(
      `${writers.acknowledged.size} acknowledged, ${there} there, ${writers.others.length} answered 503, slowest ${Math.round(writers.slowest())} ms`,
    )
    expect((await owner.call('get', '/readyz')).status).toBe(200)
  })
})
