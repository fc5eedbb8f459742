import { type PresenceBoard, type PresenceStatus, peopleAtOnce, type Session } from '../gateway/index.ts'
import { actorName } from '../kernel/index.ts'

/** Who is connected to this node, and what the board is told about it. */
export interface PresenceHere {
  entered(session: Session, status: PresenceStatus): Promise<void>
  left(session: Session): void
  /**
   * Says again who was said last before this moment: what is not repeated is forgotten, as that of a node that died has to be. Those who
   * were said longest ago come first, and one portion waits for the other, so that a board that is busy is not asked for more at once.
   * The first failure ends it; the next time goes on with those who are left.
   */
  refresh(before: number): Promise<{ readonly said: number; readonly failure?: unknown }>
  tenantIds(): Set<string>
}

/** A page that is reloaded is gone for a moment, which nobody needs to hear of. */
const graceMs = 2_000

interface Person {
  readonly tenantId: string
  readonly who: string
  /** Members are listed; visitors are only looked up. */
  readonly listed: boolean
  /** Most have one. */
  readonly sessions: Session[]
  /** When the board was told last, and took it. */
  saidAt: number
}

export function createPresenceHere(
  board: PresenceBoard,
  quietly: (work: Promise<unknown>) => void,
): PresenceHere {
  /** By tenant, and by the actor's name. */
  const tenants = new Map<string, Map<string, Person>>()
  /** Of the sessions that are here; all others are online. */
  const away = new WeakSet<Session>()

  const find = ({ scope }: Session) => tenants.get(scope.tenantId)?.get(actorName(scope.actor))
  const statusOf = ({ sessions }: Person): PresenceStatus =>
    sessions.every(session => away.has(session)) ? 'away' : 'online'

  function note(session: Session): Person {
    const { tenantId, actor } = session.scope
    const known = find(session)
    if (known) {
      if (!known.sessions.includes(session)) known.sessions.push(session)
      return known
    }
    const who = actorName(actor)
    const person = { tenantId, who, listed: actor.kind === 'member', sessions: [session], saidAt: 0 }
    const people = tenants.get(tenantId) ?? new Map<string, Person>()
    tenants.set(tenantId, people.set(who, person))
    return person
  }

  function forget({ tenantId, who }: Person): void {
    const people = tenants.get(tenantId)
    people?.delete(who)
    if (people?.size === 0) tenants.delete(tenantId)
    quietly(board.remove(tenantId, who))
  }

  async function say(tenantId: string, said: readonly Person[]): Promise<void> {
    const now = performance.now()
    await board.set(
      tenantId,
      said.map(person => ({ who: person.who, listed: person.listed, status: statusOf(person) })),
    )
    for (const person of said) person.saidAt = now
  }

  return {
    entered(session, status) {
      if (status === 'away') away.add(session)
      else away.delete(session)
      const person = note(session)
      return say(person.tenantId, [person])
    },
    left(session) {
      const person = find(session)
      const at = person?.sessions.indexOf(session) ?? -1
      if (!person || at < 0) return
      person.sessions.splice(at, 1)
      if (person.sessions.length > 0) return
      setTimeout(() => {
        // The timer of an earlier leave was faster, and who came back since is somebody new here.
        if (person.sessions.length === 0 && find(session) === person) forget(person)
      }, graceMs).unref()
    },
    async refresh(before) {
      const everybody = [...tenants.values()].flatMap(people => [...people.values()])
      const due = everybody.filter(({ saidAt }) => saidAt < before)
      due.sort((one, other) => one.saidAt - other.saidAt)
      let said = 0
      for (let from = 0; from < due.length; from += peopleAtOnce) {
        // Who has left meanwhile is about to be taken off.
        const present = due.slice(from, from + peopleAtOnce).filter(({ sessions }) => sessions.length > 0)
        try {
          const ofTenants = [...Map.groupBy(present, ({ tenantId }) => tenantId)]
          await Promise.all(ofTenants.map(([tenantId, group]) => say(tenantId, group)))
        } catch (failure) {
          return { said, failure }
        }
        said += present.length
      }
      return { said }
    },
    tenantIds: () => new Set(tenants.keys()),
  }
}
