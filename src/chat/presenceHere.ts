import { actorName, type PresenceBoard, type PresenceStatus, type Session } from '../gateway/index.ts'

/** Who is connected to this node, and what the board is told about it. */
export interface PresenceHere {
  entered(session: Session, status: PresenceStatus): Promise<void>
  left(session: Session): void
  /** Says it again: what is not repeated is forgotten, as that of a node that died has to be. */
  refresh(): Promise<void>
  tenantIds(): Set<string>
}

/** A page that is reloaded is gone for a moment, which nobody needs to hear of. */
const graceMs = 2_000

interface Person {
  readonly tenantId: string
  readonly who: string
  /** Members are listed; visitors are only looked up. */
  readonly listed: boolean
  readonly sessions: Map<Session, PresenceStatus>
}

export function createPresenceHere(
  board: PresenceBoard,
  quietly: (work: Promise<unknown>) => void,
): PresenceHere {
  const people = new Map<string, Person>()
  const nameOf = ({ scope }: Session) => `${scope.tenantId} ${actorName(scope.actor)}`
  const tell = ({ tenantId, who, sessions, listed }: Person) =>
    board.set(tenantId, who, statusOf(sessions), listed)

  return {
    entered(session, status) {
      const { tenantId, actor } = session.scope
      const person: Person = people.get(nameOf(session)) ?? {
        ...{ tenantId, who: actorName(actor), listed: actor.kind === 'member' },
        sessions: new Map(),
      }
      person.sessions.set(session, status)
      people.set(nameOf(session), person)
      return tell(person)
    },
    left(session) {
      const person = people.get(nameOf(session))
      if (!person?.sessions.delete(session) || person.sessions.size > 0) return
      setTimeout(() => {
        if (person.sessions.size > 0) return
        // The timer of an earlier leave was faster, and who came back since is somebody new here.
        if (people.get(nameOf(session)) !== person) return
        people.delete(nameOf(session))
        quietly(board.remove(person.tenantId, person.who))
      }, graceMs).unref()
    },
    refresh: async () => {
      await Promise.all([...people.values()].filter(({ sessions }) => sessions.size > 0).map(tell))
    },
    tenantIds: () => new Set([...people.values()].map(({ tenantId }) => tenantId)),
  }
}

const statusOf = (sessions: ReadonlyMap<Session, PresenceStatus>): PresenceStatus =>
  [...sessions.values()].includes('online') ? 'online' : 'away'
