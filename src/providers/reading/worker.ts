import { parentPort, workerData } from 'node:worker_threads'
import { UnreadableDocument, type UnreadableReason } from '../../kernel/index.ts'
import type { About, ParsedDocument } from './document.ts'
import { readDocument } from './readDocument.ts'

/** The thread that reads documents: started by `documentReader.ts`, one document at a time. */

export interface Start {
  /** The address of a module whose default export finishes documents. */
  readonly module: string | undefined
}

export interface Order {
  readonly bytes: Uint8Array
  readonly about: About
}

export type Outcome =
  | { readonly result: unknown }
  | { readonly code: UnreadableReason; readonly message: string; readonly cause: string }

parentPort?.on('message', async ({ bytes, about }: Order) => {
  parentPort?.postMessage(await outcomeOf(bytes, about))
})

/** What is still to be done with a document before it leaves the thread. */
async function finish(document: ParsedDocument): Promise<unknown> {
  const { module }: Start = workerData
  return module === undefined ? document : (await import(module)).default(document)
}

async function outcomeOf(bytes: Uint8Array, about: About): Promise<Outcome> {
  try {
    return { result: await finish(await readDocument(bytes, about)) }
  } catch (error) {
    return refusalOf(error)
  }
}

/** Readers stumble over what they were not made for; that is the document's fault and tells about nothing else. */
function refusalOf(error: unknown): Outcome {
  const known =
    error instanceof UnreadableDocument ? error : new UnreadableDocument('broken', undefined, error)
  const cause = known.cause instanceof Error ? `${known.cause.name}: ${known.cause.message}` : ''
  return { code: known.code, message: known.message, cause }
}
