import { createHash } from 'node:crypto'
import { z } from 'zod'
import { isUuid, ParleyError } from '../kernel/index.ts'
import type { Fault } from '../protocol/index.ts'
import { countField } from './fields.ts'

/** Lists are read newest first, a page at a time. The cursor is the id of the last item seen: ids sort by time. */
export const pageQuery = z.strictObject({
  limit: countField(1, 100).default(25).describe('Items per page'),
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

const noCursor: Fault = { path: 'cursor', message: 'is not a cursor of this list' }

/** The id after which a page begins, or undefined for the first page. */
export function cursorId(page: PageRequest): string | undefined {
  if (page.cursor === undefined) return undefined
  const id = Buffer.from(page.cursor, 'base64url').toString('utf8')
  if (!isUuid(id)) throw new ParleyError('invalid_request', undefined, { faults: [noCursor] })
  return id
}

/** Makes a page from rows read with a limit one larger than asked for. */
export function toPage<Row extends { readonly id: string }>(rows: readonly Row[], page: PageRequest) {
  const items = rows.slice(0, page.limit)
  const last = items.at(-1)
  const nextCursor = rows.length > page.limit && last ? Buffer.from(last.id).toString('base64url') : null
  return { items, nextCursor }
}

/**
 * A cursor on the wire belongs to its list: that of another one, all ids being alike, would begin a page somewhere. The plumbing adds the
 * mark and takes it off again, so no list can forget it.
 */
const markOf = (list: string): string =>
  `${createHash('sha256').update(list).digest('base64url').slice(0, 6)}.`

export function markCursor(list: string, body: unknown): unknown {
  if (!hasText(body, 'nextCursor')) return body
  return { ...body, nextCursor: `${markOf(list)}${body.nextCursor}` }
}

/** The query with its cursor as the list made it, or what is wrong with the cursor. */
export function unmarkCursor(list: string, query: unknown): { query: unknown; fault?: Fault } {
  if (!hasText(query, 'cursor')) return { query }
  const mark = markOf(list)
  if (!query.cursor.startsWith(mark)) return { query, fault: noCursor }
  return { query: { ...query, cursor: query.cursor.slice(mark.length) } }
}

const hasText = <Name extends string>(value: unknown, name: Name): value is Record<Name, string> =>
  typeof value === 'object' && value !== null && typeof (value as Record<string, unknown>)[name] === 'string'
