/**
 * The database process: forked by `startEmbedded`, never run by hand. It holds the folder's lock for its life,
 * so a process that was killed frees the folder, and one that still writes keeps it.
 */
import { writeSync } from 'node:fs'
import { createServer } from 'node:net'
import { Engine } from './engine.ts'
import { FolderInUse, waitForFolder } from './folderLock.ts'
import { Housekeeping } from './housekeeping.ts'
import { listen } from './listening.ts'
import type { EmbeddedLog, FromServer, ServerSettings, ToServer } from './messages.ts'
import { Session } from './session.ts'
import { Turns } from './turns.ts'

const FAULT_EXIT = 70
// With SIGTERM for the whole group (systemd does that) the parent still needs the database to drain.
const TERM_PATIENCE_MS = 20_000
const FAREWELL_MS = 200

const log: EmbeddedLog = {
  info: (fields, message) => tell({ kind: 'log', level: 'info', fields, message }),
  warn: (fields, message) => tell({ kind: 'log', level: 'warn', fields, message }),
  error: (fields, message) => tell({ kind: 'log', level: 'error', fields, message }),
}

function tell(message: FromServer): void {
  // The parent may be gone between the check and the sending; then there is nobody to tell, and
  // 'disconnect' ends this process.
  if (process.connected) process.send?.(message, undefined, {}, () => undefined)
}

/** Straight out: written synchronously, because nothing asynchronous would come to pass any more. */
function fault(error: unknown): never {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  writeSync(2, `the database engine failed: ${text}\n`)
  process.exit(FAULT_EXIT)
}

async function allEnded(sessions: Iterable<Session>): Promise<void> {
  await Promise.all([...sessions].map(session => session.ended))
}

async function serve(settings: ServerSettings): Promise<void> {
  const lock = await waitForFolder(settings.folder, 'database')
  const engine = await Engine.open(settings.folder, fault)
  const turns = new Turns(settings.idleTransactionMs, fault)
  const sessions = new Set<Session>()
  let connections = 0
  const server = createServer(socket => {
    connections += 1
    const session = new Session(connections, socket, { engine, turns, log })
    sessions.add(session)
    void session.ended.then(() => sessions.delete(session))
  })
  const housekeeping = new Housekeeping(engine, turns, log)
  housekeeping.start()
  const place = await listen(server, settings.folder, settings.port)

  let stopping = false
  const stop = async () => {
    if (stopping) return
    stopping = true
    housekeeping.stop()
    server.close()
    // A pool that has just been ended has its farewells still on the way.
    await Promise.race([allEnded(sessions), new Promise(resolve => setTimeout(resolve, FAREWELL_MS))])
    const leaving = [...sessions]
    for (const session of leaving) session.close('57P01', 'terminating connection: the database is stopping')
    await allEnded(leaving)
    await turns.alone(() => engine.close())
    lock.release()
    process.exit(0)
  }
  const stopOrFail = () => void stop().catch(fault)
  process.on('message', (message: ToServer) => {
    if (message.kind === 'stop') stopOrFail()
  })
  // The parent is gone, however it ended: nobody can reach this process any more.
  process.on('disconnect', stopOrFail)
  process.on('SIGTERM', () => {
    setTimeout(stopOrFail, sessions.size === 0 ? 0 : TERM_PATIENCE_MS)
  })
  if (!process.connected) stopOrFail()
  tell({ kind: 'ready', ...place })
}

// Ctrl-C and a closed terminal reach the whole process group. The parent decides when the database stops.
process.on('SIGINT', () => undefined)
process.on('SIGHUP', () => undefined)
process.on('uncaughtException', fault)

function refuse(error: unknown): void {
  const inUse = error instanceof FolderInUse ? { inUse: { folder: error.folder, owner: error.owner } } : {}
  const message = error instanceof Error ? error.message : String(error)
  if (!process.connected) process.exit(1)
  process.send?.({ kind: 'refused', message, ...inUse } satisfies FromServer, undefined, {}, () =>
    process.exit(1),
  )
}

serve(JSON.parse(process.argv[2] ?? '{}') as ServerSettings).catch(refuse)
