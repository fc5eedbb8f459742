import type { Database } from '../db/index.ts'
import type { Gateway } from '../gateway/index.ts'
import { type Log, systemScope } from '../kernel/index.ts'
import { eachTenant } from './eachTenant.ts'
import type { Gathering } from './gathering.ts'
import { inChunks, type OpenRoom, openHere } from './openHere.ts'
import { readHeads } from './store.ts'

interface HeadsParts {
  readonly db: Database
  readonly gateway: Gateway
  readonly states: Pick<Gathering, 'heard'>
  readonly log: Log
}

export interface Heads {
  look(): Promise<void>
}

interface Behind {
  readonly tenantId: string
  readonly conversationId: string
  readonly place: OpenRoom
  readonly head: number
  /** Opened since the last look: its state was read then. */
  readonly isNew: boolean
}

/**
 * Whoever is told that they are behind asks for the rest. All of them at the same moment, every second of an outage, would keep everybody
 * else waiting: they are told in so many parts within this time.
 */
const spread = { parts: 20, withinMs: 500 }

const nameOf = ({ audience, room }: OpenRoom) => `${audience} ${room}`

/**
 * The heartbeat with heads (L5): for every conversation that someone here has open, whether its log has grown beyond what was handed to
 * them. Those who are behind are told where it ends, and ask for the rest. Of what moved it, its state may not have been told either.
 */
export function createHeads({ db, gateway, states, log }: HeadsParts): Heads {
  const handedOut = new Map<string, number>()
  gateway.onDelivered((audience, room, event, payload) => {
    if (event === 'entries' || event === 'head')
      handedOut.set(nameOf({ audience, room }), (payload as { head: number }).head)
  })

  function forgetClosed(open: ReturnType<typeof openHere>): void {
    const alive = new Set<string>()
    for (const conversations of open.values())
      for (const places of conversations.values()) for (const place of places) alive.add(nameOf(place))
    for (const name of handedOut.keys()) if (!alive.has(name)) handedOut.delete(name)
  }

  async function findBehind(
    tenantId: string,
    conversations: ReadonlyMap<string, readonly OpenRoom[]>,
    behind: Behind[],
  ): Promise<void> {
    const scope = systemScope(tenantId, 'heads')
    for (const ids of inChunks(conversations.keys())) {
      const heads = await db.scoped(scope, tx => readHeads(tx, scope, ids))
      for (const { id, seq, publicSeq } of heads) {
        for (const place of conversations.get(id) ?? []) {
          const head = place.audience === 'member' ? seq : publicSeq
          const told = handedOut.get(nameOf(place))
          if (told === undefined) handedOut.set(nameOf(place), 0)
          if (head <= (told ?? 0)) continue
          behind.push({ tenantId, conversationId: id, place, head, isNew: told === undefined })
        }
      }
    }
  }

  function tell({ tenantId, conversationId, place, head, isNew }: Behind): void {
    // The bus may have brought it meanwhile.
    if (head <= (handedOut.get(nameOf(place)) ?? 0)) return
    if (!isNew) states.heard(tenantId, [conversationId])
    gateway.publishHere(place.audience, place.room, 'head', { conversationId, head })
  }

  async function tellInParts(behind: readonly Behind[]): Promise<void> {
    const size = Math.ceil(behind.length / spread.parts)
    for (let at = 0; at < behind.length; at += size) {
      for (const one of behind.slice(at, at + size)) tell(one)
      await new Promise(resolve => setTimeout(resolve, spread.withinMs / spread.parts).unref())
    }
  }

  return {
    async look() {
      const open = openHere(gateway)
      forgetClosed(open)
      const behind: Behind[] = []
      await eachTenant(open, ([tenantId, conversations]) => findBehind(tenantId, conversations, behind), {
        ...{ log, what: 'heads' },
      })
      // Not waited for: the next look finds who is told by then.
      tellInParts(behind).catch(error => log.warn({ err: error }, 'who is behind could not be told'))
    },
  }
}
