import { type Connection, Query, type QueryConfig, type QueryResult, type Submittable } from 'pg'
import { type Origin, ParleyError } from '../kernel/index.ts'
import { translateFault } from './faults.ts'
import type { Pool, PoolClient } from './pool.ts'

/** The roles of drizzle/protect.sql. Each owns nothing and can pass no policy by. */
export type ServingRole = 'parley_app' | 'parley_identity' | 'parley_platform'

export interface Session {
  readonly role: ServingRole
  readonly tenantId: string
  readonly userId: string
  /** Where the request came from, for the triggers that keep the trail of accounts; empty outside of one. */
  readonly origin?: string
}

/** As the functions of the trail read it (drizzle, request_origin). */
export const originSetting = (origin: Origin | undefined, endpoint?: string): string =>
  origin ? JSON.stringify({ ipAddress: origin.ipAddress, userAgent: origin.userAgent, endpoint }) : ''

// Named, so that the server parses them once per connection. `true` makes the settings end with the transaction (S1).
export const begin = { name: 'parley_begin', text: 'begin' }
export const enterScope = {
  name: 'parley_enter_scope',
  text: `select set_config('role', $1, true), set_config('app.tenant_id', $2, true),
    set_config('app.user_id', $3, true), set_config('app.origin', $4, true)`,
}

/** All that a transaction may use of its connection. */
export type SessionClient = Pick<PoolClient, 'query'>

/** The last statement of a transaction, and its commit behind it without waiting: where the statement fails, that commits nothing. */
export type Conclude = (statement: QueryConfig, values: unknown[]) => Promise<QueryResult>

/**
 * Runs `work` in one transaction of one session (S1): commits when it returns, undoes all when it throws. The only way to a serving
 * role, for the database and for libraries with queries of their own.
 */
export async function inSession<Result>(
  pool: Pool,
  session: Session,
  work: (client: SessionClient, conclude: Conclude) => Promise<Result>,
): Promise<Result> {
  const client = await connect(pool)
  const guard = guarded(client, session)
  try {
    const result = await work(guard.client, guard.conclude)
    const opened = guard.close()
    if (opened !== undefined) {
      await opened
      await (guard.committed() ?? commit(client))
    }
    client.release()
    return result
  } catch (error) {
    if (guard.close() === undefined) client.release()
    else await undo(client, error)
    throw error
  }
}

async function commit(client: PoolClient): Promise<void> {
  const { command } = await client.query('commit')
  // The server answers COMMIT with ROLLBACK when an earlier statement failed and `work` swallowed the error.
  if (command !== 'COMMIT') throw new Error('the transaction was aborted by a failed statement')
}

interface Guard {
  readonly client: SessionClient
  readonly conclude: Conclude
  /** The commit that was sent with the last statement. */
  committed(): Promise<void> | undefined
  /** Lets no further query pass. The opening of the transaction, or undefined when nothing was asked of it. */
  close(): Promise<void> | undefined
}

/**
 * A connection that can do nothing but one transaction. The opening travels with the first query, as one message to
 * the server; other queries wait until the server has confirmed it, and none leaves after the end.
 */
function guarded(client: PoolClient, session: Session): Guard {
  let opened: Promise<void> | undefined
  let committed: Promise<void> | undefined
  let over = false

  async function query(statement: string | QueryConfig, values: unknown[] = []): Promise<QueryResult> {
    if (opened === undefined && !over && prepared.has(client)) {
      const first = new OpeningQuery(statement, values, session)
      opened = first.opened
      client.query(first)
      return first.result
    }
    if (!over) {
      opened ??= open(client, session)
      await opened
    }
    // Also after waiting: by now the connection may serve somebody else.
    if (over) throw new Error('a query was sent after the end of its transaction')
    return client.query(statement, values)
  }

  async function conclude(statement: QueryConfig, values: unknown[]): Promise<QueryResult> {
    opened ??= open(client, session)
    await opened
    if (over) throw new Error('a query was sent after the end of its transaction')
    over = true
    const last = new LastQuery(statement, values)
    client.query(last)
    // What could not even be sent has failed by now, and nothing tells the server that it should not commit the rest.
    if (!last.failed) committed = commit(client)
    // Whoever concludes the transaction looks at it, unless the statement has failed.
    committed?.catch(() => undefined)
    return last.result
  }

  const close = () => {
    over = true
    return opened
  }
  return { client: { query } as SessionClient, conclude, committed: () => committed, close }
}

