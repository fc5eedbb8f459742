import type { DomainEvent, DomainEvents, EventWithin, Log, Metrics, Origin, Scope } from '../kernel/index.ts'
import { type Answers, type Ask, inOneMessage } from './atOnce.ts'
import { fairShares } from './fairness.ts'
import { mayBeDone, translateFault } from './faults.ts'
import type { JobSender } from './jobs.ts'
import type { Pool } from './pool.ts'
import { inSession, originSetting, type Session } from './session.ts'
import { concludedBy, preparedBy, queryBuilder, type Transaction } from './transaction.ts'

export interface Database extends DomainEvents<Transaction> {
  /** S1: a transaction that sees the rows of `scope.tenantId` and no others. Commits when `work` returns, undoes all when it throws. */
  scoped<Result>(
    scope: Scope,
    work: (tx: Transaction) => Promise<Result>,
    /** Where the tenant has as much going on as it may (`fairness.ts`): before what else of it waits. */
    order?: { readonly first: boolean },
  ): Promise<Result>
  /** The same for what is known as a whole beforehand, in one round trip. It has no events, because nothing could be done within it. */
  atOnce<const Asks extends readonly Ask<unknown>[]>(scope: Scope, asks: Asks): Promise<Answers<Asks>>
  /**
   * A transaction on a person's own accounts and memberships; `null` while it is not known who they are. What it changes is recorded as
   * coming from `origin`.
   */
  identity<Result>(
    userId: string | null,
    work: (tx: Transaction) => Promise<Result>,
    origin?: Origin,
  ): Promise<Result>
  /** A transaction that sees the list of tenants, for the master admin. */
  platform<Result>(work: (tx: Transaction) => Promise<Result>): Promise<Result>
  /**
   * A scoped transaction that began so long ago was to be committed and got no answer. It may be committed, and then nobody was told by
   * `after`; the database may not answer yet, either.
   */
  onUnanswered(listener: (lostMs: number) => void): void
  /** Whether the database answers at all. */
  ping(): Promise<void>
}

export interface DatabaseParts {
  readonly pool: Pool
  readonly log: Log
  readonly metrics: Metrics
  readonly jobs: JobSender
}

const sessionOf = ({ tenantId }: Scope): Session => ({ role: 'parley_app', tenantId, userId: '' })

type AfterListener = (scope: Scope, event: DomainEvent) => void

function announce(
  scope: Scope,
  events: readonly DomainEvent[],
  after: readonly AfterListener[],
  log: Log,
): void {
  for (const event of events) {
    for (const listener of after) {
      try {
        listener(scope, event)
      } catch (error) {
        log.error({ err: error, event: event.type }, 'a listener failed after commit')
      }
    }
  }
}

export function createDatabase({ pool, log, metrics, jobs }: DatabaseParts): Database {
  const during: ((scope: Scope, tx: Transaction, event: EventWithin) => Promise<void>)[] = []
  const inTurn = fairShares(pool.options.max)
  const after: AfterListener[] = []
  const unanswered: ((lostMs: number) => void)[] = []

  async function transact<Result>(
    session: Session,
    scope: Scope | undefined,
    work: (tx: Transaction) => Promise<Result>,
  ): Promise<Result> {
    const events: DomainEvent[] = []
    const began = performance.now()
    /** From here on it may be committed, whatever comes back. */
    let ending = false
    const end = (error: unknown) => {
      if (scope && ending && mayBeDone(error)) for (const tell of unanswered) tell(performance.now() - began)
      throw error
    }
    const result = await counted(session.role, () =>
      inSession(pool, session, async (client, conclude) => {
        const tx: Transaction = {
          sql: queryBuilder(client),
          prepared: preparedBy(client),
          conclude: concludedBy((...last) => {
            ending = true
            return conclude(...last)
          }),
          emit: async event => {
            if (!scope) throw new Error('only a scoped transaction has events')
            if (event.type !== 'appended') for (const listener of during) await listener(scope, tx, event)
            events.push(event)
          },
          enqueue: (job, payload) => jobs.sendWithin(client, session.role, job, payload),
        }
        const value = await work(tx)
        ending = true
        return value
      }).catch(end),
    )
    if (scope) announce(scope, events, after, log)
    return result
  }

  async function counted<Result>(role: Session['role'], work: () => Promise<Result>): Promise<Result> {
    try {
      const result = await work()
      metrics.transactions.inc({ role, result: 'committed' })
      return result
    } catch (error) {
      metrics.transactions.inc({ role, result: 'undone' })
      throw translateFault(error)
    }
  }

  return {
    scoped: (scope, work, order) =>
      inTurn(scope.tenantId, () => transact(sessionOf(scope), scope, work), order),
    atOnce: (scope, asks) => {
      const session = sessionOf(scope)
      return inTurn(scope.tenantId, () => counted(session.role, () => inOneMessage(pool, session, asks)))
    },
    identity: (userId, work, origin) =>
      transact(
        { role: 'parley_identity', tenantId: '', userId: userId ?? '', origin: originSetting(origin) },
        undefined,
        work,
      ),
    platform: work => transact({ role: 'parley_platform', tenantId: '', userId: '' }, undefined, work),
    during: listener => void during.push(listener),
    after: listener => void after.push(listener),
    onUnanswered: listener => void unanswered.push(listener),
    ping: async () => {
      try {
        await pool.query('select 1')
      } catch (error) {
        throw translateFault(error)
      }
    },
  }
}
