import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { pg_trgm } from '@electric-sql/pglite/contrib/pg_trgm'
import { vector } from '@electric-sql/pglite-pgvector'
import { DurableFolder } from './durableFolder.ts'
import { DATABASE, USER } from './identity.ts'
import { cString, errorIn, query, statusOf, type TransactionStatus } from './wire.ts'

// PGlite's own list turns fsync off (-F) and lets anybody change system tables (-O); the rest is kept.
const START_PARAMETERS = [
  '--single',
  '-j',
  ...[
    'fsync=on',
    'wal_sync_method=fsync', // the only one that reaches the disk, see DurableFolder
    'exit_on_error=false',
    'max_worker_processes=0',
    'max_parallel_workers=0',
    'max_parallel_workers_per_gather=0',
    'max_parallel_maintenance_workers=0',
    'io_method=sync',
  ].flatMap(setting => ['-c', setting]),
]

// Thrown by the engine for an ordinary SQL error: its longjmp back into the main loop.
const SQL_ERROR_STATUS = 100

export interface Reply {
  readonly bytes: Buffer
  /** Undefined while the client has yet to send its Sync. */
  readonly status: TransactionStatus | undefined
}

/** The database itself: one session, driven with messages of the PostgreSQL protocol. */
export class Engine {
  /** What a client is told when it connects: accepted, parameters, ready. The same for everybody. */
  readonly greeting: Buffer
  readonly #db: PGlite

  private constructor(db: PGlite, greeting: Buffer) {
    this.#db = db
    this.greeting = greeting
  }

  /**
   * `onFault` must not return: after a trap or a panic the memory of the engine cannot be trusted, and PGlite
   * would swallow the error and go on with it.
   */
  static async open(folder: string, onFault: (error: unknown) => never): Promise<Engine> {
    const data = join(folder, 'data')
    const complaints: string[] = []
    const begun = beginNew(folder, data)
    let db: PGlite
    try {
      db = await PGlite.create({
        fs: new DurableFolder(data),
        extensions: { vector, pg_trgm },
        startParams: START_PARAMETERS,
        onStderr: line => {
          if (/FATAL|PANIC|ERROR/.test(line)) complaints.push(line)
          return false
        },
      })
    } catch (error) {
      const why = complaints.at(-1) ?? (error instanceof Error ? error.message : String(error))
      throw new Error(`The database in ${data} cannot be opened: ${why}`, { cause: error })
    }
    if (begun !== undefined) begun.finish()
    stopOnFault(db, onFault)
    return new Engine(db, await exchange(db, startupMessage()))
  }

  /** Executes whole messages, one after the other, and returns everything the database answers. */
  async run(messages: Uint8Array): Promise<Reply> {
    const bytes = await exchange(this.#db, messages)
    return { bytes, status: statusOf(bytes) }
  }

  /** For our own statements; theirs go through `run`. */
  async execute(sql: string): Promise<Buffer> {
    const { bytes } = await this.run(query(sql))
    const error = errorIn(bytes)
    if (error !== undefined) throw new Error(`${error} (in: ${sql})`)
    return bytes
  }

  /** Writes the closing checkpoint, so that the next start has nothing to replay. */
  close(): Promise<void> {
    return this.#db.close()
  }
}

async function exchange(db: PGlite, messages: Uint8Array): Promise<Buffer> {
  const parts: Buffer[] = []
  // The bytes are a view into the engine's memory and gone when the callback returns: hence the copy.
  const onRawData = (bytes: Uint8Array) => void parts.push(Buffer.from(bytes))
  await db.execProtocolRawStream(messages, { syncToFs: false, onRawData })
  const [first] = parts
  return parts.length === 1 && first !== undefined ? first : Buffer.concat(parts)
}

function startupMessage(): Buffer {
  const body = Buffer.concat([...['user', USER, 'database', DATABASE].map(cString), Buffer.alloc(1)])
  const header = Buffer.alloc(8)
  header.writeInt32BE(8 + body.length, 0)
  header.writeInt32BE(0x00030000, 4)
  return Buffer.concat([header, body])
}

function stopOnFault(db: PGlite, onFault: (error: unknown) => never): void {
  const module = db.Module
  const once = module._PostgresMainLoopOnce
  module._PostgresMainLoopOnce = () => {
    try {
      once()
    } catch (error) {
      const ordinary = error instanceof Object && 'status' in error && error.status === SQL_ERROR_STATUS
      if (!ordinary) onFault(error)
      throw error
    }
  }
}

/**
 * A new data folder is written file by file, so being killed in between leaves half of one that looks
 * whole. A marker says that the writing has begun; it goes once everything is on disk. A folder found with its marker
 * has never served anybody and is begun anew.
 */
function beginNew(folder: string, data: string): { finish(): void } | undefined {
  const marker = join(folder, 'initialising')
  if (existsSync(marker)) rmSync(data, { recursive: true, force: true })
  else if (existsSync(join(data, 'PG_VERSION'))) return undefined
  writeFileSync(marker, 'The data folder beside this file is incomplete.\n')
  syncPath(marker)
  syncPath(folder)
  mkdirSync(data, { recursive: true, mode: 0o700 })
  return {
    finish() {
      syncTree(data)
      rmSync(marker)
      syncPath(folder)
    },
  }
}

function syncTree(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) syncTree(path)
    else if (entry.isFile()) syncPath(path)
  }
  syncPath(folder)
}

function syncPath(path: string): void {
  // Windows cannot open a folder as a file, and keeps its entries on its own.
  if (process.platform === 'win32') return
  const descriptor = openSync(path, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
