import { hash } from 'node:crypto'
import { idOf } from '../kernel/index.ts'
import { insertChunks } from './chunkStore.ts'
import type { Digest } from './digestDocument.ts'
import {
  changeDocument,
  type DocumentValues,
  type KnownDocument,
  removeChunks,
  saveDocument,
  vectorsOf,
} from './documentStore.ts'
import { embedTexts, passageText } from './embedTexts.ts'
import type { Found } from './origins/found.ts'
import type { SourceParts } from './parts.ts'
import { concernsOneDocument, type Problem, problem, problemOf } from './problems.ts'
import { recogniseType } from './recogniseType.ts'
import { lockCurrent, type Run, tellProgress } from './run.ts'

type Document = Extract<Found, { kind: 'document' }>

/** So often what is only looked at is told as progress. */
const tellEveryMs = 1_000
/** Of so many chunks on, embedding takes long enough to be told. */
const worthTelling = 30

/** Takes in what reading a source has come upon, each in a transaction of its own. What is as it was costs nothing. */
export async function takeFound(parts: SourceParts, run: Run, found: Found): Promise<void> {
  run.seen.add(found.uri)
  run.total = found.total
  if (found.kind === 'problem') return storeProblem(parts, run, found.uri, found)
  if (found.kind === 'unchanged') return stayed(parts, run)
  try {
    await takeDocument(parts, run, found)
  } catch (error) {
    run.signal.throwIfAborted()
    const known = concernsOneDocument(error) ? problemOf(error) : undefined
    if (!known) throw error
    const contentHash = hash('sha256', found.bytes)
    await storeProblem(parts, run, found.uri, { problem: known, how: 'failed' }, contentHash)
  }
}

/** Whether nothing about a document need be done, if its content is the same. */
export const isSettled = (known: KnownDocument, embedder: string): boolean =>
  known.status === 'ready' && known.errorCode === null && known.metadata.embedder === embedder

async function stayed({ db }: SourceParts, run: Run): Promise<void> {
  if (Date.now() - run.toldAt < tellEveryMs) return
  await db.scoped(run.scope, async tx => {
    await lockCurrent(tx, run.scope, run.source)
    await tellProgress(tx, run, 'reading')
  })
}

async function takeDocument(parts: SourceParts, run: Run, found: Document): Promise<void> {
  const { source, signal } = run
  const known = run.known.get(found.uri)
  const contentHash = hash('sha256', found.bytes)
  // A text bears the name of its source, which can change while its content does not.
  const renamed = source.type === 'text' && known?.title !== source.name
  const settled = known && isSettled(known, parts.embedder.id) && !renamed
  if (settled && known.contentHash === contentHash && known.metadata.version === found.version)
    return stayed(parts, run)
  const name = nameOf(run, found)
  const about = { name, ...(found.mimeType !== undefined && { mimeType: found.mimeType }), signal }
  const read = await parts.reader.read(found.bytes, about)
  const title = source.type === 'text' ? source.name : read.title
  const digest = { ...read, title }
  const values = valuesOf(found, digest, contentHash, recogniseType(found.bytes, name))
  if (settled && known.metadata.digest === values.metadata.digest) return storeSame(parts, run, known, values)
  const embedded = await embed(parts, run, known, digest)
  await parts.db.scoped(run.scope, async tx => {
    const { id: sourceId, agentId } = await lockCurrent(tx, run.scope, source)
    const metadata = { ...values.metadata, embedder: parts.embedder.id }
    const documentId = await saveDocument(tx, run.scope, sourceId, { ...values, metadata })
    const ids = await removeChunks(tx, run.scope, documentId)
    const named = namesIn(documentId)
    // Answers cite passages by their ids: one that says the same as before stays what it was.
    const chunks = embedded.map(chunk => {
      const id = named(chunk.contentHash)
      return { ...chunk, id: ids.get(chunk.contentHash)?.shift() ?? id }
    })
    await insertChunks(tx, run.scope, { sourceId, documentId, agentId, title }, { ...digest, chunks })
    await tellProgress(tx, run, 'reading')
  })
}

