import type { Cluster, Redis } from 'ioredis'

export const presenceStatuses = ['online', 'away'] as const
export type PresenceStatus = (typeof presenceStatuses)[number]

/**
 * Who is connected, on any node. What a node says holds until it says otherwise or has been silent for `lifetimeMs`: a killed node takes
 * its people with it. `who` is an actor's name; people listed by `members` are those set with `listed`.
 */
export interface PresenceBoard {
  set(tenantId: string, who: string, status: PresenceStatus, listed: boolean): Promise<void>
  remove(tenantId: string, who: string): Promise<void>
  members(tenantId: string): Promise<Map<string, PresenceStatus>>
  /** Which of these are connected. */
  present(tenantId: string, who: readonly string[]): Promise<Set<string>>
}

export const lifetimeMs = 8_000

export function memoryBoard(): PresenceBoard {
  const tenants = new Map<string, Map<string, { status: PresenceStatus; listed: boolean }>>()
  const of = (tenantId: string) => tenants.get(tenantId) ?? new Map<string, never>()
  return {
    set: async (tenantId, who, status, listed) => {
      const known = tenants.get(tenantId) ?? new Map<string, { status: PresenceStatus; listed: boolean }>()
      tenants.set(tenantId, known.set(who, { status, listed }))
    },
    remove: async (tenantId, who) => {
      const known = tenants.get(tenantId)
      known?.delete(who)
      if (known?.size === 0) tenants.delete(tenantId)
    },
    members: async tenantId =>
      new Map([...of(tenantId)].flatMap(([who, { status, listed }]) => (listed ? [[who, status]] : []))),
    present: async (tenantId, who) => new Set(who.filter(one => of(tenantId).has(one))),
  }
}

/** Shared by all nodes. One hash per person, a field per node, so that whoever is connected twice is gone only after both. */
export function redisBoard(redis: Redis | Cluster, nodeId: string): PresenceBoard {
  const personKey = (tenantId: string, who: string) => `parley:here:{${tenantId}}:${who}`
  const listKey = (tenantId: string) => `parley:here:{${tenantId}}`

  async function statuses(tenantId: string, who: readonly string[]): Promise<Map<string, PresenceStatus>> {
    const found = new Map<string, PresenceStatus>()
    if (who.length === 0) return found
    const pipeline = redis.pipeline()
    for (const one of who) pipeline.hvals(personKey(tenantId, one))
    const answers = (await pipeline.exec()) ?? []
    for (const [at, [error, values]] of answers.entries()) {
      if (error) throw error
      const alive = (values as string[])
        .map(value => value.split(' '))
        .filter(([, until]) => Number(until) > Date.now())
        .map(([status]) => status as PresenceStatus)
      if (alive.length > 0) found.set(who[at] ?? '', alive.includes('online') ? 'online' : 'away')
    }
    return found
  }

  return {
    set: async (tenantId, who, status, listed) => {
      const until = Date.now() + lifetimeMs
      const pipeline = redis
        .pipeline()
        .hset(personKey(tenantId, who), nodeId, `${status} ${until}`)
        .pexpire(personKey(tenantId, who), lifetimeMs * 2)
      if (listed)
        pipeline.zadd(listKey(tenantId), 'GT', until, who).pexpire(listKey(tenantId), lifetimeMs * 2)
      await pipeline.exec()
    },
    remove: async (tenantId, who) => void (await redis.hdel(personKey(tenantId, who), nodeId)),
    members: async tenantId =>
      statuses(tenantId, await redis.zrangebyscore(listKey(tenantId), Date.now(), '+inf')),
    present: async (tenantId, who) => new Set((await statuses(tenantId, who)).keys()),
  }
}
