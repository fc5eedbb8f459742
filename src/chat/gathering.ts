import type { Log } from '../kernel/index.ts'

/** Names of what has changed, to be looked at in the database: told by this node to all, or heard here. */
export interface Gathering {
  /** Changed here: the other nodes are told. */
  changed(tenantId: string, name: string): void
  /** Changed elsewhere. */
  heard(tenantId: string, names: Iterable<string>): void
  stop(): void
}

interface GatheringParts {
  readonly tellOthers: (tenantId: string, names: ReadonlySet<string>) => void
  /** Reads what is there now and tells the people here. */
  readonly look: (tenantId: string, names: ReadonlySet<string>) => Promise<void>
  readonly log: Log
}

/** A change has the time at which its transaction began, and is seen when that is over: so much earlier is looked at what was missed. */
export const marginMs = 20_000

/** What is changed again and again is looked at so often. */
const gatherMs = 250
/** So long after a look that failed. */
const retryMs = 1_000

interface Gathered {
  here: Set<string>
  elsewhere: Set<string>
}

/**
 * Looks at what has changed, for each tenant one look after the other: what was read earlier is told earlier, so that nothing older
 * overtakes anything newer. The first change is looked at at once, and what comes meanwhile is one look together.
 */
export function gatherChanges({ tellOthers, look, log }: GatheringParts): Gathering {
  const tenants = new Map<string, Gathered>()
  let stopped = false

  function tell(tenantId: string, gathered: Gathered): void {
    if (gathered.elsewhere.size > 0) tellOthers(tenantId, gathered.elsewhere)
    gathered.elsewhere = new Set()
  }

  async function lookAgainAndAgain(tenantId: string, gathered: Gathered): Promise<void> {
    // After acknowledgements, and with all that this turn still brings.
    await new Promise(resolve => setImmediate(resolve))
    while (gathered.here.size > 0 && !stopped) {
      const names = gathered.here
      gathered.here = new Set()
      tell(tenantId, gathered)
      const wait = await look(tenantId, names).then(
        () => gatherMs,
        error => {
          log.warn({ err: error }, 'what has changed could not be read')
          for (const name of names) gathered.here.add(name)
          return retryMs
        },
      )
      await new Promise(resolve => setTimeout(resolve, wait).unref())
    }
    tenants.delete(tenantId)
  }

  function of(tenantId: string): Gathered {
    const known = tenants.get(tenantId)
    if (known) return known
    const gathered = { here: new Set<string>(), elsewhere: new Set<string>() }
    tenants.set(tenantId, gathered)
    void lookAgainAndAgain(tenantId, gathered)
    return gathered
  }

  return {
    changed(tenantId, name) {
      const gathered = of(tenantId)
      gathered.here.add(name)
      gathered.elsewhere.add(name)
    },
    heard(tenantId, names) {
      const gathered = of(tenantId)
      for (const name of names) gathered.here.add(name)
    },
    stop() {
      stopped = true
      for (const [tenantId, gathered] of tenants) tell(tenantId, gathered)
    },
  }
}