/** What a passage of a document is called by what it says, also after it could not be read for a while; where others say the same, by its turn. */
function namesIn(documentId: string): (contentHash: string) => string {
  const turns = new Map<string, number>()
  return contentHash => {
    const turn = turns.get(contentHash) ?? 0
    turns.set(contentHash, turn + 1)
    return idOf(`${documentId} ${contentHash} ${turn}`)
  }
}

const nameOf = ({ source }: Run, { uri }: Document): string => (source.type === 'text' ? source.name : uri)

function valuesOf(
  { uri, version }: Document,
  digest: Digest,
  contentHash: string,
  mimeType: string,
): DocumentValues {
  const parts = [digest.title, ...digest.sections, ...digest.chunks].map(part =>
    typeof part === 'string' ? part : `${part.position} ${part.page ?? ''} ${part.contentHash}`,
  )
  return {
    ...{
      uri,
      title: digest.title,
      mimeType,
      contentHash,
      status: 'ready',
      errorCode: null,
      errorMessage: null,
    },
    pageCount: digest.pages ?? null,
    tokenCount: digest.sections.reduce((sum, { tokenCount }) => sum + tokenCount, 0),
    metadata: {
      digest: hash('sha256', parts.join('\n')),
      ...(version !== undefined && { version }),
      ...(digest.language !== undefined && { language: digest.language }),
    },
  }
}

/** Its bytes are others, and what stands in it is not. */
async function storeSame(
  { db, embedder }: SourceParts,
  run: Run,
  known: KnownDocument,
  values: DocumentValues,
) {
  await db.scoped(run.scope, async tx => {
    await lockCurrent(tx, run.scope, run.source)
    const metadata = { ...values.metadata, embedder: embedder.id }
    await changeDocument(tx, run.scope, known.id, { ...values, metadata })
    await tellProgress(tx, run, 'reading')
  })
}

/** A vector for each chunk: the one that it had, or a new one. */
async function embed(parts: SourceParts, run: Run, known: KnownDocument | undefined, digest: Digest) {
  const { scope, source, signal } = run
  const reusable = known?.metadata.embedder === parts.embedder.id && known.title === digest.title
  const had = reusable ? await parts.db.scoped(scope, tx => vectorsOf(tx, scope, known.id)) : undefined
  const fresh = digest.chunks.filter(({ contentHash }) => !had?.has(contentHash))
  if (fresh.length >= worthTelling)
    await parts.db.scoped(scope, async tx => {
      await lockCurrent(tx, scope, source)
      await tellProgress(tx, run, 'embedding')
    })
  const texts = fresh.map(chunk => passageText(digest.title, chunk))
  const made = await embedTexts(scope, parts, { sourceId: source.id, texts }, signal)
  const vectors = new Map([
    ...(had ?? []),
    ...fresh.map(({ contentHash }, at) => [contentHash, made[at]] as const),
  ])
  return digest.chunks.map(chunk => ({ ...chunk, embedding: vectors.get(chunk.contentHash) }))
}

/** What was read of it before stays only where it may be right still. */
async function storeProblem(
  { db }: SourceParts,
  run: Run,
  uri: string,
  { problem: why, how }: { readonly problem: Problem; readonly how: 'skipped' | 'failed' | 'outdated' },
  contentHash = '',
): Promise<void> {
  const known = run.known.get(uri)
  await db.scoped(run.scope, async tx => {
    await lockCurrent(tx, run.scope, run.source)
    if (how === 'outdated' && known?.status === 'ready') {
      const { code, message } = problem('outdated')
      const errorMessage = `${message} ${why.message}`
      await changeDocument(tx, run.scope, known.id, { errorCode: code, errorMessage })
    } else {
      const id = await saveDocument(tx, run.scope, run.source.id, {
        ...{ uri, title: known?.title ?? uri, mimeType: 'application/octet-stream', contentHash },
        ...{
          status: how === 'skipped' ? 'skipped' : 'error',
          errorCode: why.code,
          errorMessage: why.message,
        },
        ...{ pageCount: null, tokenCount: 0, metadata: {} },
      })
      await removeChunks(tx, run.scope, id)
    }
    await tellProgress(tx, run, 'reading')
  })
}
