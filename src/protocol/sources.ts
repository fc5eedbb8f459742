import { z } from 'zod'
import { idField } from './fields.ts'

/** A source of knowledge as members watch it. */
export const sourceStateSchema = z.object({
  id: idField,
  name: z.string(),
  type: z.enum(['file', 'url', 'text', 'github']),
  status: z.enum(['processing', 'ready', 'error']),
  progress: z.object({
    stage: z.enum(['waiting', 'fetching', 'reading', 'embedding', 'done']),
    /** Documents; `total` as far as is known. */
    done: z.int(),
    total: z.int().nullable(),
  }),
  /** Why it is not there, or not all of it. */
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  counts: z.object({ documents: z.int(), chunks: z.int(), tokens: z.int() }),
  syncedAt: z.iso.datetime().nullable(),
  /** Of two that are told, the one with the later time is the newer. */
  updatedAt: z.iso.datetime(),
})

export type SourceState = z.output<typeof sourceStateSchema>
