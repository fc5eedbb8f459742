import {
  type Gateway,
  type PresenceBoard,
  type PresenceStatus,
  rooms,
  type Session,
} from '../gateway/index.ts'
import { actorName, eachOf, type Log, type Scope } from '../kernel/index.ts'
import type { ConversationState } from '../protocol/index.ts'
import { createPresenceHere, type PresenceHere } from './presenceHere.ts'

/** Who is there: members for the team and, as one yes or no, for visitors; visitors for those who have their conversation open. */
export interface Presence {
  set(session: Session, status: PresenceStatus): Promise<void>
  members(tenantId: string): Promise<{ memberId: string; status: PresenceStatus }[]>
  /** Whether somebody is there on the other side of a conversation; from now on this actor is told when that changes. */
  otherSide(scope: Scope, conversation: ConversationState): Promise<boolean>
  /** Whose a conversation is now that has changed: it may have been taken over, or its visitor may be no more. */
  belongs(tenantId: string, conversationId: string, contactId: string | null): void
  stop(): void
}

interface PresenceParts {
  readonly board: PresenceBoard
  readonly gateway: Gateway
  readonly log: Log
}

const roundMs = 1_000
const refreshMs = 3_000

interface Visitor {
  contact: string
  online: boolean
  /** The contact is another one than that with which the conversation was opened here. */
  moved: boolean
}

/** What people connected to this node were told of a tenant. */
interface Told {
  members: Map<string, PresenceStatus>
  /** Whether any member was there. */
  staffed: boolean
  /** Conversations that members have open here, with the presence of their visitor. */
  readonly visitors: Map<string, Visitor>
}

export function createPresence({ board, gateway, log }: PresenceParts): Presence {
  const tenants = new Map<string, Told>()
  const note = (error: unknown) => log.debug({ err: error }, 'presence could not be noted')
  const quietly = (work: Promise<unknown>) => void work.catch(note)
  const here = createPresenceHere(board, quietly)

  const toldOf = (tenantId: string): Told => {
    const known = tenants.get(tenantId)
    if (known) return known
    const made: Told = { members: new Map(), staffed: false, visitors: new Map() }
    tenants.set(tenantId, made)
    return made
  }

  const rounds = startRounds({ board, gateway, here, tenants, toldOf, note })
  gateway.onEntered(session => quietly(here.entered(session, 'online')))
  gateway.onLeft(here.left)

  /**
   * As people here were told: what is news is told to all of them first, or whoever takes it from here would not be told when it is as it
   * was before. Without the board it is what they were told last.
   */
  async function membersOf(tenantId: string): Promise<ReadonlyMap<string, PresenceStatus>> {
    const told = toldOf(tenantId)
    try {
      await tellOfMembers({ board, gateway }, tenantId, told)
    } catch (error) {
      log.debug({ err: error }, 'presence could not be read')
    }
    return told.members
  }

  async function isPresent(tenantId: string, who: string, toldLast: boolean): Promise<boolean> {
    try {
      return (await board.present(tenantId, [who])).has(who)
    } catch (error) {
      log.debug({ err: error }, 'presence could not be read')
      return toldLast
    }
  }

  return {
    // The board hears of it now, or with the next round that reaches it; nobody waits for that (L6).
    set: async (session, status) => quietly(here.entered(session, status)),
    members: async tenantId =>
      [...(await membersOf(tenantId))].map(([who, status]) => ({ memberId: memberOf(who), status })),
    async otherSide(scope, { id, contactId }) {
      const { tenantId, actor } = scope
      const told = toldOf(tenantId)
      if (actor.kind === 'visitor') return (await membersOf(tenantId)).size > 0
      if (contactId === null) return false
      // A row that was read for this may be older than what was told meanwhile of a change.
      const before = told.visitors.get(id)
      const contact = before?.moved ? before.contact : nameOf(contactId)
      const online = await isPresent(tenantId, contact, before?.online ?? false)
      if (actor.kind === 'member') {
        const room = rooms.conversation(tenantId, id)
        const known = told.visitors.get(id)
        if (known?.moved && known.contact !== contact) return known.online
        // Noted as told, so it has to be: to those who opened the conversation before this change.
        if (known && known.online !== online)
          gateway.publishHere('member', room, 'online', { conversationId: id, online })
        told.visitors.set(id, { contact, online, moved: known?.moved ?? false })
      }
      return online
    },
    belongs(tenantId, conversationId, contactId) {
      const room = rooms.conversation(tenantId, conversationId)
      if (!gateway.isHere('member', room)) return
      const { visitors } = toldOf(tenantId)
      const known = visitors.get(conversationId)
      if (contactId === null) {
        visitors.delete(conversationId)
        if (known?.online) gateway.publishHere('member', room, 'online', { conversationId, online: false })
        return
      }
      const contact = nameOf(contactId)
      if (known?.contact === contact) return
      // Whether this one is there is found, and told, with the next round.
      visitors.set(conversationId, { contact, online: known?.online ?? false, moved: true })
    },
    stop: rounds.stop,
  }
}

