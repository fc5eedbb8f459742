import { z } from 'zod'
import { errorCodes } from './errors.ts'

/** RFC 9457 problem details, as every failed HTTP response carries them. */
export const problemSchema = z
  .object({
    type: z.string().describe('A link to the error table, ending in the code'),
    title: z.string(),
    status: z.int(),
    code: z.enum(errorCodes as [string, ...string[]]).describe('The code of the error table'),
    detail: z.string().optional().describe('What exactly is wrong, for a person'),
    retryable: z.boolean().describe('Whether the same request can succeed later'),
    requestId: z.string().describe('Quote it when reporting a problem'),
    errors: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .optional()
      .describe('Every fault of the request at once'),
  })
  .meta({ id: 'Problem' })

export type Problem = z.infer<typeof problemSchema>
