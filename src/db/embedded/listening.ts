import { createHash } from 'node:crypto'
import { chmodSync, lstatSync, mkdirSync, realpathSync, rmSync } from 'node:fs'
import type { Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Place } from './messages.ts'

const PORT = 5432
// Linux takes 107 bytes, macOS 103; a longer path is cut off or refused, depending on the system.
const LONGEST_SOCKET_PATH = 103

/**
 * Listens on a socket in `folder`, or in a folder of its own under the system's temporary one where the path would
 * be too long or the file system has no sockets. Call it with the folder's lock held: it removes the
 * socket of a killed predecessor, which must not be a living one's.
 *
 * There is no password: whoever may open the folder (mode 0700) is the owner of the data anyway.
 */
export async function listen(server: Server, folder: string, port: number | undefined): Promise<Place> {
  if (process.platform === 'win32') {
    await listening(server, { host: '127.0.0.1', port: port ?? 0 })
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port to listen on')
    return { host: '127.0.0.1', port: address.port }
  }
  const own = realpathSync(folder)
  if (Buffer.byteLength(socketPath(own)) <= LONGEST_SOCKET_PATH) {
    try {
      // Fails on a mounted folder that belongs to somebody else, where the socket would be open to them.
      chmodSync(own, 0o700)
      return await listenIn(server, own)
    } catch (error) {
      if (!lacksSockets(error)) throw error
    }
  }
  return await listenIn(server, temporaryFolder(own))
}

async function listenIn(server: Server, folder: string): Promise<Place> {
  const path = socketPath(folder)
  rmSync(path, { force: true })
  await listening(server, { path })
  return { host: folder, port: PORT }
}

function listening(server: Server, where: { path: string } | { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(where, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/** The name by which every PostgreSQL client looks for a server in a folder. */
function socketPath(folder: string): string {
  return join(folder, `.s.PGSQL.${PORT}`)
}

/** The same folder for the same data at every start, and nobody else's. */
function temporaryFolder(data: string): string {
  const uid = process.getuid?.() ?? 0
  const hash = createHash('sha256').update(data).digest('hex').slice(0, 16)
  const folder = join(tmpdir(), `parley-${uid}-${hash}`)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const found = lstatSync(folder)
  // Everybody may create names in the temporary folder: one made beforehand by another user, or a link, is refused.
  if (!found.isDirectory() || found.uid !== uid) throw new Error(`${folder} belongs to somebody else`)
  chmodSync(folder, 0o700)
  return folder
}

function lacksSockets(error: unknown): boolean {
  const codes = ['ENOTSUP', 'EOPNOTSUPP', 'EPERM', 'EACCES', 'EINVAL', 'ENAMETOOLONG', 'ENOSYS']
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}
