import { randomBytes, randomUUID } from 'node:crypto'
import { access, constants, link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Secret } from './kernel/index.ts'

/** Something about the folder that whoever runs the program can mend. */
export class DataFolderUnusable extends Error {}

const reasons: Readonly<Record<string, string>> = {
  EEXIST: 'it is not a folder',
  ENOTDIR: 'a part of its path is not a folder',
  EACCES: 'this user may not write to it',
  EPERM: 'this user may not write to it',
  EROFS: 'it is on a read-only disk',
  ENOSPC: 'the disk is full',
}

/** The folder with everything the server keeps itself; nobody else may read it. */
export async function openDataFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    const why = reasons[codeOf(error)] ?? (error instanceof Error ? error.message : String(error))
    throw new DataFolderUnusable(
      `The data folder ${path} cannot be used: ${why}. Set PARLEY_DATA to another one.`,
      { cause: error },
    )
  }
}

/** A value that is made at the first start and stays: the signing secret, the demo password. */
export async function keptSecret(folder: string, name: string, bytes: number): Promise<Secret> {
  const file = join(folder, name)
  const value = (await readIfThere(file)) ?? (await makeOnce(file, randomBytes(bytes).toString('base64url')))
  // A file that a full disk or a restore left empty would otherwise sign sessions with nothing.
  if (value.length < Math.ceil((bytes * 4) / 3)) {
    throw new DataFolderUnusable(
      `The file ${file} is damaged. Restore it from a backup; only if there is none, delete it to have a new one made.`,
    )
  }
  return new Secret(value)
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Written whole under another name first, so that neither a crash nor a start beside this one ever meets half of it. */
async function makeOnce(file: string, value: string): Promise<string> {
  const draft = `${file}.${randomUUID()}`
  await writeFile(draft, `${value}\n`, { mode: 0o600, flag: 'wx', flush: true })
  try {
    // A link, because it refuses a name that is taken: of two first starts only one makes the value.
    await link(draft, file)
  } catch (error) {
    // Some file systems have no links.
    if (codeOf(error) !== 'EEXIST') await rename(draft, file)
  }
  await rm(draft, { force: true })
  return (await readFile(file, 'utf8')).trim()
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : ''
