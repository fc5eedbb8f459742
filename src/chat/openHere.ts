import { conversationOf, type Gateway } from '../gateway/index.ts'
import { type Audience, audiences } from '../protocol/index.ts'

/** A conversation that somebody of an audience has open on this node. */
export interface OpenRoom {
  readonly audience: Audience
  readonly room: string
}

/** By tenant and conversation. */
export function openHere(gateway: Gateway): Map<string, Map<string, OpenRoom[]>> {
  const byTenant = new Map<string, Map<string, OpenRoom[]>>()
  for (const audience of audiences) {
    for (const room of gateway.roomsHere(audience)) {
      const found = conversationOf(room)
      if (!found) continue
      const ofTenant = byTenant.get(found.tenantId) ?? new Map<string, OpenRoom[]>()
      byTenant.set(found.tenantId, ofTenant)
      ofTenant.set(found.conversationId, [...(ofTenant.get(found.conversationId) ?? []), { audience, room }])
    }
  }
  return byTenant
}

const chunk = 500

/** So many at a time as one query takes. */
export function* inChunks(ids: Iterable<string>): Generator<string[]> {
  const all = [...ids]
  for (let at = 0; at < all.length; at += chunk) yield all.slice(at, at + chunk)
}
