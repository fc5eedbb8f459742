import sharp from 'sharp'
import type { Content } from './files.ts'

export interface Picture {
  /** As it is shown: turned the way its camera was held. */
  readonly width: number
  readonly height: number
  readonly thumbnail: {
    readonly content: Uint8Array
    readonly mimeType: 'image/webp'
    readonly width: number
    readonly height: number
  }
}

/**
 * Makes small pictures of large ones, in threads of its own. What cannot be a picture (damaged, too many pixels, too slow) is
 * refused with a reason and stays refused when it is tried again; an error of the content passes through.
 */
export interface Thumbnailer {
  make(content: Content): Promise<Picture | { readonly refused: string }>
}

export const thumbnailEdge = 320

/** A few KB can unpack to gigabytes: a picture with more pixels than a large camera takes is not unpacked. */
const pixelLimit = 40_000_000

const secondsLimit = 20

// Uploads come from strangers, so of all the decoders in the library only those of types that are accepted may run.
sharp.block({ operation: ['VipsForeignLoad'] })
sharp.unblock({
  operation: [
    'VipsForeignLoadJpeg',
    'VipsForeignLoadPng',
    'VipsForeignLoadWebp',
    'VipsForeignLoadNsgif',
    'VipsForeignLoadHeif',
  ],
})
sharp.cache(false)
// One picture shall not take every core from the conversations.
sharp.concurrency(1)

export const createThumbnailer = (): Thumbnailer => ({
  async make(content) {
    const parts: Uint8Array[] = []
    for await (const part of content) parts.push(part)
    const bytes = Buffer.concat(parts)
    try {
      return await shrink(bytes)
    } catch (error) {
      return { refused: error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error) }
    }
  },
})

async function shrink(bytes: Buffer): Promise<Picture> {
  const source = sharp(bytes, { limitInputPixels: pixelLimit, failOn: 'error', sequentialRead: true })
  const { autoOrient } = await source.metadata()
  // Metadata of the original, such as the place where it was taken, is not carried over.
  const { data, info } = await source
    .timeout({ seconds: secondsLimit })
    .autoOrient()
    .resize({ width: thumbnailEdge, height: thumbnailEdge, fit: 'inside', withoutEnlargement: true })
    .webp({ quality: 78 })
    .toBuffer({ resolveWithObject: true })
  const { width, height } = info
  return {
    ...{ width: autoOrient.width, height: autoOrient.height },
    thumbnail: { content: data, mimeType: 'image/webp', width, height },
  }
}
