import { AsyncLocalStorage } from 'node:async_hooks'
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import type { Origin } from '../kernel/index.ts'
import { translateFault } from './faults.ts'
import type { Pool, PoolClient } from './pool.ts'
import { inSession, originSetting, type SessionClient } from './session.ts'

export interface IdentityHandle {
  readonly sql: NodePgDatabase
  /** What `work` changes is recorded as coming from this request to this endpoint. */
  during<Result>(origin: Origin, endpoint: string, work: () => Promise<Result>): Promise<Result>
}

/**
 * A drizzle handle for a library that brings its own queries (the accounts). Each of its statements runs in a transaction of its
 * own as parley_identity, and so do its transactions: there is no way to query past the role (S1).
 */
export function createIdentityHandle(pool: Pool): IdentityHandle {
  // The library hands nothing of a request on to its queries, so the request travels beside it.
  const request = new AsyncLocalStorage<string>()
  const asIdentity = async <Result>(work: (client: SessionClient) => Promise<Result>): Promise<Result> => {
    const origin = request.getStore() ?? ''
    try {
      return await inSession(pool, { role: 'parley_identity', tenantId: '', userId: '', origin }, work)
    } catch (error) {
      throw translateFault(error)
    }
  }
  const statementByStatement = {
    query: (statement: string, values: unknown[]) => asIdentity(client => client.query(statement, values)),
  }
  const transaction = <Result>(work: (handle: NodePgDatabase) => Promise<Result>) =>
    asIdentity(client => work(drizzle(client as PoolClient)))
  return {
    sql: Object.assign(drizzle(statementByStatement as unknown as Pool), { transaction }),
    during: (origin, endpoint, work) => request.run(originSetting(origin, endpoint), work),
  }
}
