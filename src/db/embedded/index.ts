import { type ChildProcess, fork } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { FolderInUse } from './folderLock.ts'
import { DATABASE, USER } from './identity.ts'
import type { EmbeddedLog, FromServer, Place, ServerSettings, ToServer } from './messages.ts'

export { FolderInUse, type FolderLock, lockFolder } from './folderLock.ts'
export type { EmbeddedLog } from './messages.ts'

export interface EmbeddedOptions {
  readonly folder: string
  readonly log: EmbeddedLog
  /** A transaction whose owner is silent for this long is rolled back, and its connection closed. */
  readonly idleTransactionMs?: number
}

export interface EmbeddedDatabase {
  /** For `pg`: host is the folder of the socket. Stays the same when the process is restarted. */
  readonly connection: { host: string; port: number; user: string; database: string }
  /** Of the database process; undefined while it is being restarted. */
  readonly pid: number | undefined
  stop(): Promise<void>
}

const IDLE_TRANSACTION_MS = 30_000
const STOP_GRACE_MS = 20_000
const FIRST_BACKOFF_MS = 50
const LONGEST_BACKOFF_MS = 5_000
// A process that served this long was well; its death starts the back-off anew.
const HEALTHY_MS = 30_000

// Room for Postgres to notice by itself that a query nests too deeply (its limit is 2 MB of its own stack, which takes
// more of the real one). With Node's default the engine would die instead. Windows reserves too little.
const STACK = process.platform === 'win32' ? [] : ['--stack-size=6000']

/**
 * Starts the embedded database in a process of its own and resolves when it accepts connections.
 *
 * Should the process die it is started again in the same place, with everything that was
 * acknowledged; connections break, as with a real server that restarts, and the pool opens new ones.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedDatabase> {
  const keeper = new Keeper(options)
  await keeper.start()
  return keeper
}

class Keeper implements EmbeddedDatabase {
  #child: ChildProcess | undefined
  #place: Place | undefined
  #stopping = false
  #backoffMs = FIRST_BACKOFF_MS
  #retry: NodeJS.Timeout | undefined
  readonly #folder: string
  readonly #log: EmbeddedLog
  readonly #idleTransactionMs: number

  constructor(options: EmbeddedOptions) {
    this.#folder = resolve(options.folder)
    this.#log = options.log
    this.#idleTransactionMs = options.idleTransactionMs ?? IDLE_TRANSACTION_MS
  }

  get connection() {
    if (this.#place === undefined) throw new Error('the embedded database has not been started')
    return { ...this.#place, user: USER, database: DATABASE }
  }

  get pid() {
    return this.#child?.pid
  }

  async start(): Promise<void> {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
    await this.#launch()
  }

  async stop(): Promise<void> {
    this.#stopping = true
    clearTimeout(this.#retry)
    const child = this.#child
    if (child === undefined) return
    const gone = new Promise<void>(done => child.once('close', () => done()))
    const grace = setTimeout(() => {
      this.#log.error({ pid: child.pid }, 'the embedded database did not stop in time and is killed')
      child.kill('SIGKILL')
    }, STOP_GRACE_MS)
    // A failure to send means that the process is on its way out already.
    child.send({ kind: 'stop' } satisfies ToServer, () => undefined)
    await gone
    clearTimeout(grace)
  }

  /** Resolves when the process serves, rejects when it ends before. */
  #launch(): Promise<void> {
    const settings: ServerSettings = {
      folder: this.#folder,
      idleTransactionMs: this.#idleTransactionMs,
      port: this.#place?.port,
    }
    const child = fork(fileURLToPath(new URL('./server.ts', import.meta.url)), [JSON.stringify(settings)], {
      execArgv: ['--disable-warning=ExperimentalWarning', ...STACK],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    this.#child = child
    let lastWords = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      lastWords = (lastWords + chunk.toString('utf8')).slice(-4000)
    })
    return new Promise((started, refused) => {
      let servingSince: number | undefined
      let reason: Error | undefined
      child.on('message', (message: FromServer) => {
        if (message.kind === 'log') this.#log[message.level](message.fields, message.message)
        else if (message.kind === 'refused') reason = reasonFor(message)
        else if (message.kind === 'ready') {
          servingSince = Date.now()
          this.#place = { host: message.host, port: message.port }
          started()
        }
      })
      child.once('error', refused)
      // 'close' rather than 'exit': by then everything it said has been read.
      child.once('close', (code, signal) => {
        this.#child = undefined
        const how = { code, signal, stderr: lastWords.trim() }
        if (servingSince === undefined) {
          refused(reason ?? new Error(`The embedded database ended at its start: ${JSON.stringify(how)}`))
        } else if (!this.#stopping) {
          if (Date.now() - servingSince > HEALTHY_MS) this.#backoffMs = FIRST_BACKOFF_MS
          this.#log.warn(how, 'the embedded database ended unexpectedly and is started again')
          this.#relaunchLater()
        }
      })
    })
  }

  #relaunchLater(): void {
    this.#retry = setTimeout(() => {
      this.#launch().catch((error: unknown) => {
        if (this.#stopping) return
        const reason = error instanceof Error ? error.message : String(error)
        this.#log.error({ reason }, 'the embedded database could not be started again; trying once more')
        this.#relaunchLater()
      })
    }, this.#backoffMs)
    this.#backoffMs = Math.min(this.#backoffMs * 2, LONGEST_BACKOFF_MS)
  }
}

function reasonFor(refusal: Extract<FromServer, { kind: 'refused' }>): Error {
  const { inUse, message } = refusal
  return inUse === undefined ? new Error(message) : new FolderInUse(inUse.folder, inUse.owner)
}
