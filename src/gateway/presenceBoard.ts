import { createHash } from 'node:crypto'
import type { Cluster, Redis } from 'ioredis'

export const presenceStatuses = ['online', 'away'] as const
export type PresenceStatus = (typeof presenceStatuses)[number]

export interface PresentPerson {
  readonly who: string
  readonly status: PresenceStatus
  readonly listed: boolean
}

/**
 * Who is connected, on any node. What a node says holds until it says otherwise or has been silent for `lifetimeMs`: a killed node takes
 * its people with it. `who` is an actor's name; `members` lists those who are set with `listed`.
 */
export interface PresenceBoard {
  /** Of `peopleAtOnce` at most. */
  set(tenantId: string, people: readonly PresentPerson[]): Promise<void>
  remove(tenantId: string, who: string): Promise<void>
  members(tenantId: string): Promise<Map<string, PresenceStatus>>
  /** Which of these are connected. */
  present(tenantId: string, who: readonly string[]): Promise<Set<string>>
}

export const lifetimeMs = 8_000

/** So many people are said or asked in one command: few round trips, and nobody else waits long for Redis. */
export const peopleAtOnce = 250

export function memoryBoard(): PresenceBoard {
  const tenants = new Map<string, Map<string, PresentPerson>>()
  const of = (tenantId: string) => tenants.get(tenantId) ?? new Map<string, never>()
  return {
    set: async (tenantId, people) => {
      const known = tenants.get(tenantId) ?? new Map<string, PresentPerson>()
      for (const person of people) known.set(person.who, person)
      tenants.set(tenantId, known)
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

/** By the clock of Redis: those of the nodes may be minutes apart. A Redis Cluster finds all keys of a tenant in one slot. */
const clock = `local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`
/** Keys: the list, then people. Arguments: node, lifetime, then of each person the status, whether they are listed, and who they are. */
const setScript = `${clock}local lifetime = tonumber(ARGV[2])
local untilThen = string.format('%.0f', now + lifetime)
for at = 2, #KEYS do
  local of = 3 * (at - 1)
  redis.call('HSET', KEYS[at], ARGV[1], ARGV[of] .. ' ' .. untilThen)
  redis.call('PEXPIRE', KEYS[at], lifetime * 2)
  if ARGV[of + 1] == 'listed' then
    redis.call('ZADD', KEYS[1], 'GT', untilThen, ARGV[of + 2])
    redis.call('PEXPIRE', KEYS[1], lifetime * 2)
  end
end`
/** Keys: people. Of each of them, `online`, `away` or nothing: what the nodes say that were heard of lately. */
const statusesScript = `${clock}local found = {}
for at, key in ipairs(KEYS) do
  found[at] = ''
  for _, value in ipairs(redis.call('HVALS', key)) do
    local status, untilThen = string.match(value, '^(%a+) (%d+)$')
    if status and tonumber(untilThen) > now and found[at] ~= 'online' then found[at] = status end
  end
end
return found`
const listedScript = `${clock}return redis.call('ZRANGEBYSCORE', KEYS[1], string.format('%.0f', now), '+inf')`

/** A script that Redis knows is called by its digest; its text travels only to a Redis that has not seen it, or was restarted. */
function scriptOn(redis: Redis | Cluster, text: string) {
  const digest = createHash('sha1').update(text).digest('hex')
  return async (keys: readonly string[], given: readonly (string | number)[] = []): Promise<unknown> => {
    try {
      return await redis.evalsha(digest, keys.length, ...keys, ...given)
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
      return redis.eval(text, keys.length, ...keys, ...given)
    }
  }
}

/** Shared by all nodes. One hash per person, a field per node, so that whoever is connected twice is gone only after both. */
export function redisBoard(redis: Redis | Cluster, nodeId: string): PresenceBoard {
  const personKey = (tenantId: string, who: string) => `parley:here:{${tenantId}}:${who}`
  const listKey = (tenantId: string) => `parley:here:{${tenantId}}`
  const say = scriptOn(redis, setScript)
  const ask = scriptOn(redis, statusesScript)
  const list = scriptOn(redis, listedScript)

  async function statuses(tenantId: string, who: readonly string[]): Promise<Map<string, PresenceStatus>> {
    const found = new Map<string, PresenceStatus>()
    for (let from = 0; from < who.length; from += peopleAtOnce) {
      const asked = who.slice(from, from + peopleAtOnce)
      const said = (await ask(asked.map(one => personKey(tenantId, one)))) as (PresenceStatus | '')[]
      for (const [at, one] of asked.entries()) if (said[at]) found.set(one, said[at])
    }
    return found
  }

  return {
    set: async (tenantId, people) => {
      const keys = [listKey(tenantId), ...people.map(({ who }) => personKey(tenantId, who))]
      const given = people.flatMap(({ who, status, listed }) => [status, listed ? 'listed' : '', who])
      await say(keys, [nodeId, lifetimeMs, ...given])
    },
    remove: async (tenantId, who) => void (await redis.hdel(personKey(tenantId, who), nodeId)),
    members: async tenantId => statuses(tenantId, (await list([listKey(tenantId)])) as string[]),
    present: async (tenantId, who) => new Set((await statuses(tenantId, who)).keys()),
  }
}
