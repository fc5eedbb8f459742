import { z } from 'zod'
import type { Database, Transaction } from '../../db/index.ts'
import { isUuid, type Log, type Scope, type Vault } from '../../kernel/index.ts'
import type { FileStore } from '../../providers/files.ts'
import type { Thumbnailer } from '../../providers/thumbnails.ts'
import { requireEntry } from '../access.ts'
import type { FileLinks } from './fileLinks.ts'
import { conversationOf, type FileRow } from './fileRowStore.ts'
import type { UploadOffers } from './uploadOffers.ts'
import type { UploadsUnderWay } from './uploadsUnderWay.ts'

/** What the verbs about files are made of. */
export interface FileParts {
  readonly db: Database
  readonly store: FileStore
  readonly thumbnails: Thumbnailer
  readonly links: FileLinks
  readonly offers: UploadOffers
  readonly vault: Vault
  readonly log: Log
  readonly limits: FileLimits
  readonly underWay: UploadsUnderWay
}

/** In bytes. */
export interface FileLimits {
  /** The largest file. */
  readonly file: number
  /** What visitors and guests together may put into one conversation, and each of them into all. */
  readonly strangers: number
  /** What the files of one tenant may take up. */
  readonly tenant: number
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

export function isKeyOfFile(key: string): boolean {
  const [, name = ''] = key.split('/')
  return isUuid(name.replace(/\.thumbnail$/, ''))
}

/** The conversation, if the actor may reach into it: a visitor only into their own, and what is not theirs is not there. */
export const requireConversation = async (scope: Scope, tx: Transaction, id: string): Promise<void> =>
  requireEntry(scope, await conversationOf(tx, scope, id))
