import { existsSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'

const memory = '/dev/shm'

// Each database takes some 50 MB, and every worker may have a few of them.
const leastRoomBytes = 2 * 1024 ** 3

/**
 * Where databases lie that outlive no test: in memory where there is room for them. The embedded one waits for the disk at
 * each commit, and the disk of a machine that others use as well may let it wait long.
 */
export const throwawayFolder: string = hasRoom() ? memory : tmpdir()

function hasRoom(): boolean {
  if (process.platform !== 'linux' || !existsSync(memory)) return false
  const { bavail, bsize } = statfsSync(memory)
  return bavail * bsize >= leastRoomBytes
}
