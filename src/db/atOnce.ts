import type { Connection, QueryResult } from 'pg'
import type { Pool } from './pool.ts'
import {
  begin,
  connect,
  DriverQuery,
  enterScope,
  prepared,
  type Session,
  settingsOf,
  undo,
} from './session.ts'
import type { PreparedStatement } from './transaction.ts'

/** A statement of a transaction that is known as a whole before it begins, and the rows that it gives. */
export interface Ask<Row> {
  /** Without a name it is planned each time, for the values that it has. */
  readonly statement: PreparedStatement
  /** As the driver reads them. */
  readonly values: readonly (string | number | null)[]
  /** Says which rows come, and is never there. */
  readonly rows?: readonly Row[]
}

export type Answers<Asks extends readonly Ask<unknown>[]> = {
  [At in keyof Asks]: Asks[At] extends Ask<infer Row> ? Row[] : never
}

/**
 * A whole transaction of one session (S1) in one message: begin, enter the scope, all that is asked, commit, and one Sync behind them. Each
 * statement sees what those before it have done, and what others had committed when it began. Where the server refuses one it skips
 * all up to Sync: so nothing runs outside the scope, and nothing is committed.
 */
export async function inOneMessage<const Asks extends readonly Ask<unknown>[]>(
  pool: Pool,
  session: Session,
  asks: Asks,
): Promise<Answers<Asks>> {
  const client = await connect(pool)
  const message = new WholeTransaction(session, asks)
  try {
    client.query(message)
    const results = await message.results
    prepared.add(client)
    client.release()
    return results.map(({ rows }) => rows) as Answers<Asks>
  } catch (error) {
    // How many of the new statements it has kept the server does not say, and it takes none of them a second time.
    if (message.taught) client.release(true)
    else await undo(client, error)
    throw error
  }
}

/** Where pg keeps what the server of a connection knows by name; its types leave it out. */
interface Knowing extends Connection {
  readonly parsedStatements: Record<string, string | undefined>
}

const commit: PreparedStatement = { name: 'parley_commit', text: 'commit' }

class WholeTransaction extends DriverQuery {
  readonly results: Promise<QueryResult[]>
  /** It names statements to the server that it did not know. */
  taught = false
  readonly #sent: readonly Ask<unknown>[]
  readonly #teaches = new Map<string, string>()
  #at = 0

  constructor(session: Session, asks: readonly Ask<unknown>[]) {
    const { promise, resolve, reject } = Promise.withResolvers<QueryResult[]>()
    // pg gives the results of several statements as a list, and that of a single one as it is.
    super('', [], (error, results: QueryResult | QueryResult[]) => {
      if (error === null) resolve(Array.isArray(results) ? results : [results])
      else reject(error)
    })
    this.results = promise
    const opening = [
      { statement: begin, values: [] },
      { statement: enterScope, values: settingsOf(session) },
    ]
    this.#sent = [...opening, ...asks, { statement: commit, values: [] }]
  }

  override submit(connection: Connection): Error | null {
    const { parsedStatements } = connection as Knowing
    for (const { statement } of this.#sent) {
      const { name, text } = statement
      if (name === '') continue
      const known = parsedStatements[name] ?? this.#teaches.get(name)
      if (known === undefined) this.#teaches.set(name, text)
      else if (known !== text) return new Error(`two statements are named ${name}`)
    }
    this.taught = this.#teaches.size > 0
    connection.stream.cork()
    try {
      for (const [name, text] of this.#teaches) connection.parse({ name, text, types: [] }, true)
      for (const [at, { statement, values }] of this.#sent.entries()) {
        const { name, text } = statement
        if (name === '') connection.parse({ name, text, types: [] }, true)
        const texts = values.map(value => (value === null ? null : String(value)))
        connection.bind({ statement: name, values: texts }, true)
        if (this.#isAsked(at)) connection.describe({ type: 'P', name: '' }, true)
        connection.execute({}, true)
      }
      connection.sync()
      return null
    } finally {
      connection.stream.uncork()
    }
  }

  override handleDataRow(row: unknown): void {
    if (this.#isAsked(this.#at)) super.handleDataRow(row)
  }

  override handleCommandComplete(command: unknown, connection: Connection): void {
    if (this.#isAsked(this.#at)) super.handleCommandComplete(command, connection)
    this.#at++
    if (this.#at < this.#sent.length) return
    const { parsedStatements } = connection as Knowing
    for (const [name, text] of this.#teaches) parsedStatements[name] = text
  }

  /** Neither the opening nor the commit. */
  #isAsked(at: number): boolean {
    return at >= 2 && at < this.#sent.length - 1
  }
}
