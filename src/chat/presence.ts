import {
  actorName,
  type Gateway,
  type PresenceBoard,
  type PresenceStatus,
  rooms,
  type Session,
} from '../gateway/index.ts'
import type { Log, Scope } from '../kernel/index.ts'
import type { ConversationState } from '../protocol/index.ts'
import { createPresenceHere, type PresenceHere } from './presenceHere.ts'

/** Who is there: members for the team and, as one yes or no, for visitors; visitors for those who have their conversation open. */
export interface Presence {
  set(session: Session, status: PresenceStatus): Promise<void>
  members(tenantId: string): Promise<{ memberId: string; status: PresenceStatus }[]>
  /** Whether somebody is there on the other side of a conversation; from now on this actor is told when that changes. */
  otherSide(scope: Scope, conversation: ConversationState): Promise<boolean>
  stop(): void
}

interface PresenceParts {
  readonly board: PresenceBoard
  readonly gateway: Gateway
  readonly log: Log
}

const roundMs = 1_000
const refreshMs = 3_000

/** What people connected to this node were told of a tenant. */
interface Told {
  members: Map<string, PresenceStatus>
  /** Whether any member was there. */
  staffed: boolean
  /** Conversations that members have open here, with the presence of their visitor. */
  readonly visitors: Map<string, { readonly contact: string; online: boolean }>
  /** Conversations that visitors have open here. */
  readonly ofVisitors: Set<string>
}

export function createPresence({ board, gateway, log }: PresenceParts): Presence {
  const tenants = new Map<string, Told>()
  const quietly = (work: Promise<unknown>) =>
    void work.catch(error => log.debug({ err: error }, 'presence could not be noted'))
  const here = createPresenceHere(board, quietly)

  const toldOf = (tenantId: string): Told => {
    const known = tenants.get(tenantId)
    if (known) return known
    const made: Told = { members: new Map(), staffed: false, visitors: new Map(), ofVisitors: new Set() }
    tenants.set(tenantId, made)
    return made
  }

  const rounds = startRounds({ board, gateway, here, tenants, toldOf, quietly })
  gateway.onEntered(session => quietly(here.entered(session, 'online')))
  gateway.onLeft(here.left)

  /** Without the board there is what people here were told last. */
  async function membersOf(tenantId: string): Promise<ReadonlyMap<string, PresenceStatus>> {
    try {
      return await board.members(tenantId)
    } catch (error) {
      log.debug({ err: error }, 'presence could not be read')
      return toldOf(tenantId).members
    }
  }

  return {
    // The board hears of it now, or with the next round that reaches it; nobody waits for that (L6).
    set: async (session, status) => quietly(here.entered(session, status)),
    members: async tenantId =>
      [...(await membersOf(tenantId))].map(([who, status]) => ({ memberId: memberOf(who), status })),
    async otherSide(scope, { id, contactId }) {
      const told = toldOf(scope.tenantId)
      try {
        if (scope.actor.kind === 'visitor') {
          told.ofVisitors.add(id)
          return (await board.members(scope.tenantId)).size > 0 || told.staffed
        }
        if (contactId === null) return false
        const contact = actorName({ kind: 'visitor', contactId, widgetId: '' })
        const online = (await board.present(scope.tenantId, [contact])).has(contact)
        if (scope.actor.kind === 'member') {
          const room = rooms.conversation(scope.tenantId, id)
          const known = told.visitors.get(id)
          // Noted as told, so it has to be: to those who opened the conversation before this change.
          if (known && known.online !== online)
            gateway.publishHere('member', room, 'online', { conversationId: id, online })
          told.visitors.set(id, { contact, online })
        }
        return online
      } catch (error) {
        // The board is away. A conversation opens without it.
        log.debug({ err: error }, 'presence could not be read')
        return false
      }
    },
    stop: rounds.stop,
  }
}

interface RoundParts extends Omit<PresenceParts, 'log'> {
  readonly here: PresenceHere
  readonly tenants: Map<string, Told>
  readonly toldOf: (tenantId: string) => Told
  readonly quietly: (work: Promise<unknown>) => void
}

/** The board is the truth, on one node and on many; what differs from what people here were told is told. */
function startRounds(parts: RoundParts): { stop: () => void } {
  const { board, gateway, here, tenants, toldOf, quietly } = parts
  let lastRefresh = 0
  let boardLost = false

  async function round(): Promise<void> {
    const now = performance.now()
    if (boardLost || now - lastRefresh > refreshMs) {
      lastRefresh = now
      await here.refresh()
    }
    if (boardLost) {
      // It may have come back empty, and the other nodes have yet to say again who is with them.
      boardLost = false
      return
    }
    forgetClosed(tenants, gateway, here.tenantIds())
    for (const tenantId of here.tenantIds()) {
      const told = toldOf(tenantId)
      await tellOfMembers({ board, gateway }, tenantId, told)
      if (told.visitors.size > 0) await tellOfVisitors({ board, gateway }, tenantId, told)
    }
  }

  let running = false
  const timer = setInterval(() => {
    if (running) return
    running = true
    const looking = round().catch(error => {
      boardLost = true
      throw error
    })
    quietly(
      looking.finally(() => {
        running = false
      }),
    )
  }, roundMs)
  timer.unref()
  return { stop: () => clearInterval(timer) }
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
  for (const conversationId of told.ofVisitors) {
    const at = rooms.conversation(tenantId, conversationId)
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
  const members = new Set(gateway.roomsHere('member'))
  const visitors = new Set(gateway.roomsHere('visitor'))
  for (const [tenantId, told] of tenants) {
    for (const id of told.visitors.keys())
      if (!members.has(rooms.conversation(tenantId, id))) told.visitors.delete(id)
    for (const id of told.ofVisitors)
      if (!visitors.has(rooms.conversation(tenantId, id))) told.ofVisitors.delete(id)
    if (!present.has(tenantId)) tenants.delete(tenantId)
  }
}

const memberOf = (who: string): string => who.slice(who.indexOf(':') + 1)
