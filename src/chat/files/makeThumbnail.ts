import { z } from 'zod'
import { defineJob, handle, type JobHandler } from '../../db/index.ts'
import { systemScope } from '../../kernel/index.ts'
import type { Content, FileStore } from '../../providers/files.ts'
import type { Picture } from '../../providers/thumbnails.ts'
import { addMetadata, type FileRow, readFile } from './fileRowStore.ts'
import { type FileParts, keyOfThumbnail, type PictureMetadata, pictureOf } from './parts.ts'

export const makeThumbnailJob = defineJob({
  name: 'make-thumbnail',
  payload: z.object({ tenantId: z.uuid(), fileId: z.uuid() }),
  retryLimit: 5,
})

/** Measures a picture and stores a small one beside it. A store that is away is tried again; a picture that is none is written down as that. */
export const thumbnailHandler = (parts: Pick<FileParts, 'db' | 'store' | 'thumbnails'>): JobHandler =>
  handle(makeThumbnailJob, async ({ tenantId, fileId }) => {
    const { db, store, thumbnails } = parts
    const scope = systemScope(tenantId, 'thumbnails')
    const file = await db.scoped(scope, tx => readFile(tx, scope, fileId))
    // Deleted meanwhile, or made by an attempt whose end was not written down.
    if (!file || isDone(pictureOf(file))) return
    const made = await thumbnails.make(await contentOf(store, file))
    if (!('refused' in made)) await store.put(keyOfThumbnail(tenantId, fileId), once(made.thumbnail.content))
    const metadata = { ...metadataOf(made) }
    const there = await db.scoped(scope, tx => addMetadata(tx, scope, fileId, metadata))
    // Taken back in between: its objects may have been removed before this one was stored.
    if (!there) await store.delete(keyOfThumbnail(tenantId, fileId))
  })

const isDone = (picture: PictureMetadata): boolean =>
  picture.thumbnail !== undefined || picture.thumbnailError !== undefined

async function contentOf(store: FileStore, { storageKey }: FileRow): Promise<Content> {
  const content = await store.get(storageKey)
  if (!content) throw new Error('the object of a file is missing')
  return content
}

function metadataOf(made: Picture | { readonly refused: string }): PictureMetadata {
  if ('refused' in made) return { thumbnailError: made.refused.slice(0, 200) }
  const { width, height, thumbnail } = made
  const { content, ...shape } = thumbnail
  return { width, height, thumbnail: { ...shape, size: content.length } }
}

async function* once(bytes: Uint8Array): Content {
  yield bytes
}
