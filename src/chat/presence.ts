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

/** Who is there: members for the team and, as one yes or no, for visitors; visitors for those who have their conversation open. */
export interface Presence {
  set(session: Session, status: PresenceStatus): Promise<void>
  members(tenantId: string): Promise<{ memberId: string; status: PresenceStatus }[]>
  /** Whether somebody is there on the other side of a conversation; from now on this actor is told when that changes. */
  otherSide(scope: Scope, conversation: ConversationState): Promise<boolean>
  stop(): void
}

const roundMs = 1_000
const refreshMs = 3_000
/** A page that is reloaded is gone for a moment, which nobody needs to hear of. */
const graceMs = 2_000

interface Tenant {
  /** What members here were told of whom. */
  told: Map<string, PresenceStatus>
  /** Contacts of conversations that members have open here, and what they were told. */
  readonly watched: Map<string, { contact: string; online: boolean }>
  readonly openByVisitors: Set<string>
  staffed: boolean
}

export function createPresence(parts: { board: PresenceBoard; gateway: Gateway; log: Log }): Presence {
  const { board, gateway, log } = parts
  const here = new Map<
    string,
    { tenantId: string; who: string; listed: boolean; sessions: Map<Session, PresenceStatus> }
  >()
  const tenants = new Map<string, Tenant>()

  const tenant = (id: string): Tenant => {
    const known = tenants.get(id)
    if (known) return known
    const made: Tenant = { told: new Map(), watched: new Map(), openByVisitors: new Set(), staffed: false }
    tenants.set(id, made)
    return made
  }
  const nameOf = ({ scope }: Session) => `${scope.tenantId} ${actorName(scope.actor)}`
  const quietly = (work: Promise<unknown>) =>
    void work.catch(error => log.debug({ err: error }, 'presence could not be noted'))

  function entered(session: Session, status: PresenceStatus = 'online'): Promise<void> {
    const { tenantId, actor } = session.scope
    const known = here.get(nameOf(session))
    const person = known ?? {
      ...{ tenantId, who: actorName(actor), listed: actor.kind === 'member' },
      sessions: new Map<Session, PresenceStatus>(),
    }
    person.sessions.set(session, status)
    here.set(nameOf(session), person)
    return board.set(tenantId, person.who, statusOf(person.sessions), person.listed)
  }

  function left(session: Session): void {
    const person = here.get(nameOf(session))
    if (!person?.sessions.delete(session) || person.sessions.size > 0) return
    setTimeout(() => {
      if (person.sessions.size > 0) return
      here.delete(nameOf(session))
      quietly(board.remove(person.tenantId, person.who))
    }, graceMs).unref()
  }

  async function tellMembers(tenantId: string, state: Tenant): Promise<void> {
    const now = await board.members(tenantId)
    const room = rooms.inbox(tenantId)
    for (const [who, status] of now)
      if (state.told.get(who) !== status)
        gateway.publishHere('member', room, 'presence', { memberId: memberOf(who), status })
    for (const who of state.told.keys())
      if (!now.has(who))
        gateway.publishHere('member', room, 'presence', { memberId: memberOf(who), status: 'offline' })
    state.told = now
    if (state.staffed === now.size > 0) return
    state.staffed = now.size > 0
    for (const conversationId of state.openByVisitors) {
      const at = rooms.conversation(tenantId, conversationId)
      gateway.publishHere('visitor', at, 'online', { conversationId, online: state.staffed })
    }
  }

  async function tellOfVisitors(tenantId: string, { watched }: Tenant): Promise<void> {
    const present = await board.present(tenantId, [
      ...new Set([...watched.values()].map(({ contact }) => contact)),
    ])
    for (const [conversationId, entry] of watched) {
      const online = present.has(entry.contact)
      if (online === entry.online) continue
      entry.online = online
      gateway.publishHere('member', rooms.conversation(tenantId, conversationId), 'online', {
        conversationId,
        online,
      })
    }
  }

  /** What nobody here has open any more needs no watching. */
  function forget(open: { member: Set<string>; visitor: Set<string>; tenants: Set<string> }): void {
    for (const [tenantId, state] of tenants) {
      const isOpen = (at: Set<string>, id: string) => at.has(rooms.conversation(tenantId, id))
      for (const id of state.watched.keys()) if (!isOpen(open.member, id)) state.watched.delete(id)
      for (const id of state.openByVisitors) if (!isOpen(open.visitor, id)) state.openByVisitors.delete(id)
      if (!open.tenants.has(tenantId)) tenants.delete(tenantId)
    }
  }

  let lastRefresh = 0
  async function round(): Promise<void> {
    const open = {
      member: new Set(gateway.roomsHere('member')),
      visitor: new Set(gateway.roomsHere('visitor')),
    }
    forget({ ...open, tenants: new Set([...here.values()].map(({ tenantId }) => tenantId)) })
    if (performance.now() - lastRefresh > refreshMs) {
      lastRefresh = performance.now()
      const living = [...here.values()]
      await Promise.all(
        living.map(one => board.set(one.tenantId, one.who, statusOf(one.sessions), one.listed)),
      )
    }
    for (const { tenantId } of here.values()) tenant(tenantId)
    for (const [tenantId, state] of tenants) {
      await tellMembers(tenantId, state)
      if (state.watched.size > 0) await tellOfVisitors(tenantId, state)
    }
  }

  let running = false
  gateway.onEntered(session => quietly(entered(session)))
  gateway.onLeft(left)
  const timer = setInterval(() => {
    if (running) return
    running = true
    quietly(
      round().finally(() => {
        running = false
      }),
    )
  }, roundMs)
  timer.unref()

  return {
    set: (session, status) => entered(session, status),
    members: async tenantId =>
      [...(await board.members(tenantId))].map(([who, status]) => ({ memberId: memberOf(who), status })),
    async otherSide(scope, { id, contactId }) {
      const state = tenant(scope.tenantId)
      try {
        if (scope.actor.kind === 'visitor') {
          state.openByVisitors.add(id)
          return (await board.members(scope.tenantId)).size > 0 || state.staffed
        }
        if (contactId === null) return false
        const contact = actorName({ kind: 'visitor', contactId, widgetId: '' })
        const online = (await board.present(scope.tenantId, [contact])).has(contact)
        if (scope.actor.kind === 'member') state.watched.set(id, { contact, online })
        return online
      } catch (error) {
        // The board is away. A conversation opens without it.
        log.debug({ err: error }, 'presence could not be read')
        return false
      }
    },
    stop: () => clearInterval(timer),
  }
}

const statusOf = (sessions: ReadonlyMap<Session, PresenceStatus>): PresenceStatus =>
  [...sessions.values()].includes('online') ? 'online' : 'away'

const memberOf = (who: string): string => who.slice(who.indexOf(':') + 1)
