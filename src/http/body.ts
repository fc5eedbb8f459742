import express, { type RequestHandler } from 'express'
import { ParleyError } from '../kernel/index.ts'
import type { Fault } from '../protocol/index.ts'

const sizeLimit = '256kb'

/** Deeper than anything that is meant. Whoever reads a value recursively would run out of stack somewhere below. */
const depthLimit = 50

/** Long enough for the slowest line; a file may take longer, and has limits of its own. */
const deadlineMs = 60_000

/** Reads JSON bodies, and refuses what is JSON but must not reach anything behind this. */
export const readBody: readonly RequestHandler[] = [
  (request, _response, next) => {
    if (!request.is('application/json')) return next()
    const cut = setTimeout(() => request.destroy(), deadlineMs)
    request.once('close', () => clearTimeout(cut))
    request.once('end', () => clearTimeout(cut))
    next()
  },
  express.json({ limit: sizeLimit, strict: true }),
  (request, _response, next) => {
    const fault = faultOfJson(request.body)
    if (fault) throw new ParleyError('invalid_request', undefined, { faults: [fault] })
    next()
  },
]

/** Half a surrogate pair is no text: the database would store something else than was sent. */
export function faultOfJson(body: unknown): Fault | undefined {
  const waiting: { value: unknown; path: readonly string[] }[] = [{ value: body, path: [] }]
  for (let entry = waiting.pop(); entry !== undefined; entry = waiting.pop()) {
    const { value, path } = entry
    if (path.length > depthLimit) return { path: path[0] ?? '', message: 'is nested too deeply' }
    if (typeof value === 'string' && !value.isWellFormed()) {
      return { path: path.join('.'), message: 'must be well-formed Unicode' }
    }
    if (typeof value !== 'object' || value === null) continue
    for (const [key, inner] of Object.entries(value)) {
      if (!key.isWellFormed()) return { path: path.join('.'), message: 'must be well-formed Unicode' }
      waiting.push({ value: inner, path: [...path, key] })
    }
  }
  return undefined
}
