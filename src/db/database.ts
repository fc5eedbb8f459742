import type { DomainEvent, DomainEvents, Log, Metrics, Origin, Scope } from '../kernel/index.ts'
import { translateFault } from './faults.ts'
import type { JobSender } from './jobs.ts'
import type { Pool } from './pool.ts'
import { inSession, originSetting, type Session } from './session.ts'
import { preparedBy, queryBuilder, type Transaction } from './transaction.ts'

export interface Database extends DomainEvents<Transaction> {
  /** S1: a transaction that sees the rows of `scope.tenantId` and no others. Commits when `work` returns, undoes all when it throws. */
  scoped<Result>(scope: Scope, work: (tx: Transaction) => Promise<Result>): Promise<Result>
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
  /** Whether the database answers at all. */
  ping(): Promise<void>
}

export interface DatabaseParts {
  readonly pool: Pool
  readonly log: Log
  readonly metrics: Metrics
  readonly jobs: JobSender
}

export function createDatabase({ pool, log, metrics, jobs }: DatabaseParts): Database {
  const during: ((scope: Scope, tx: Transaction, event: DomainEvent) => Promise<void>)[] = []
  const after: ((scope: Scope, event: DomainEvent) => void)[] = []

  function announce(scope: Scope, events: readonly DomainEvent[]): void {
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

  async function transact<Result>(
    session: Session,
    scope: Scope | undefined,
    work: (tx: Transaction) => Promise<Result>,
  ): Promise<Result> {
    const events: DomainEvent[] = []
    try {
      const result = await inSession(pool, session, client => {
        const tx: Transaction = {
          sql: queryBuilder(client),
          prepared: preparedBy(client),
          emit: async event => {
            if (!scope) throw new Error('only a scoped transaction has events')
            for (const listener of during) await listener(scope, tx, event)
            events.push(event)
          },
          enqueue: (job, payload) => jobs.sendWithin(client, session.role, job, payload),
        }
        return work(tx)
      })
      metrics.transactions.inc({ role: session.role, result: 'committed' })
      if (scope) announce(scope, events)
      return result
    } catch (error) {
      metrics.transactions.inc({ role: session.role, result: 'undone' })
      throw translateFault(error)
    }
  }

  return {
    scoped: (scope, work) =>
      transact({ role: 'parley_app', tenantId: scope.tenantId, userId: '' }, scope, work),
    identity: (userId, work, origin) =>
      transact(
        { role: 'parley_identity', tenantId: '', userId: userId ?? '', origin: originSetting(origin) },
        undefined,
        work,
      ),
    platform: work => transact({ role: 'parley_platform', tenantId: '', userId: '' }, undefined, work),
    during: listener => void during.push(listener),
    after: listener => void after.push(listener),
    ping: async () => {
      try {
        await pool.query('select 1')
      } catch (error) {
        throw translateFault(error)
      }
    },
  }
}
