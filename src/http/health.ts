import { type Request, Router } from 'express'
import type { Database } from '../db/index.ts'
import { type Metrics, ParleyError, type Secret, sameText } from '../kernel/index.ts'

export interface HealthParts {
  readonly db: Database
  readonly metrics: Metrics
  readonly metricsToken: Secret | undefined
  /** True once the process has been asked to stop: a balancer sends nothing new here. */
  readonly draining: () => boolean
}

const readyWithinMs = 2_000

export function healthRoutes({ db, metrics, metricsToken, draining }: HealthParts): Router {
  const router = Router()
  router.get('/healthz', (_request, response) => {
    response.json({ status: 'alive' })
  })
  router.get('/readyz', async (_request, response) => {
    if (draining()) throw new ParleyError('unavailable', 'This node is stopping.')
    try {
      await within(readyWithinMs, db.ping())
      metrics.databaseUp.set(1)
    } catch (error) {
      metrics.databaseUp.set(0)
      if (error instanceof ParleyError) throw error
      // A login or a database that was taken away is no fault of this request either.
      throw new ParleyError('unavailable', 'The database cannot be used.', { cause: error, retryAfter: 2 })
    }
    response.json({ status: 'ready' })
  })
  router.get('/metrics', async (request, response) => {
    const given = /^Bearer (.+)$/i.exec(request.get('authorization') ?? '')?.[1] ?? ''
    const allowed = metricsToken ? sameText(given, metricsToken.reveal()) : isThisMachine(request)
    if (!allowed) throw new ParleyError('unauthenticated', 'Metrics need the bearer token of METRICS_TOKEN.')
    response.type(metrics.registry.contentType).send(await metrics.registry.metrics())
  })
  return router
}

/** Asked from this machine and for it: a proxy beside us asks for others, and says so. */
const isThisMachine = (request: Request): boolean =>
  request.get('x-forwarded-for') === undefined && /^(127\.|::1$|::ffff:127\.)/.test(request.ip ?? '')

async function within<Result>(ms: number, work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new ParleyError('unavailable', 'The database does not answer.', { retryAfter: 2 })),
      ms,
    )
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
