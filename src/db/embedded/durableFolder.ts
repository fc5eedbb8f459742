import { fsyncSync } from 'node:fs'
import type { PGlite } from '@electric-sql/pglite'
import { NodeFS } from '@electric-sql/pglite/nodefs'

type ModuleOptions = Parameters<NodeFS['init']>[1]

// What we touch of Emscripten's file system in Node; the package declares none of it.
interface NodeFileSystem {
  stream_ops: { fsync?: (stream: { nfd: number }) => number }
}

const EIO = 29 // in WASI's numbering, which Emscripten uses

/**
 * PGlite's folder on disk, with an fsync that reaches the disk.
 *
 * Emscripten's fdatasync does nothing at all, and its fsync calls `stream_ops.fsync`, which NODEFS does not
 * have: Postgres believes that its log is on disk while the kernel still holds it, and a power cut loses
 * acknowledged commits. So fsync is supplied here, and the engine is started with
 * `wal_sync_method=fsync` (its default here is fdatasync). Proof: `strace -f -e trace=fsync` counts one per commit.
 */
export class DurableFolder extends NodeFS {
  override async init(db: PGlite, options: ModuleOptions): ReturnType<NodeFS['init']> {
    const { emscriptenOpts } = await super.init(db, options)
    emscriptenOpts.preRun = [...(emscriptenOpts.preRun ?? []), module => install(module)]
    return { emscriptenOpts }
  }
}

function install(module: unknown): void {
  const { FS } = module as { FS: { filesystems: { NODEFS: NodeFileSystem } } }
  FS.filesystems.NODEFS.stream_ops.fsync = stream => {
    try {
      fsyncSync(stream.nfd)
      return 0
    } catch {
      // Postgres answers a failed fsync of its log with PANIC, which is right: what the kernel threw away
      // cannot be written by asking again. The panic ends this process and the next one recovers.
      return EIO
    }
  }
}
