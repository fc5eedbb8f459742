import type { Database } from '../db/index.ts'
import { conversationOf, type Gateway } from '../gateway/index.ts'
import { type Log, systemScope } from '../kernel/index.ts'
import { type Audience, audiences } from '../protocol/index.ts'
import { readHeads } from './store.ts'

export interface HeadsParts {
  readonly db: Database
  readonly gateway: Gateway
  /** Whether the other nodes' publications reach this one. */
  readonly busUp: () => boolean
  readonly log: Log
}

/** While the bus works it only makes up for a publication that was lost on the way. */
const calmMs = 10_000
/** While it does not, this is how other nodes' messages get here at all. */
const outageMs = 1_000
const chunk = 500

type Position = { readonly audience: Audience; readonly room: string }

/**
 * The heartbeat with heads (L5): for every conversation that someone here has open, whether its log has grown beyond what was handed to
 * them. Those who are behind are told where it ends, and ask for the rest.
 */
export function watchHeads({ db, gateway, busUp, log }: HeadsParts): { look: () => void; stop: () => void } {
  const handedOut = new Map<string, number>()
  const nameOf = ({ audience, room }: Position) => `${audience} ${room}`

  gateway.onDelivered((audience, room, event, payload) => {
    if (event === 'entries' || event === 'head')
      handedOut.set(nameOf({ audience, room }), (payload as { head: number }).head)
  })

  function openHere(): Map<string, Map<string, Position[]>> {
    const byTenant = new Map<string, Map<string, Position[]>>()
    const alive = new Set<string>()
    for (const audience of audiences) {
      for (const room of gateway.roomsHere(audience)) {
        const found = conversationOf(room)
        if (!found) continue
        alive.add(nameOf({ audience, room }))
        const ofTenant = byTenant.get(found.tenantId) ?? new Map<string, Position[]>()
        byTenant.set(found.tenantId, ofTenant)
        ofTenant.set(found.conversationId, [
          ...(ofTenant.get(found.conversationId) ?? []),
          { audience, room },
        ])
      }
    }
    for (const name of handedOut.keys()) if (!alive.has(name)) handedOut.delete(name)
    return byTenant
  }

  async function look(): Promise<void> {
    for (const [tenantId, conversations] of openHere()) {
      const ids = [...conversations.keys()]
      for (let at = 0; at < ids.length; at += chunk) {
        const scope = systemScope(tenantId, 'heads')
        const heads = await db.scoped(scope, tx => readHeads(tx, scope, ids.slice(at, at + chunk)))
        for (const { id, seq, publicSeq } of heads) {
          for (const position of conversations.get(id) ?? []) {
            const head = position.audience === 'member' ? seq : publicSeq
            if (head <= (handedOut.get(nameOf(position)) ?? 0)) continue
            gateway.publishHere(position.audience, position.room, 'head', { conversationId: id, head })
          }
        }
      }
    }
  }

  let running = false
  let again = false
  let lastLook = performance.now()
  async function lookOnce(): Promise<void> {
    // What is asked for meanwhile may be about something this look has passed already.
    again = running
    if (running) return
    running = true
    lastLook = performance.now()
    try {
      await look()
    } catch (error) {
      log.debug({ err: error }, 'heads could not be read')
    } finally {
      running = false
      if (again) void lookOnce()
    }
  }
  const timer = setInterval(() => {
    if (performance.now() - lastLook >= (busUp() ? calmMs : outageMs)) void lookOnce()
  }, outageMs / 2)
  timer.unref()
  return { look: () => void lookOnce(), stop: () => clearInterval(timer) }
}
