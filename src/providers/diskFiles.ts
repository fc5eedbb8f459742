import { randomUUID } from 'node:crypto'
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ParleyError } from '../kernel/index.ts'
import {
  type Content,
  checkedTenant,
  contentOf,
  type FileStore,
  parseKey,
  type StoredObject,
  storeUnavailable,
} from './files.ts'

/** Of objects that are being written; no key begins with a dot. */
const draftMark = '.draft-'

/** A folder per tenant, a file per object. Nodes on several machines share the folder, or use S3. */
export function createDiskStore(root: string): FileStore {
  const folderOf = (tenantId: string) => join(root, checkedTenant(tenantId))
  const pathOf = (key: string) => {
    const { tenantId, name } = parseKey(key)
    return join(folderOf(tenantId), name)
  }

  return {
    provider: 'disk',
    async put(key, content) {
      const target = pathOf(key)
      const folder = dirname(target)
      await attempt(() => makeFolder(root, folder))
      const draft = join(folder, `${draftMark}${randomUUID()}`)
      try {
        await writeDraft(draft, content)
        await attempt(async () => {
          await rename(draft, target)
          // The new name is part of the folder: without this a power cut could take it back.
          await syncFolder(folder)
        })
      } catch (error) {
        // What cannot be removed now is found by `discardUnfinished`; why it failed at all matters more.
        await rm(draft, { force: true }).catch(() => undefined)
        throw error
      }
    },
    async get(key, range) {
      const file = await ifThere(() => open(pathOf(key), 'r'))
      // Closes the file when it has been read, and when nobody reads on.
      return file && contentOf(file.createReadStream(range ? { start: range.first, end: range.last } : {}))
    },
    stat: key =>
      ifThere(async (): Promise<StoredObject> => {
        const { size, mtime } = await stat(pathOf(key))
        return { size, storedAt: mtime }
      }),
    async delete(key) {
      const path = pathOf(key)
      await attempt(() => rm(path, { force: true }))
    },
    async *list(tenantId, storedBefore) {
      const folder = folderOf(tenantId)
      for (const name of (await ifThere(() => readdir(folder))) ?? []) {
        if (name.startsWith('.')) continue
        if (await isOlder(join(folder, name), storedBefore)) yield `${tenantId}/${name}`
      }
    },
    async discardUnfinished(tenantId, begunBefore) {
      const folder = folderOf(tenantId)
      for (const name of (await ifThere(() => readdir(folder))) ?? []) {
        const path = join(folder, name)
        if (name.startsWith(draftMark) && (await isOlder(path, begunBefore)))
          await attempt(() => rm(path, { force: true }))
      }
    },
  }
}

async function makeFolder(root: string, folder: string): Promise<void> {
  const made = await mkdir(folder, { recursive: true, mode: 0o700 })
  if (made === undefined) return
  await syncFolder(root)
  if (made !== folder) await syncFolder(dirname(root))
}

async function syncFolder(path: string): Promise<void> {
  // Windows opens no folders, and keeps their names by itself.
  if (process.platform === 'win32') return
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

async function writeDraft(path: string, content: Content): Promise<void> {
  const file = await attempt(() => open(path, 'wx', 0o600))
  try {
    for await (const part of content) await attempt(() => file.writeFile(part))
    await attempt(() => file.sync())
  } finally {
    await file.close()
  }
}

const isOlder = async (path: string, moment: Date): Promise<boolean> => {
  const found = await ifThere(() => stat(path))
  return found !== undefined && found.mtime.getTime() < moment.getTime()
}

/** Whatever the disk refuses (it is full, read-only, gone) is not the fault of whoever asked. */
async function attempt<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    throw codeOf(error) === undefined || error instanceof ParleyError ? error : storeUnavailable(error)
  }
}

const ifThere = <Result>(work: () => Promise<Result>): Promise<Result | undefined> =>
  attempt(async () => {
    try {
      return await work()
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined
      throw error
    }
  })

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error ? String(error.code) : undefined