interface RoundParts extends Omit<PresenceParts, 'log'> {
  readonly here: PresenceHere
  readonly tenants: Map<string, Told>
  readonly toldOf: (tenantId: string) => Told
  readonly note: (error: unknown) => void
}

/** The board is the truth, on one node and on many; what differs from what people here were told is told. */
function startRounds(parts: RoundParts): { stop: () => void } {
  const { gateway, here, tenants, note } = parts
  /** Since when the board may have lost what it was told: from then on nothing that was said before counts. */
  let lostSince: number | undefined
  let failures = 0
  let refreshFrom = 0
  let tellFrom = 0

  async function refresh(now: number): Promise<void> {
    if (now < refreshFrom) return
    const { said, failure } = await here.refresh(lostSince ?? now - refreshMs)
    if (failure === undefined) {
      failures = 0
      if (lostSince === undefined) return
      lostSince = undefined
      // It may have come back empty, and the other nodes have yet to say again who is with them.
      tellFrom = performance.now() + refreshMs
      return
    }
    // A board that cannot keep up is asked less often, not more.
    refreshFrom = performance.now() + Math.min(refreshMs, roundMs * 2 ** failures)
    failures += 1
    if (said === 0) lostSince ??= now
    note(failure)
  }

  async function round(): Promise<void> {
    const now = performance.now()
    forgetClosed(tenants, gateway, here.tenantIds())
    // What could not be said again takes nothing from what can be told.
    await refresh(now)
    if (lostSince !== undefined || now < tellFrom) return
    const { told, failure } = await tellTenants(parts)
    if (failure === undefined) return
    if (told === 0) lostSince ??= now
    note(failure)
  }

  let running = false
  const timer = setInterval(() => {
    if (running) return
    running = true
    void round()
      .catch(note)
      .finally(() => {
        running = false
      })
  }, roundMs)
  timer.unref()
  return { stop: () => clearInterval(timer) }
}

/** So many tenants are looked at at a time; where as many fail one after the other, the rest is left to the next round. */
const tenantsAtOnce = 8

async function tellTenants({
  board,
  gateway,
  here,
  toldOf,
}: RoundParts): Promise<{ readonly told: number; readonly failure?: unknown }> {
  let told = 0
  let failure: unknown
  let failedInARow = 0
  await eachOf(here.tenantIds(), tenantsAtOnce, async tenantId => {
    if (failedInARow >= tenantsAtOnce) return
    const ofTenant = toldOf(tenantId)
    try {
      await tellOfMembers({ board, gateway }, tenantId, ofTenant)
      if (ofTenant.visitors.size > 0) await tellOfVisitors({ board, gateway }, tenantId, ofTenant)
      told += 1
      failedInARow = 0
    } catch (error) {
      failure = error
      failedInARow += 1
    }
  })
  return failure === undefined ? { told } : { told, failure }
}

type News = Pick<PresenceParts, 'board' | 'gateway'>

async function tellOfMembers({ board, gateway }: News, tenantId: string, told: Told): Promise<void> {
  const now = await board.members(tenantId)
  const room = rooms.inbox(tenantId)
  for (const [who, status] of now)
    if (told.members.get(who) !== status)
      gateway.publishHere('member', room, 'presence', { memberId: memberOf(who), status })
  for (const who of told.members.keys())
    if (!now.has(who))
      gateway.publishHere('member', room, 'presence', { memberId: memberOf(who), status: 'offline' })
  told.members = now
  if (told.staffed === now.size > 0) return
  told.staffed = now.size > 0
  const ofTenant = rooms.conversation(tenantId, '')
  for (const at of gateway.roomsHere('visitor')) {
    if (!at.startsWith(ofTenant)) continue
    const conversationId = at.slice(ofTenant.length)
    gateway.publishHere('visitor', at, 'online', { conversationId, online: told.staffed })
  }
}

async function tellOfVisitors({ board, gateway }: News, tenantId: string, { visitors }: Told): Promise<void> {
  const contacts = new Set([...visitors.values()].map(({ contact }) => contact))
  const present = await board.present(tenantId, [...contacts])
  for (const [conversationId, entry] of visitors) {
    const online = present.has(entry.contact)
    if (online === entry.online) continue
    entry.online = online
    const room = rooms.conversation(tenantId, conversationId)
    gateway.publishHere('member', room, 'online', { conversationId, online })
  }
}

/** What nobody here has open any more needs no watching. */
function forgetClosed(tenants: Map<string, Told>, gateway: Gateway, present: ReadonlySet<string>): void {
  for (const [tenantId, told] of tenants) {
    for (const id of told.visitors.keys())
      if (!gateway.isHere('member', rooms.conversation(tenantId, id))) told.visitors.delete(id)
    if (!present.has(tenantId)) tenants.delete(tenantId)
  }
}

const nameOf = (contactId: string): string => actorName({ kind: 'visitor', contactId, widgetId: '' })
const memberOf = (who: string): string => who.slice(who.indexOf(':') + 1)
