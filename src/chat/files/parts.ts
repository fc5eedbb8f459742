import { z } from 'zod'
import type { Database, Transaction } from '../../db/index.ts'
import { found, type Log, notFound, type Scope, type Vault } from '../../kernel/index.ts'
import type { FileStore } from '../../providers/files.ts'
import type { Thumbnailer } from '../../providers/thumbnails.ts'
import type { FileLinks } from './fileLinks.ts'
import { conversationOf, type FileRow } from './fileRowStore.ts'
import type { UploadOffers } from './uploadOffers.ts'

/** What the verbs about files are made of. */
export interface FileParts {
  readonly db: Database
  readonly store: FileStore
  readonly thumbnails: Thumbnailer
  readonly links: FileLinks
  readonly offers: UploadOffers
  readonly vault: Vault
  readonly log: Log
  readonly maxBytes: number
}

/** What is known of a picture besides its row. */
const pictureSchema = z.object({
  width: z.int().optional(),
  height: z.int().optional(),
  thumbnail: z.object({ mimeType: z.string(), size: z.int(), width: z.int(), height: z.int() }).optional(),
  /** Why there is no thumbnail and will be none. */
  thumbnailError: z.string().optional(),
})

export type PictureMetadata = z.output<typeof pictureSchema>

export const pictureOf = (row: FileRow): PictureMetadata => pictureSchema.parse(row.metadata)

/** Keys are made of ids alone, so that no name that a person chose is ever part of a path. */
export const keyOfFile = (tenantId: string, fileId: string): string => `${tenantId}/${fileId}`
export const keyOfThumbnail = (tenantId: string, fileId: string): string => `${tenantId}/${fileId}.thumbnail`

/** The conversation, if the actor may reach into it: a visitor only into their own, and what is not theirs is not there. */
export async function requireConversation(scope: Scope, tx: Transaction, id: string): Promise<void> {
  const conversation = found(await conversationOf(tx, scope, id), 'conversation')
  const { actor } = scope
  if (actor.kind === 'visitor' && conversation.contactId !== actor.contactId) throw notFound('conversation')
  if (actor.kind === 'guest' && id !== actor.conversationId) throw notFound('conversation')
}
