import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

export interface FolderOwner {
  readonly pid: number
  readonly parent: number
}

/** Someone else holds the lock. `owner` is what they wrote down about themselves, where it could be read. */
export class FolderInUse extends Error {
  override readonly name = 'FolderInUse'
  readonly folder: string
  readonly owner: FolderOwner | undefined

  constructor(folder: string, owner: FolderOwner | undefined) {
    const who = owner === undefined ? 'another process' : `process ${owner.pid}`
    super(`The folder ${folder} is in use by ${who}. Stop it, or set PARLEY_DATA to another folder.`)
    this.folder = folder
    this.owner = owner
  }
}

export interface FolderLock {
  release(): void
}

// A lock lives exactly as long as its database handle. Held here because a caller may drop the
// returned object, and a collected handle would silently free the lock.
const held = new Set<DatabaseSync>()

/**
 * Takes the folder for this process, or throws `FolderInUse`.
 *
 * The lock is a kernel lock (SQLite's, on a file of its own), so that a killed process leaves nothing
 * behind, unlike a pid file, which outlives its writer and lies once the pid is given to somebody else.
 */
export function lockFolder(folder: string, name: string): FolderLock {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const ownerFile = join(folder, `${name}.pid`)
  const handle = open(join(folder, `${name}.lock`))
  try {
    handle.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (error) {
    handle.close()
    if (isBusy(error)) throw new FolderInUse(folder, readOwner(ownerFile))
    throw error
  }
  held.add(handle)
  // For people and for messages only; who owns the folder is decided by the lock alone.
  writeFileSync(ownerFile, `${JSON.stringify({ pid: process.pid, parent: process.ppid })}\n`)
  return {
    release() {
      if (!held.delete(handle)) return
      // The note goes before the lock: afterwards it may already be the next owner's.
      rmSync(ownerFile, { force: true })
      handle.close()
    },
  }
}

function open(file: string): DatabaseSync {
  try {
    return new DatabaseSync(file, { timeout: 0 })
  } catch (error) {
    // SQLite's own message names neither the file nor the reason.
    throw new Error(`The folder of ${file} must be writable`, { cause: error })
  }
}

/** SQLITE_BUSY and SQLITE_LOCKED with their extended codes; anything else is a fault of the disk or of rights. */
function isBusy(error: unknown): boolean {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return false
  const primary = error.errcode & 0xff
  return primary === 5 || primary === 6
}

function readOwner(file: string): FolderOwner | undefined {
  try {
    const noted: unknown = JSON.parse(readFileSync(file, 'utf8'))
    if (typeof noted !== 'object' || noted === null) return undefined
    if (!('pid' in noted) || typeof noted.pid !== 'number') return undefined
    if (!('parent' in noted) || typeof noted.parent !== 'number') return undefined
    return { pid: noted.pid, parent: noted.parent }
  } catch {
    // Missing or half-written: the owner is just starting or leaving. The lock has spoken already.
    return undefined
  }
}

const POLL_MS = 50
// Long enough for a predecessor that lost its parent to roll back, write its checkpoint and leave.
const LEAVING_MS = 10_000
// Long enough for a new owner to have written its note, so that the message names the right process.
const SETTLED_MS = 1_000

/**
 * Like `lockFolder`, but gives an owner that is about to leave the time to do so. An owner whose own
 * parent is alive is not leaving: it is refused soon, so that a second start by mistake answers quickly.
 */
export async function waitForFolder(folder: string, name: string): Promise<FolderLock> {
  const began = Date.now()
  for (;;) {
    try {
      return lockFolder(folder, name)
    } catch (error) {
      if (!(error instanceof FolderInUse)) throw error
      const settled = error.owner !== undefined && isAlive(error.owner.parent)
      if (Date.now() - began > (settled ? SETTLED_MS : LEAVING_MS)) throw error
    }
    await new Promise(resolve => setTimeout(resolve, POLL_MS))
  }
}

function isAlive(pid: number): boolean {
  // An orphan's parent is process 1, which always lives and has no use for a database.
  if (pid <= 1) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