/** The connections whose server side knows the two statements of the opening by name. */
export const prepared = new WeakSet<PoolClient>()

export const settingsOf = ({ role, tenantId, userId, origin = '' }: Session) => [
  role,
  tenantId,
  userId,
  origin,
]

function open(client: PoolClient, session: Session): Promise<void> {
  const opened = Promise.all([
    client.query(begin),
    client.query({ ...enterScope, values: settingsOf(session) }),
  ]).then(() => void prepared.add(client))
  // Whoever concludes the transaction looks at it.
  opened.catch(() => undefined)
  return opened
}

/** What pg's own query does and its types leave out; pg hands a server's answers to these methods. */
export interface DriverQuery extends Submittable {
  queryMode: string
  submit(connection: Connection): Error | null
  handleDataRow(row: unknown): void
  handleCommandComplete(command: unknown, connection: Connection): void
}
export const DriverQuery = Query as unknown as new (
  statement: string | QueryConfig,
  values: unknown[],
  done: (error: Error | null, result: never) => void,
) => DriverQuery

/**
 * The first query of a transaction, with the opening in front of it: begin, enter the scope, query, and only then the one Sync. If the
 * server refuses any of the three it skips all up to Sync, so the query cannot run outside its scope. Compared with three
 * queries sent at once this saves the server two answers and pg two queries, about a third of what a scope costs.
 */
class OpeningQuery extends DriverQuery {
  readonly opened: Promise<void>
  readonly result: Promise<QueryResult>
  readonly #settings: string[]
  readonly #confirm: () => void
  #toConfirm = 2

  constructor(statement: string | QueryConfig, values: unknown[], session: Session) {
    const opened = Promise.withResolvers<void>()
    const result = Promise.withResolvers<QueryResult>()
    super(statement, values, (error, rows) => {
      if (error === null) return result.resolve(rows)
      opened.reject(error)
      result.reject(error)
    })
    opened.promise.catch(() => undefined)
    this.opened = opened.promise
    this.result = result.promise
    this.#confirm = opened.resolve
    this.#settings = settingsOf(session)
    // The simple protocol has no room for an opening. It allows several statements in one text, which this therefore does not.
    this.queryMode = 'extended'
  }

  override submit(connection: Connection): Error | null {
    connection.stream.cork()
    try {
      connection.bind({ statement: begin.name, values: [] }, true)
      connection.execute({}, true)
      connection.bind({ statement: enterScope.name, values: this.#settings }, true)
      connection.execute({}, true)
      const fault = super.submit(connection)
      // An opening without its Sync has been sent; what would follow on this connection is anyone's guess.
      if (fault) connection.stream.destroy(fault)
      return fault
    } finally {
      connection.stream.uncork()
    }
  }

  override handleDataRow(row: unknown): void {
    if (this.#toConfirm === 0) super.handleDataRow(row)
  }

  override handleCommandComplete(command: unknown, connection: Connection): void {
    if (this.#toConfirm === 0) super.handleCommandComplete(command, connection)
    else if (--this.#toConfirm === 0) this.#confirm()
  }
}

/** Leaves in one message with what is sent behind it in the same moment. */
class LastQuery extends DriverQuery {
  readonly result: Promise<QueryResult>
  failed = false

  constructor(statement: QueryConfig, values: unknown[]) {
    const { promise, resolve, reject } = Promise.withResolvers<QueryResult>()
    super(statement, values, (error, rows) => {
      if (error === null) return resolve(rows)
      this.failed = true
      reject(error)
    })
    this.result = promise
  }

  override submit(connection: Connection): Error | null {
    connection.stream.cork()
    process.nextTick(() => connection.stream.uncork())
    const fault = super.submit(connection)
    if (fault) this.failed = true
    return fault
  }
}

/** A connection that cannot even roll back, or whose server has forgotten the named statements, is thrown away. */
export async function undo(client: PoolClient, reason: unknown): Promise<void> {
  try {
    await client.query('rollback')
    const forgotten = reason instanceof Error && 'code' in reason && reason.code === '26000'
    client.release(forgotten)
  } catch (error) {
    client.release(error instanceof Error ? error : true)
  }
}

export async function connect(pool: Pool): Promise<PoolClient> {
  try {
    return await pool.connect()
  } catch (error) {
    const translated = translateFault(error)
    throw translated instanceof ParleyError
      ? translated
      : new ParleyError('unavailable', 'The database cannot be reached.', { cause: error, retryAfter: 2 })
  }
}
