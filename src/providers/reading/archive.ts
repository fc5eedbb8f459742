import { type UnzipFileInfo, unzipSync } from 'fflate'
import { UnreadableDocument } from '../../kernel/index.ts'

/** What an archive may have, by its own list. Office documents have a hundred files and unpack to ten times their size. */
export const archiveLimits = { entries: 10_000, bytes: 256 * 1024 * 1024, ratio: 200 }
/** Small archives of empty forms shrink very far. */
const ratioCountsFrom = 10 * 1024 * 1024

/**
 * Some files of an archive by their names. The list is checked before anything is unpacked, and each file gets the place that the
 * list promises: what holds more is cut there.
 */
export function unpack(bytes: Uint8Array, wanted: (name: string) => boolean): Map<string, Uint8Array> {
  const entries: UnzipFileInfo[] = []
  open(bytes, entry => {
    entries.push(entry)
    if (entries.length > archiveLimits.entries) throw bomb()
    return false
  })
  check(entries)
  return new Map(Object.entries(open(bytes, ({ name }) => wanted(name))))
}

function open(bytes: Uint8Array, filter: (entry: UnzipFileInfo) => boolean): Record<string, Uint8Array> {
  try {
    return unzipSync(bytes, { filter })
  } catch (error) {
    if (error instanceof UnreadableDocument) throw error
    throw new UnreadableDocument('broken', undefined, error)
  }
}

function check(entries: readonly UnzipFileInfo[]): void {
  const packed = entries.reduce((sum, { size }) => sum + size, 0)
  const unpacked = entries.reduce((sum, { originalSize }) => sum + originalSize, 0)
  if (unpacked > archiveLimits.bytes) throw bomb()
  if (unpacked > ratioCountsFrom && unpacked > packed * archiveLimits.ratio) throw bomb()
}

const bomb = () =>
  new UnreadableDocument(
    'too_large',
    'The document unpacks to far more than its own size, so it is not opened.',
  )
