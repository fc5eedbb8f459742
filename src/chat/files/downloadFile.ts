import type { RequestHeaders } from '../../http/index.ts'
import { found, notFound, type Origin, ParleyError, systemScope } from '../../kernel/index.ts'
import type { ByteRange } from '../../providers/files.ts'
import type { Target } from './fileLinks.ts'
import { contentDisposition } from './fileNames.ts'
import { type FileRow, readFile } from './fileRowStore.ts'
import { fileTypes } from './fileTypes.ts'
import { type FileParts, keyOfFile, keyOfThumbnail, pictureOf } from './parts.ts'

interface Served {
  readonly key: string
  readonly mimeType: string
  readonly size: number
  readonly name: string
}

/** Answers whoever has a link. The link is the right to read; the file must still be there. */
export async function downloadFile(
  parts: Pick<FileParts, 'db' | 'store' | 'links'>,
  request: { readonly token: string; readonly headers: RequestHeaders; readonly origin: Origin },
): Promise<Response> {
  const target = parts.links.open(request.token)
  const scope = systemScope(target.tenantId, 'file-links', request.origin)
  const row = found(await parts.db.scoped(scope, tx => readFile(tx, scope, target.fileId)), 'file')
  const served = servedFrom(row, target)
  const etag = `"${target.fileId}-${target.variant}"`
  const headers = headersFor(served, etag, target.expiresAt)
  const { 'if-none-match': known, range: wanted, 'if-range': condition } = request.headers
  if (known?.split(',').some(tag => tag.trim().replace(/^W\//, '') === etag))
    return new Response(null, { status: 304, headers })
  const range = condition === undefined || condition === etag ? rangeOf(wanted, served.size) : undefined
  const content = await parts.store.get(served.key, range)
  if (!content) throw notFound('file')
  headers.set('content-length', String(range ? range.last - range.first + 1 : served.size))
  if (range) headers.set('content-range', `bytes ${range.first}-${range.last}/${served.size}`)
  return new Response(ReadableStream.from(content), { status: range ? 206 : 200, headers })
}

function servedFrom(row: FileRow, { tenantId, fileId, variant }: Target): Served {
  const { mimeType, size, filename } = row
  if (variant === 'file') return { key: keyOfFile(tenantId, fileId), mimeType, size, name: filename }
  const { thumbnail } = pictureOf(row)
  if (!thumbnail) throw notFound('file')
  return { ...thumbnail, key: keyOfThumbnail(tenantId, fileId), name: 'thumbnail.webp' }
}

function headersFor({ mimeType, name }: Served, etag: string, expiresAt: Date): Headers {
  const shown = fileTypes[mimeType]?.inline ? 'inline' : 'attachment'
  const secondsLeft = Math.max(0, Math.floor((expiresAt.getTime() - Date.now()) / 1_000))
  return new Headers({
    'content-type': mimeType.startsWith('text/') ? `${mimeType}; charset=utf-8` : mimeType,
    'content-disposition': contentDisposition(shown, name),
    'accept-ranges': 'bytes',
    etag,
    'cache-control': `private, max-age=${secondsLeft}`,
    // Whatever a stranger uploaded: no guessing what else it could be, and no scripts, forms or requests in our name.
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; sandbox",
    // Shown inside the chat on the pages of others; the link is the right to do so.
    'cross-origin-resource-policy': 'cross-origin',
    'referrer-policy': 'no-referrer',
  })
}

/** One range of bytes (RFC 9110, 14.2); undefined for all of it, which is also the answer to units and lists that we do not serve. */
export function rangeOf(header: string | undefined, size: number): ByteRange | undefined {
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '') ?? []
  if (from === '' && to === '') return undefined
  const first = from === '' ? Math.max(0, size - Number(to)) : Number(from)
  const last = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1)
  // Backwards is no range at all, and what is none is ignored.
  if (from !== '' && to !== '' && Number(to) < Number(from)) return undefined
  if (first > last) throw new ParleyError('range_not_satisfiable', `The file has ${size} bytes.`)
  return { first, last }
}
