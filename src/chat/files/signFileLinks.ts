import { z } from 'zod'
import type { Transaction } from '../../db/index.ts'
import { found, notFound, type Scope } from '../../kernel/index.ts'
import type { FileLinks } from './fileLinks.ts'
import { readFile } from './fileRowStore.ts'
import { pictureOf, requireConversation } from './parts.ts'

export const linksView = z
  .object({
    url: z.url(),
    expiresAt: z.iso.datetime(),
    thumbnailUrl: z.url().optional().describe('Of pictures, as soon as it has been made'),
    width: z.int().optional(),
    height: z.int().optional(),
  })
  .meta({ id: 'FileLinks' })

/** Addresses under which anybody can read a file for a while, for an actor who may see its conversation. */
export async function signFileLinks(
  scope: Scope,
  tx: Transaction,
  links: FileLinks,
  fileId: string,
): Promise<z.output<typeof linksView>> {
  const file = found(await readFile(tx, scope, fileId), 'file')
  if (file.conversationId !== null) await requireConversation(scope, tx, file.conversationId)
  else if (scope.actor.kind === 'visitor' || scope.actor.kind === 'guest') throw notFound('file')
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
