import { createHash } from 'node:crypto'
import type { Transaction } from '../db/index.ts'
import { once } from '../http/index.ts'
import { newId, ParleyError, type Scope } from '../kernel/index.ts'
import type { Content } from '../providers/files.ts'
import { recordSource } from './createSource.ts'
import { keyOfUpload, type SourceParts } from './parts.ts'
import { recogniseType } from './recogniseType.ts'
import { usedByUploads } from './sourceStore.ts'
import { viewOfSource } from './sourceViews.ts'
import { requireAgent } from './visibility.ts'

export interface IncomingDocument {
  readonly name: string
  readonly agentId: string | null
  readonly tags: string[]
  readonly declaredSize: number | undefined
  readonly content: Content
}

type Parts = Pick<SourceParts, 'db' | 'store' | 'log' | 'vault' | 'limits' | 'visibility'>
type View = ReturnType<typeof viewOfSource>

/** The bytes go to the store first and the row follows, so that no row names bytes that are not there. What they are worth, reading will tell. */
export async function uploadSource(
  scope: Scope,
  parts: Parts,
  incoming: IncomingDocument,
  key: string | undefined,
): Promise<{ source: unknown; replayed: boolean }> {
  const { db, store, limits, vault } = parts
  const { name, agentId, tags } = incoming
  if ((incoming.declaredSize ?? 0) > limits.file) throw tooLarge(limits.file)
  const id = newId()
  const storageKey = keyOfUpload(scope.tenantId, id)
  const counting = count(incoming.content, limits.file)
  await store.put(storageKey, counting.content)
  const { size: fileSize, sha256: contentHash, head } = counting.result()
  const values = {
    ...{ id, name, agentId, tags, type: 'file' as const, storageKey, contentHash },
    ...{ fileName: name, fileType: recogniseType(head, name), fileSize },
  } as const
  const work = async (tx: Transaction): Promise<View> => {
    if ((await usedByUploads(tx, scope)) + fileSize > limits.tenant)
      throw new ParleyError('payload_too_large', 'There is no room for this document in the workspace.')
    await requireAgent(tx, scope, parts.visibility, agentId)
    return viewOfSource(await recordSource(scope, tx, values))
  }
  const fingerprint = createHash('sha256')
    .update(JSON.stringify(['source', name, agentId, tags, contentHash]))
    .digest('hex')
  try {
    const { body, replayed } = await db.scoped(scope, async tx =>
      key === undefined
        ? { body: await work(tx), replayed: false }
        : once(scope, tx, vault, { key, fingerprint, status: 201 }, () => work(tx)),
    )
    if (replayed) await discard(parts, storageKey)
    return { source: body, replayed }
  } catch (error) {
    // A commit whose answer was lost may have happened all the same: then the bytes stay, and the sweep looks again.
    if (!(error instanceof ParleyError && error.code === 'unavailable')) await discard(parts, storageKey)
    throw error
  }
}

const headLength = 2_048

function count(content: Content, maxBytes: number) {
  const sha256 = createHash('sha256')
  let size = 0
  let head = Buffer.alloc(0)
  async function* counted(): Content {
    for await (const part of content) {
      size += part.length
      if (size > maxBytes) throw tooLarge(maxBytes)
      sha256.update(part)
      if (head.length < headLength) head = Buffer.concat([head, part.subarray(0, headLength)])
      yield part
    }
    if (size === 0) throw new ParleyError('invalid_request', 'The file is empty.')
  }
  return { content: counted(), result: () => ({ size, sha256: sha256.digest('hex'), head }) }
}

async function discard({ store, log }: Parts, key: string): Promise<void> {
  try {
    await store.delete(key)
  } catch (error) {
    // Why the upload failed matters more to whoever waits; the sweep removes the bytes.
    log.warn({ err: error, key }, 'the bytes of a refused document could not be removed')
  }
}

const tooLarge = (maxBytes: number) =>
  new ParleyError('payload_too_large', `A document may have at most ${maxBytes / 1024 / 1024} MiB.`)
