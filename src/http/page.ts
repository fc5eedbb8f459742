import { z } from 'zod'
import { isUuid, ParleyError } from '../kernel/index.ts'

/** Lists are read newest first, a page at a time. The cursor is the id of the last item seen: ids sort by time. */
export const pageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(100).default(25).describe('Items per page'),
  cursor: z.string().max(100).optional().describe('`nextCursor` of the page before'),
})

export interface PageRequest {
  readonly limit: number
  readonly cursor?: string | undefined
}

export const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.object({
    items: z.array(item),
    nextCursor: z.string().nullable().describe('Pass as `cursor` for the next page; null on the last one'),
  })

/** The id after which a page begins, or undefined for the first page. */
export function cursorId(page: PageRequest): string | undefined {
  if (page.cursor === undefined) return undefined
  const id = Buffer.from(page.cursor, 'base64url').toString('utf8')
  if (!isUuid(id))
    throw new ParleyError('invalid_request', undefined, {
      faults: [{ path: 'cursor', message: 'is not a cursor of this list' }],
    })
  return id
}

/** Makes a page from rows read with a limit one larger than asked for. */
export function toPage<Row extends { readonly id: string }>(rows: readonly Row[], page: PageRequest) {
  const items = rows.slice(0, page.limit)
  const last = items.at(-1)
  const nextCursor = rows.length > page.limit && last ? Buffer.from(last.id).toString('base64url') : null
  return { items, nextCursor }
}
