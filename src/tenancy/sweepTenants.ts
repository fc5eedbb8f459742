import { z } from 'zod'
import { type Database, defineJob, handle, type JobHandler, type Transaction } from '../db/index.ts'
import { type Scope, systemScope } from '../kernel/index.ts'
import { forgetFoundingKeys, forgetSpentCodes } from './peopleStore.ts'
import { listTenants } from './store.ts'

const sweepJob = defineJob({
  name: 'nightly-sweep',
  payload: z.unknown(),
  retryLimit: 2,
  schedule: '17 3 * * *',
})

/** A chore that every tenant needs once, each in a transaction of its own. */
export type Chore = (scope: Scope, tx: Transaction) => Promise<void>

/** The nightly chores of every tenant, after those of people, who belong to none. */
export const sweepTenants = (db: Database, chores: readonly Chore[]): JobHandler =>
  handle(sweepJob, async () => {
    await db.identity(null, async tx => {
      await forgetFoundingKeys(tx)
      await forgetSpentCodes(tx)
    })
    await sweep(db, chores, sweepJob.name)
  })

/** What a program that begins, perhaps with another configuration, finds to do for every tenant; it serves meanwhile. */
export function sweepTenantsAtStart(db: Database, configured: string, chores: readonly Chore[]): JobHandler {
  const name = 'starting-sweep'
  const job = defineJob({ name, payload: z.unknown(), retryLimit: 5, atStart: configured })
  return handle(job, () => sweep(db, chores, name))
}

async function sweep(db: Database, chores: readonly Chore[], name: string): Promise<void> {
  let after: string | undefined
  do {
    const page = { limit: 100, after }
    const tenants = await db.platform(tx => listTenants(tx, page))
    for (const { id } of tenants.slice(0, page.limit)) {
      const scope = systemScope(id, name)
      for (const chore of chores) await db.scoped(scope, tx => chore(scope, tx))
    }
    after = tenants.length > page.limit ? tenants[page.limit - 1]?.id : undefined
  } while (after !== undefined)
}
