import type { Readable } from 'node:stream'
import { isUuid, ParleyError } from '../kernel/index.ts'

/** The bytes of a file as they come: of a request, of an object, of anything else. */
export type Content = AsyncIterable<Uint8Array>

/** From and including `first`, up to and including `last`. */
export interface ByteRange {
  readonly first: number
  readonly last: number
}

export interface StoredObject {
  readonly size: number
  readonly storedAt: Date
}

/**
 * Where the bytes of files lie. Keys are `<tenant>/<name>`, a name being small letters, digits, hyphens and inner dots: a key of
 * any other shape is refused before anything is touched, so none leads outside of its tenant.
 *
 * - An object is there completely or not at all: content that ends in an error leaves nothing, and nobody ever reads half of it.
 * - When `put` has returned, the object outlives the end of the process and of the machine.
 * - `put` on a taken key replaces the object as a whole; who is reading the old one reads it to its end.
 * - Content is passed on as it comes; no more than a few MiB of it are held.
 * - What the store itself cannot do right now (full, away, forbidden) is `unavailable`. An error of the content passes through.
 */
export interface FileStore {
  /** Goes into the row of a file, so that it stays known which store has it. */
  readonly provider: 'disk' | 's3'
  put(key: string, content: Content): Promise<void>
  /** Undefined where there is no such object; otherwise it is open by now, and whoever got it reads it or ends the iteration. */
  get(key: string, range?: ByteRange): Promise<Content | undefined>
  stat(key: string): Promise<StoredObject | undefined>
  /** No fault if there is none. */
  delete(key: string): Promise<void>
  /** The keys of a tenant's objects that were stored before a moment; in no order. */
  list(tenantId: string, storedBefore: Date): AsyncIterable<string>
  /** Removes what a process that was killed left of a tenant's objects that it had begun before a moment. */
  discardUnfinished(tenantId: string, begunBefore: Date): Promise<void>
}

export interface Key {
  readonly tenantId: string
  readonly name: string
}

export function parseKey(key: string): Key {
  const [tenantId = '', name = '', ...rest] = key.split('/')
  const named = name.length <= 200 && /^[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(name)
  if (rest.length > 0 || !isUuid(tenantId) || !named) throw new Error('this is not the key of a file')
  return { tenantId, name }
}

export function checkedTenant(tenantId: string): string {
  if (!isUuid(tenantId)) throw new Error('this is not the id of a tenant')
  return tenantId
}

export const storeUnavailable = (cause: unknown): ParleyError =>
  new ParleyError('unavailable', 'Files cannot be stored or read right now.', { cause, retryAfter: 5 })

/** An iteration that can be ended before its first step, too; that of a stream would then leave the stream open. */
export function contentOf(stream: Readable): Content {
  // Whoever iterates is told of it. Without a listener, a connection that breaks before that would end the program.
  stream.on('error', () => undefined)
  const steps = stream.iterator()
  return {
    [Symbol.asyncIterator]: () => ({
      next: async () => {
        try {
          return await steps.next()
        } catch (error) {
          throw storeUnavailable(error)
        }
      },
      return: async () => {
        stream.destroy()
        return { done: true, value: undefined }
      },
    }),
  }
}
