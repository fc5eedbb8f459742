import { Worker } from 'node:worker_threads'
import { UnreadableDocument } from '../../kernel/index.ts'
import type { About } from './document.ts'
import type { Order, Outcome, Start } from './worker.ts'

export interface ReadingLimits {
  /** For one document, from the moment its turn has come. */
  readonly milliseconds: number
  /** What a thread may hold while it reads. */
  readonly megabytes: number
}

/** Reads one document at a time. After a document that it could not be brought to an end with, it is no longer `usable`. */
export interface Thread {
  readonly usable: boolean
  read(bytes: Uint8Array, about: About, signal?: AbortSignal): Promise<unknown>
  stop(): Promise<void>
}

/** How often memory is looked at: what is unpacked lies outside the heap, which is all that the runtime limits by itself. */
const lookEveryMs = 100

const program = new URL('./worker.ts', import.meta.url)

export function startThread(limits: ReadingLimits, finish: URL | undefined): Thread {
  // Keys and passwords in the environment are none of its business.
  const worker = new Worker(program, {
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: limits.megabytes },
    workerData: { module: finish?.href } satisfies Start,
  })
  let usable = true
  /** What to do when it ends while it reads. */
  let onEnd: (error: unknown) => void = () => undefined
  worker.on('error', error => onEnd(error))
  worker.on('exit', () => {
    usable = false
    onEnd(new Error('the thread ended'))
  })
  worker.unref()

  const stop = async () => {
    usable = false
    await worker.terminate()
  }

  const read = ({ bytes, about }: Order, signal: AbortSignal | undefined) =>
    new Promise<Outcome>((resolve, reject) => {
      const settled = new AbortController()
      const failWith = (error: unknown) => {
        if (settled.signal.aborted) return
        settled.abort()
        // Only when it is gone its memory is free for the next.
        stop().then(() => reject(error), reject)
      }
      onEnd = error => failWith(unreadable(error))
      const timer = setTimeout(() => failWith(new UnreadableDocument('too_slow')), limits.milliseconds)
      const look = async () => {
        const held = await worker.getHeapStatistics().catch(nothingToSee)
        if (held && held.used_heap_size + held.external_memory > limits.megabytes * 1_048_576)
          failWith(tooMuchMemory())
      }
      const watch = setInterval(look, lookEveryMs)
      settled.signal.addEventListener('abort', () => {
        clearTimeout(timer)
        clearInterval(watch)
        worker.off('message', take).unref()
      })
      const take = (outcome: Outcome) => {
        if (settled.signal.aborted) return
        settled.abort()
        resolve(outcome)
      }
      signal?.addEventListener('abort', () => failWith(signal.reason), { signal: settled.signal })
      worker.on('message', take).ref()
      worker.postMessage({ bytes, about } satisfies Order, [bytes.buffer as ArrayBuffer])
    })

  return {
    get usable() {
      return usable
    },
    async read(bytes, { name, mimeType }, signal) {
      signal?.throwIfAborted()
      const about = { name, ...(mimeType !== undefined && { mimeType }) }
      // A copy that the thread can take over: one go through the bytes, and the caller's stay whole.
      const outcome = await read({ bytes: new Uint8Array(bytes), about }, signal)
      if ('result' in outcome) return outcome.result
      throw new UnreadableDocument(outcome.code, outcome.message, outcome.cause)
    },
    stop,
  }
}

/** Before a thread runs and after it has ended; that it has, `exit` tells. */
const nothingToSee = () => undefined

const tooMuchMemory = () =>
  new UnreadableDocument(
    'too_large',
    'Reading the document takes too much memory. Split it into smaller ones.',
  )

const unreadable = (error: unknown) =>
  error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY'
    ? tooMuchMemory()
    : new UnreadableDocument('broken', undefined, error)
