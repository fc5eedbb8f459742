import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Transaction } from '../../db/index.ts'
import { isDone, once } from '../../http/index.ts'
import { found, newId, ParleyError, type Scope, type Vault } from '../../kernel/index.ts'
import type { senderKinds } from '../../protocol/index.ts'
import type { Content } from '../../providers/files.ts'
import { viewOf } from '../access.ts'
import { extensionOf, safeName } from './fileNames.ts'
import { type FileRow, insertFile, lockUsage, type Place, readUsage } from './fileRowStore.ts'
import { isPicture } from './fileTypes.ts'
import { type Inspection, inspect } from './inspect.ts'
import { makeThumbnailJob } from './makeThumbnail.ts'
import { type FileLimits, type FileParts, keyOfFile, requireConversation } from './parts.ts'

export interface Incoming {
  readonly conversationId: string
  /** As the sender calls it. */
  readonly name: string
  readonly declaredType: string | undefined
  readonly declaredSize: number | undefined
  readonly content: Content
}

export const fileView = z
  .object({
    id: z.uuid(),
    conversationId: z.uuid().nullable(),
    filename: z.string().describe('A name to save it under, whatever it was called'),
    originalName: z.string(),
    mimeType: z.string().describe('What the content is'),
    size: z.int(),
    sha256: z.string(),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: 'File' })

export type FileView = z.output<typeof fileView>

type UploadParts = Pick<FileParts, 'db' | 'store' | 'log' | 'limits' | 'underWay'>

interface Repeat {
  readonly key: string
  readonly vault: Vault
}

/**
 * Takes a file into a conversation. What has no room is refused before it is read; for certain that is known when all of it has come, and
 * is looked at again under a lock. The content goes to the store first and the row follows, so that a row never names an object
 * that is not there; an object without a row is removed here, or by the nightly sweep.
 */
export async function uploadFile(
  scope: Scope,
  parts: UploadParts,
  incoming: Incoming,
  repeat?: Repeat,
): Promise<{ file: FileView; replayed: boolean }> {
  const uploader = uploaderOf(scope)
  const over = parts.underWay.begin(scope.tenantId, uploader.uploaderId)
  try {
    return await takeIn(scope, parts, { ...incoming, ...uploader }, repeat)
  } finally {
    over()
  }
}

async function takeIn(
  scope: Scope,
  parts: UploadParts,
  { uploaderKind, uploaderId, ...incoming }: Incoming & Place,
  repeat: Repeat | undefined,
): Promise<{ file: FileView; replayed: boolean }> {
  const { db, store, limits } = parts
  const uploader = { uploaderKind, uploaderId }
  const { conversationId, name, declaredType: type, declaredSize: size } = incoming
  await db.scoped(scope, async tx => {
    await requireConversation(scope, tx, conversationId)
    // What was answered before is answered again, and takes no room.
    if (repeat && (await isDone(scope, tx, repeat.key))) return
    const place = { conversationId, ...uploader }
    refuseBeyond(scope, limits, await readUsage(tx, scope, place), size ?? leastBytes)
  })
  const id = newId()
  const storageKey = keyOfFile(scope.tenantId, id)
  const inspected = inspect(incoming.content, {
    ...{ type, size, extension: extensionOf(name) },
    maxBytes: limits.file,
  })
  await store.put(storageKey, inspected.content)
  const found = inspected.result()
  const row = {
    ...{ id, ...uploader, conversationId, ...found, storageKey, originalName: name },
    ...{ filename: safeName(name, found.mimeType), storageProvider: store.provider },
  }
  try {
    const { body, replayed } = await db.scoped<{ body: unknown; replayed: boolean }>(scope, tx => {
      const work = async () => toView(await record(scope, tx, limits, row))
      return repeat ? onlyOnce(scope, tx, repeat, fingerprintOf(incoming, found), work) : plainly(work)
    })
    if (replayed) await discard(parts, storageKey)
    return { file: fileView.parse(body), replayed }
  } catch (error) {
    // A commit whose answer was lost may have happened all the same: then the object stays, and the sweep looks again.
    if (!(error instanceof ParleyError && error.code === 'unavailable')) await discard(parts, storageKey)
    throw error
  }
}

async function record(
  scope: Scope,
  tx: Transaction,
  limits: FileLimits,
  values: Parameters<typeof insertFile>[2] & { readonly conversationId: string },
): Promise<FileRow> {
  // Again: meanwhile it may have been deleted, or given to another contact.
  await requireConversation(scope, tx, values.conversationId)
  refuseBeyond(scope, limits, await lockUsage(tx, scope, values), values.size)
  const [row] = await insertFile(tx, scope, values)
  const file = found(row, 'file')
  const { conversationId, filename, mimeType, size, sha256 } = file
  await tx.emit({
    type: 'changed',
    action: 'file.uploaded',
    resourceType: 'file',
    resourceId: file.id,
    oldValues: null,
    newValues: { conversationId, filename, mimeType, size, sha256 },
  })
  if (isPicture(mimeType)) await tx.enqueue(makeThumbnailJob, { tenantId: scope.tenantId, fileId: file.id })
  return file
}

/** A file of which nobody said how large it is: an empty one is not taken. */
const leastBytes = 1

function refuseBeyond(
  scope: Scope,
  limits: FileLimits,
  used: Awaited<ReturnType<typeof readUsage>>,
  size: number,
): void {
  if (used.tenant + size > limits.tenant)
    throw new ParleyError('payload_too_large', 'There is no room for this file in the workspace.')
  if (viewOf(scope) !== 'public') return
  if (used.strangers + size > limits.strangers)
    throw new ParleyError('payload_too_large', 'There is no room for this file in the conversation.')
  // Anybody may begin any number of conversations.
  if (used.uploader + size > limits.strangers)
    throw new ParleyError('payload_too_large', 'There is no room for more files of yours.')
}

const plainly = async (work: () => Promise<FileView>) => ({ body: await work(), replayed: false })

const onlyOnce = (
  scope: Scope,
  tx: Transaction,
  repeat: Repeat,
  fingerprint: string,
  work: () => Promise<FileView>,
) => once(scope, tx, repeat.vault, { key: repeat.key, fingerprint, status: 201 }, work)

const fingerprintOf = ({ conversationId, name }: Incoming, { sha256, mimeType }: Inspection): string =>
  createHash('sha256')
    .update(JSON.stringify(['file', conversationId, name, mimeType, sha256]))
    .digest('hex')

async function discard({ store, log }: Pick<FileParts, 'store' | 'log'>, key: string): Promise<void> {
  try {
    await store.delete(key)
  } catch (error) {
    // Why the upload failed matters more to whoever waits; the sweep removes the object.
    log.warn({ err: error, key }, 'the object of a refused upload could not be removed')
  }
}

function uploaderOf({ actor }: Scope): { uploaderKind: (typeof senderKinds)[number]; uploaderId: string } {
  if (actor.kind === 'member') return { uploaderKind: 'member', uploaderId: actor.memberId }
  if (actor.kind === 'visitor') return { uploaderKind: 'contact', uploaderId: actor.contactId }
  if (actor.kind === 'guest') return { uploaderKind: 'guest', uploaderId: actor.guestId }
  if (actor.kind === 'api_key') return { uploaderKind: 'system', uploaderId: actor.keyId }
  throw new ParleyError('forbidden', 'Files are uploaded by members, visitors, guests and keys.')
}

const toView = (row: FileRow): FileView => fileView.parse({ ...row, createdAt: row.createdAt.toISOString() })
