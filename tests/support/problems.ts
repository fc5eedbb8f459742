import { expect } from 'vitest'
import { type ErrorCode, errorTable, type Problem, problemSchema } from '../../src/protocol/index.ts'

interface Refused {
  readonly status: number
  readonly headers: Headers
  readonly body: unknown
}

/** A refusal as it must always look: a problem from the error table, with its own request id, telling nothing of the inside. */
export function expectProblem(answer: Refused, code: ErrorCode): Problem {
  const shown = JSON.stringify(answer.body)
  const { status, title, retryable } = errorTable[code]
  expect(answer.status, shown).toBe(status)
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/)
  const problem = problemSchema.strict().parse(answer.body)
  expect(problem).toMatchObject({ code, status, title, retryable, type: `/api/docs/errors#${code}` })
  expect(problem.requestId).toBe(answer.headers.get('x-request-id'))
  expect(answer.headers.has('retry-after'), 'Retry-After').toBe(retryable)
  expect(shown).not.toMatch(/node_modules|\.ts:\d|\bat \w+ \(|select .* from/i)
  return problem
}

/** The paths at fault, sorted, of an invalid request. */
export const faultPaths = (answer: Refused): string[] =>
  (expectProblem(answer, 'invalid_request').errors ?? []).map(({ path }) => path).sort()
