import type { Log } from '../kernel/index.ts'

/** At the same time: enough that a slow one holds nobody up, and few connections. */
const atOnce = 4

interface About {
  readonly log: Log
  readonly what: string
}

/**
 * Does something for each tenant, for some at the same time. One that fails is left for another time and keeps none of those behind it from
 * what they miss; what went wrong is logged, once for all of them.
 */
export async function eachTenant<Item>(
  tenants: Iterable<Item>,
  work: (tenant: Item) => Promise<void>,
  { log, what }: About,
): Promise<void> {
  const failures: unknown[] = []
  // One iterator for all: whoever is free takes the next.
  const waiting = [...tenants].values()
  const takeAll = async () => {
    for (const tenant of waiting) await work(tenant).catch(error => failures.push(error))
  }
  await Promise.all(Array.from({ length: atOnce }, takeAll))
  if (failures.length > 0)
    log.warn({ err: failures[0], tenants: failures.length, what }, 'what may be missing could not be read')
}

/** Rounds through the tenants, each of which looks at what has happened since the last one. */
export interface Rounds {
  /** Whether there are some where it failed. */
  readonly anyBehind: boolean
  /** For those where it failed `since` is when it should have been; with none, only these are looked at. */
  go(
    tenants: Iterable<string>,
    since: number | undefined,
    look: (tenantId: string, since: number) => Promise<void>,
  ): Promise<void>
}

export function createRounds(about: About): Rounds {
  const behind = new Map<string, number>()
  return {
    get anyBehind() {
      return behind.size > 0
    },
    async go(tenants, since, look) {
      const all = new Set(tenants)
      for (const tenantId of behind.keys()) if (!all.has(tenantId)) behind.delete(tenantId)
      const work = async (tenantId: string) => {
        const from = behind.get(tenantId) ?? since
        if (from === undefined) return
        behind.set(tenantId, from)
        await look(tenantId, from)
        behind.delete(tenantId)
      }
      await eachTenant(all, work, about)
    },
  }
}
