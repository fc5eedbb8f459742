import type { z } from 'zod'
import type { Fault } from '../protocol/index.ts'

/** All faults that a schema found, each with a path into what was sent. */
export function faultsOf(error: z.ZodError, root = ''): Fault[] {
  return error.issues.flatMap(issue => {
    const at = [root, ...issue.path.map(String)].filter(Boolean).join('.')
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map(key => ({
        path: at ? `${at}.${key}` : key,
        message: 'is not a field of this request',
      }))
    }
    return [{ path: at, message: issue.message }]
  })
}
