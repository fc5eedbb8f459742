import { mkdtempSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { type EmbeddedDatabase, type EmbeddedOptions, startEmbedded } from '../../src/db/embedded/index.ts'

/** Collects what was logged, so that a test can ask for it. */
export function collectingLog() {
  const lines: string[] = []
  const note = (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`)
  return { lines, info: note, warn: note, error: note }
}

export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'parley-embedded-'))
}

export interface Running extends AsyncDisposable {
  readonly database: EmbeddedDatabase
  readonly pool: pg.Pool
  readonly lines: string[]
  connect(options?: pg.ClientConfig): Promise<pg.Client>
}

/** A database process with a pool of six in front, as the program uses it. Stopped, not deleted, at the end. */
export async function running(folder: string, options: Partial<EmbeddedOptions> = {}): Promise<Running> {
  const log = collectingLog()
  const database = await startEmbedded({ folder, log, ...options })
  const pool = new pg.Pool({ ...database.connection, max: 6 })
  // A restart breaks idle connections; the pool replaces them.
  pool.on('error', error => log.info({ error: error.message }, 'pool'))
  const clients: pg.Client[] = []
  return {
    database,
    pool,
    lines: log.lines,
    async connect(extra = {}) {
      const client = new pg.Client({ ...database.connection, ...extra })
      client.on('error', error => log.info({ error: error.message }, 'client'))
      clients.push(client)
      await client.connect()
      return client
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(clients.map(client => client.end().catch(() => undefined)))
      await pool.end()
      await database.stop()
    },
  }
}

export async function remove(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true })
}

/** Asks until the answer is yes. */
export async function eventually(what: string, check: () => Promise<boolean> | boolean, withinMs = 10_000) {
  const until = Date.now() + withinMs
  for (;;) {
    if (await check()) return
    if (Date.now() > until) throw new Error(`not within ${withinMs} ms: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

/** Whether the process still runs. One that has ended but was not collected by its parent does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    const status = process.platform === 'linux' ? readFileSync(`/proc/${pid}/status`, 'utf8') : ''
    return !/^State:\s+Z/m.test(status)
  } catch {
    return false
  }
}
