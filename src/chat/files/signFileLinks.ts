import { z } from 'zod'
import type { Transaction } from '../../db/index.ts'
import { found, notFound, type Scope } from '../../kernel/index.ts'
import { requireEntry, senderOf, viewOf } from '../access.ts'
import { closedFiles } from '../openFilesStore.ts'
import type { FileLinks } from './fileLinks.ts'
import { conversationOf, type FileRow, readFile } from './fileRowStore.ts'
import { pictureOf } from './parts.ts'

export const linksView = z
  .object({
    url: z.url(),
    expiresAt: z.iso.datetime(),
    thumbnailUrl: z.url().optional().describe('Of pictures, as soon as it has been made'),
    width: z.int().optional(),
    height: z.int().optional(),
  })
  .meta({ id: 'FileLinks' })

/** Addresses under which anybody can read a file for a while, for an actor to whom it is open. */
export async function signFileLinks(
  scope: Scope,
  tx: Transaction,
  links: FileLinks,
  fileId: string,
): Promise<z.output<typeof linksView>> {
  const file = found(await readFile(tx, scope, fileId), 'file')
  if (viewOf(scope) === 'public') await requireOpen(scope, tx, file)
  const { thumbnail, width, height } = pictureOf(file)
  const expiresAt = new Date(Date.now() + links.lifetimeMs)
  const of = { tenantId: scope.tenantId, fileId }
  return {
    url: links.sign({ ...of, variant: 'file' }, expiresAt),
    expiresAt: expiresAt.toISOString(),
    ...(thumbnail ? { thumbnailUrl: links.sign({ ...of, variant: 'thumbnail' }, expiresAt) } : {}),
    ...(width === undefined ? {} : { width }),
    ...(height === undefined ? {} : { height }),
  }
}

/** What is closed to visitors and guests is not there for them, in whichever conversation it is. */
async function requireOpen(
  scope: Scope,
  tx: Transaction,
  { id: fileId, conversationId }: FileRow,
): Promise<void> {
  const conversation = conversationId === null ? undefined : await conversationOf(tx, scope, conversationId)
  requireEntry(scope, conversation, 'file')
  const wanted = { fileId, conversationId: conversation.id, reader: senderOf(scope) }
  if ((await closedFiles(tx, scope.tenantId, [wanted])).size > 0) throw notFound('file')
}
