import type { Engine } from './engine.ts'
import type { EmbeddedLog } from './messages.ts'
import type { Turns } from './turns.ts'
import { rowsIn } from './wire.ts'

const EVERY_MS = 30_000
// Bounds both the size of the log on disk and the time a restart after a crash needs to replay it.
const LOG_LIMIT_BYTES = 32 * 1024 * 1024
const CHECKPOINT_AT_LEAST_MS = 300_000

const LOG_SINCE_CHECKPOINT = `select pg_wal_lsn_diff(pg_current_wal_lsn(), redo_lsn)::bigint from pg_control_checkpoint()`

// The conditions of Postgres's own autovacuum, with its default settings.
const NEEDY_TABLES = `
  select format('%I.%I', s.schemaname, s.relname),
         n_dead_tup > 50 + 0.2 * greatest(reltuples, 0) or n_ins_since_vacuum > 1000 + 0.2 * greatest(reltuples, 0)
  from pg_stat_user_tables s join pg_class c on c.oid = s.relid
  where n_dead_tup > 50 + 0.2 * greatest(reltuples, 0)
     or n_ins_since_vacuum > 1000 + 0.2 * greatest(reltuples, 0)
     or n_mod_since_analyze > 50 + 0.1 * greatest(reltuples, 0)`

/**
 * Does what the background processes of a real server do. The engine is a single process: no checkpointer, so that
 * the log would grow without end, and no autovacuum, so that tables would bloat and the planner
 * would know nothing about them. Each statement takes a turn of its own, between the transactions of others.
 */
export class Housekeeping {
  #timer: NodeJS.Timeout | undefined
  #lastCheckpoint = Date.now()
  readonly #engine: Engine
  readonly #turns: Turns
  readonly #log: EmbeddedLog

  constructor(engine: Engine, turns: Turns, log: EmbeddedLog) {
    this.#engine = engine
    this.#turns = turns
    this.#log = log
  }

  start(everyMs = EVERY_MS): void {
    const round = async () => {
      try {
        await this.round()
      } catch (error) {
        // Nothing is lost by a round that failed; the next one does its work.
        const reason = error instanceof Error ? error.message : String(error)
        this.#log.warn({ reason }, 'housekeeping of the embedded database failed')
      }
      this.#timer = setTimeout(() => void round(), everyMs)
    }
    this.#timer = setTimeout(() => void round(), everyMs)
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  async round(): Promise<void> {
    // Counters of this session become visible only when flushed, which otherwise nothing here triggers.
    await this.#alone('select pg_stat_force_next_flush()')
    for (const [table, vacuum] of rowsIn(await this.#alone(NEEDY_TABLES))) {
      await this.#alone(vacuum === 't' ? `vacuum (analyze) ${table}` : `analyze ${table}`)
    }
    const [row] = rowsIn(await this.#alone(LOG_SINCE_CHECKPOINT))
    const bytes = Number(row?.[0] ?? 0)
    const overdue = Date.now() - this.#lastCheckpoint > CHECKPOINT_AT_LEAST_MS
    // A checkpoint writes a little log itself; without the lower bound an idle database would write for ever.
    if (bytes < (overdue ? 100_000 : LOG_LIMIT_BYTES)) return
    await this.#alone('checkpoint')
    this.#lastCheckpoint = Date.now()
  }

  #alone(sql: string): Promise<Buffer> {
    return this.#turns.alone(() => this.#engine.execute(sql))
  }
}
