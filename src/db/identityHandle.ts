import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import { translateFault } from './faults.ts'
import type { Pool, PoolClient } from './pool.ts'
import { inSession, type Session, type SessionClient } from './session.ts'

const session: Session = { role: 'parley_identity', tenantId: '', userId: '' }

/**
 * A drizzle handle for a library that brings its own queries (the accounts). Each of its statements runs in a transaction of its
 * own as parley_identity, and so do its transactions: there is no way to query past the role (S1).
 */
export function createIdentityHandle(pool: Pool): NodePgDatabase {
  const asIdentity = async <Result>(work: (client: SessionClient) => Promise<Result>): Promise<Result> => {
    try {
      return await inSession(pool, session, work)
    } catch (error) {
      throw translateFault(error)
    }
  }
  const statementByStatement = {
    query: (statement: string, values: unknown[]) => asIdentity(client => client.query(statement, values)),
  }
  const transaction = <Result>(work: (handle: NodePgDatabase) => Promise<Result>) =>
    asIdentity(client => work(drizzle(client as PoolClient)))
  return Object.assign(drizzle(statementByStatement as unknown as Pool), { transaction })
}
