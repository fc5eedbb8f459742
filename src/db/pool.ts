import { Pool, type PoolClient, type PoolConfig } from 'pg'
import type { Log } from '../kernel/index.ts'

export interface PoolSettings {
  readonly connection:
    | { readonly url: string }
    | { readonly host: string; readonly port: number; readonly user: string; readonly database: string }
  readonly max: number
  /** A statement that runs longer is cancelled by the server; 0 for no limit (migrations). */
  readonly statementTimeoutMs: number
}

/**
 * No transaction waits for anything outside the database. One that is silent for so long belongs to a process that is frozen, and what it
 * has locked others need.
 */
const frozenAfterMs = 5_000

/**
 * The pool of connections. They run in pipeline mode: statements are sent without waiting for the answers to earlier ones, which
 * makes opening a scoped transaction cost no round trip of its own.
 */
export function createPool(settings: PoolSettings, log: Log): Pool {
  const { connection } = settings
  const config: PoolConfig & { pipeline: boolean } = {
    ...('url' in connection ? { connectionString: connection.url } : connection),
    max: settings.max,
    pipeline: true,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    statement_timeout: settings.statementTimeoutMs,
    idle_in_transaction_session_timeout: Math.min(settings.statementTimeoutMs, frozenAfterMs),
    // A network that swallows packets sends no error; give up a little after the server would have. This bounds how long a
    // request hangs on a connection that leads nowhere, which is then closed.
    query_timeout: settings.statementTimeoutMs === 0 ? 0 : settings.statementTimeoutMs + 2_000,
    application_name: 'parley',
  }
  const pool = new Pool(config)
  // An idle connection that breaks is replaced at its next use; without a listener Node would end the process. Only the reason is
  // logged: the error carries the connection, password and all.
  pool.on('error', error => log.warn({ reason: error.message }, 'idle database connection lost'))
  // A connection that breaks in use fails its queries, which is how its user learns of it; the event itself must not end the process.
  pool.on('connect', client => {
    client.on('error', error => log.warn({ reason: error.message }, 'database connection lost'))
  })
  return pool
}

export type { Pool, PoolClient }
