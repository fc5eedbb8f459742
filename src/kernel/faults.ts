import type { z } from 'zod'
import type { Fault } from '../protocol/index.ts'

/** Nobody mends more at a time. Whoever sends rubbish must not be answered with more than they sent. */
const mostFaults = 20
const longestPath = 200

/** The faults that a schema found, each with a path into what was sent. */
export function faultsOf(error: z.ZodError, root = ''): Fault[] {
  const faults: Fault[] = []
  for (const issue of error.issues.slice(0, mostFaults)) {
    const at = [root, ...issue.path.map(String)].filter(Boolean).join('.')
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys.slice(0, mostFaults))
        faults.push(fault(at ? `${at}.${key}` : key, 'is not a field of this request'))
    } else faults.push(fault(at, issue.message))
  }
  return faults.slice(0, mostFaults)
}

const fault = (path: string, message: string): Fault => ({
  path: path.slice(0, longestPath).toWellFormed(),
  message,
})
