import { UnreadableDocument } from '../kernel/index.ts'
import type { About, ParsedDocument } from './reading/document.ts'
import { type ReadingLimits, startThread, type Thread } from './reading/thread.ts'

export type { About, Block, ParsedDocument } from './reading/document.ts'
export type { ReadingLimits } from './reading/thread.ts'

/**
 * Reads documents (PDF, DOCX, HTML, Markdown, plain text, code): from bytes to blocks of text in their order.
 *
 * - What a document is, its bytes decide. What cannot be read rejects with `UnreadableDocument`, whose message is for people.
 * - It happens in threads of its own, each with limits of time and memory. A document that breaks them, or the thread, fails alone.
 * - Documents wait for their turn in the order they came, which counts for nothing.
 * - The bytes are copied and may be changed afterwards. The same bytes give the same blocks.
 * - With `finish`, what it makes of a document is given out, and made in the thread, too: a book has work for a second.
 * - `signal` gives up, waiting or running, and rejects with its reason. After `close`, everything rejects.
 */
export interface DocumentReader<Result = ParsedDocument> {
  read(bytes: Uint8Array, about: About & { readonly signal?: AbortSignal }): Promise<Result>
  close(): Promise<void>
}

export interface ReaderOptions extends Partial<ReadingLimits> {
  /** How many documents are read at the same time. */
  readonly threads?: number
  readonly maxBytes?: number
  /** A module whose default export makes a `Result` of a `ParsedDocument`; both are copied between threads. */
  readonly finish?: URL
}

const usualLimits: ReadingLimits = { milliseconds: 60_000, megabytes: 512 }

export function createDocumentReader<Result = ParsedDocument>(
  options: ReaderOptions = {},
): DocumentReader<Result> {
  const { threads: most = 2, maxBytes = 50 * 1024 * 1024, finish, ...asked } = options
  const limits = { ...usualLimits, ...asked }
  const idle = new Map<Thread, NodeJS.Timeout>()
  const busy = new Set<Thread>()
  const waiting: Job<Result>[] = []
  const closing = new AbortController()

  function takeNext(): void {
    while (busy.size < most) {
      const job = waiting.shift()
      if (!job) return
      job.taken.abort()
      const used = takeIdle()
      void readIn(used ?? startThread(limits, finish), job, used !== undefined)
    }
  }

  async function readIn(thread: Thread, job: Job<Result>, used: boolean): Promise<void> {
    busy.add(thread)
    try {
      job.resolve((await thread.read(job.bytes, job.about, job.signal)) as Result)
    } catch (error) {
      // What an earlier document has left behind in a thread may end it now; this one shall not suffer for that.
      const crashed = !thread.usable && error instanceof UnreadableDocument && error.code === 'broken'
      if (used && crashed) waiting.unshift(job)
      else job.reject(error)
    }
    busy.delete(thread)
    if (thread.usable) rest(thread)
    takeNext()
  }

  function takeIdle(): Thread | undefined {
    for (const [thread, timer] of idle) {
      clearTimeout(timer)
      idle.delete(thread)
      if (thread.usable) return thread
    }
    return undefined
  }

  function rest(thread: Thread): void {
    const end = () => {
      idle.delete(thread)
      void thread.stop()
    }
    idle.set(thread, setTimeout(end, restMs).unref())
  }

  return {
    async read(bytes, { signal: asked, ...about }) {
      const signal = asked ? AbortSignal.any([asked, closing.signal]) : closing.signal
      signal.throwIfAborted()
      if (bytes.length === 0) throw new UnreadableDocument('empty')
      if (bytes.length > maxBytes) throw tooLarge(maxBytes)
      return await new Promise<Result>((resolve, reject) => {
        const taken = new AbortController()
        const job: Job<Result> = { bytes, about, signal, taken, resolve, reject }
        waiting.push(job)
        const giveUp = () => {
          waiting.splice(waiting.indexOf(job), 1)
          reject(signal.reason)
        }
        signal.addEventListener('abort', giveUp, { once: true, signal: taken.signal })
        takeNext()
      })
    },
    async close() {
      closing.abort(new Error('the reader of documents is closed'))
      await Promise.all([...busy, ...idle.keys()].map(thread => thread.stop()))
    },
  }
}

interface Job<Result> {
  readonly bytes: Uint8Array
  readonly about: About
  readonly signal: AbortSignal
  /** Aborted when it waits no more. */
  readonly taken: AbortController
  resolve(result: Result): void
  reject(error: unknown): void
}

/** How long a thread without work is kept: starting one costs some hundred milliseconds, keeping one some hundred megabytes. */
const restMs = 30_000

const tooLarge = (maxBytes: number) =>
  new UnreadableDocument('too_large', `The document is larger than ${Math.floor(maxBytes / 1_048_576)} MB.`)
