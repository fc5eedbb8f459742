import type { ParsedDocument } from '../providers/documentReader.ts'
import { type Chunk, chunkDocument, type Parent } from './chunkDocument.ts'

/** A document as it is kept: cut, without the blocks it was cut from. */
export interface Digest extends Omit<ParsedDocument, 'blocks'> {
  readonly sections: readonly Parent[]
  readonly chunks: readonly Chunk[]
}

/** Runs in the threads of the reader, which main.ts hands this file's address: cutting a book takes longer than a chat may wait. */
export default function digestDocument({ blocks, ...about }: ParsedDocument): Digest {
  return { ...about, ...chunkDocument({ blocks }) }
}
