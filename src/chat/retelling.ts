import type { Database } from '../db/index.ts'
import type { Gateway } from '../gateway/index.ts'
import { type Log, systemScope } from '../kernel/index.ts'
import { createRounds } from './eachTenant.ts'
import { tellMark } from './fanOut.ts'
import { type Gathering, marginMs } from './gathering.ts'
import { marksSince } from './marksStore.ts'
import { inChunks, openHere } from './openHere.ts'
import { changedSince } from './store.ts'

export interface Retelling {
  /** What happened elsewhere within this time may not have come here. */
  missed(withinMs: number): void
  look(): Promise<void>
  /** There is something that could not be read yet. */
  readonly behind: boolean
}

interface RetellingParts {
  readonly db: Database
  readonly gateway: Gateway
  readonly states: Gathering
  readonly log: Log
}

/** After an outage of the bus, or a commit that had no answer: states and marks that have changed meanwhile, of the conversations that are open here. */
export function createRetelling({ db, gateway, states, log }: RetellingParts): Retelling {
  let missedSince: number | undefined
  const rounds = createRounds({ log, what: 'retelling' })

  async function tellAgain(tenantId: string, ids: Iterable<string>, withinMs: number): Promise<void> {
    const scope = systemScope(tenantId, 'retelling')
    for (const some of inChunks(ids)) {
      await db.scoped(scope, async tx => {
        states.heard(tenantId, await changedSince(tx, scope, some, withinMs))
        for (const mark of await marksSince(tx, scope, some, withinMs))
          tellMark(gateway.publishHere, tenantId, mark)
      })
    }
  }

  return {
    get behind() {
      return missedSince !== undefined || rounds.anyBehind
    },
    missed(withinMs) {
      missedSince = Math.min(performance.now() - withinMs, missedSince ?? Number.POSITIVE_INFINITY)
    },
    async look() {
      const since = missedSince
      // What is missed from now on is for another look.
      missedSince = undefined
      if (since === undefined && !rounds.anyBehind) return
      const open = openHere(gateway)
      await rounds.go(open.keys(), since, (tenantId, from) =>
        tellAgain(tenantId, open.get(tenantId)?.keys() ?? [], performance.now() - from + marginMs),
      )
    },
  }
}
