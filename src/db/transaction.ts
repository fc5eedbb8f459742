import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import type { DomainEvent } from '../kernel/index.ts'
import type { Job } from './jobs.ts'
import type { PoolClient } from './pool.ts'
import type { Conclude, SessionClient } from './session.ts'

/** Drizzle without its own transactions: they would begin and commit on top of ours, and what follows would run outside of any scope (S1). */
export type QueryBuilder = Omit<NodePgDatabase, 'transaction'>

/**
 * One open transaction of one scope. It spans no call to the outside: an open transaction holds a connection, and on the
 * embedded database everybody waits for it. What must reach the outside is enqueued as a job.
 */
export interface Transaction {
  readonly sql: QueryBuilder
  /**
   * For the few statements that run all the time: each connection parses and plans them once. Values arrive as the driver reads
   * them, columns under the names that the statement gives.
   */
  prepared<Row>(statement: PreparedStatement, values: readonly unknown[]): Promise<Row[]>
  /** The same as the last statement, sent together with the commit: nothing can follow but what is emitted to be told after it. */
  conclude<Row>(statement: PreparedStatement, values: readonly unknown[]): Promise<Row[]>
  /** Tells the rooms above, inside this transaction and after it (see DomainEvents). */
  emit(event: DomainEvent): Promise<void>
  /** Adds a job that exists if and only if this transaction commits. */
  enqueue<Payload>(job: Job<Payload>, payload: Payload): Promise<void>
}

/** The name stands for the text on every connection: another text needs another name. */
export interface PreparedStatement {
  readonly name: string
  readonly text: string
}

export const preparedBy =
  (client: SessionClient): Transaction['prepared'] =>
  async <Row>(statement: PreparedStatement, values: readonly unknown[]) => {
    const { rows } = await client.query({ ...statement }, [...values])
    return rows as Row[]
  }

export const concludedBy =
  (conclude: Conclude): Transaction['conclude'] =>
  async <Row>(statement: PreparedStatement, values: readonly unknown[]) => {
    const { rows } = await conclude({ ...statement }, [...values])
    return rows as Row[]
  }

const refuse = (): never => {
  throw new Error('a scoped transaction cannot begin another one')
}

export const queryBuilder = (client: SessionClient): QueryBuilder =>
  // Of a client, drizzle uses `query` alone.
  Object.assign(drizzle(client as PoolClient), { transaction: refuse })
