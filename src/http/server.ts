import { createServer, type Server as HttpServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import express, { type Express, type RequestHandler, type Router } from 'express'
import helmet from 'helmet'
import { type Log, type Metrics, newId, ParleyError } from '../kernel/index.ts'
import { readBody } from './body.ts'
import type { Limits } from './limits.ts'
import { asNoPage } from './pageHeaders.ts'
import { nothingHere, problemHandler } from './problems.ts'
import type { Route } from './route.ts'
import { type ServeParts, serveRoute } from './serve.ts'
import { discardRest } from './upload.ts'

export interface HttpParts extends ServeParts {
  readonly log: Log
  readonly metrics: Metrics
  readonly limits: Limits
  readonly trustProxy: number
  readonly routes: readonly Route[]
  /** Routers that bring their own ways: health, pages, sign-in. */
  readonly before: readonly Router[]
  readonly after: readonly Router[]
}

export function createHttp(parts: HttpParts): Express {
  const app = express()
  app.set('trust proxy', parts.trustProxy)
  app.set('etag', false)
  app.disable('x-powered-by')
  app.use(identifyRequest, readNoFurther, observe(parts.log, parts.metrics), helmet(headers))
  for (const router of parts.before) app.use(router)
  app.use(parts.limits.requests)
  app.use('/api/v1/visitor', fromAnyPage)
  app.use('/api', noStore, ...readBody)
  mountRoutes(app, parts)
  for (const router of parts.after) app.use(router)
  app.use(nothingHere)
  app.use(problemHandler(parts.log))
  return app
}

function mountRoutes(app: Express, parts: HttpParts): void {
  const methods = new Map<string, string[]>()
  for (const route of parts.routes) {
    const path = expressPath(route.path)
    app[route.method](path, ...(route.guessable ? [parts.limits.guesses] : []), serveRoute(route, parts))
    const answered = route.method === 'get' ? ['GET', 'HEAD'] : [route.method.toUpperCase()]
    methods.set(path, [...(methods.get(path) ?? []), ...answered])
  }
  for (const [path, allowed] of methods) {
    app.all(path, (_request, response) => {
      response.set('Allow', allowed.join(', '))
      throw new ParleyError('method_not_allowed')
    })
  }
}

const expressPath = (path: string): string => path.replace(/\{(\w+)\}/g, ':$1')

const identifyRequest: RequestHandler = (request, response, next) => {
  const given = request.get('x-request-id')
  const requestId = given !== undefined && /^[\w-]{8,64}$/.test(given) ? given : newId()
  response.locals.requestId = requestId
  response.set('X-Request-Id', requestId)
  next()
}

const readNoFurther: RequestHandler = (request, response, next) => {
  response.once('finish', () => discardRest(request))
  next()
}

/** Widgets call from their customers' pages. No cookie counts here: which pages may, each route checks against the widget's domains. */
const fromAnyPage: RequestHandler = (request, response, next) => {
  asNoPage(response)
  response.set({
    'Access-Control-Allow-Origin': '*',
    'Access-Control-Expose-Headers': 'Retry-After, X-Request-Id',
    'Cross-Origin-Resource-Policy': 'cross-origin',
  })
  if (request.method !== 'OPTIONS') return next()
  response
    .set({
      'Access-Control-Allow-Headers': 'Authorization, Content-Type',
      'Access-Control-Allow-Methods': 'GET, POST, DELETE',
      'Access-Control-Max-Age': '7200',
    })
    .status(204)
    .end()
}

const noStore: RequestHandler = (_request, response, next) => {
  response.set('Cache-Control', 'no-store')
  next()
}

function observe(log: Log, metrics: Metrics): RequestHandler {
  return (request, response, next) => {
    const started = process.hrtime.bigint()
    response.on('close', () => {
      const seconds = Number(process.hrtime.bigint() - started) / 1e9
      // The pattern, not the address: ids would make a metric for each.
      const route = typeof request.route?.path === 'string' ? request.route.path : 'other'
      metrics.httpRequests.inc({ method: request.method, route, status: response.statusCode })
      metrics.httpDuration.observe({ method: request.method, route }, seconds)
      log.debug(
        {
          requestId: response.locals.requestId,
          method: request.method,
          route,
          status: response.statusCode,
          seconds,
        },
        'request',
      )
    })
    next()
  }
}

const headers: Parameters<typeof helmet>[0] = {
  contentSecurityPolicy: {
    directives: {
      'default-src': ["'self'"],
      'style-src': ["'self'", "'unsafe-inline'"],
      'img-src': ["'self'", 'data:'],
      'connect-src': ["'self'"],
      'font-src': ["'self'"],
      'frame-ancestors': ["'none'"],
      // Plain http is how people try it on their own machine.
      'upgrade-insecure-requests': null,
    },
  },
  strictTransportSecurity: { maxAge: 15_552_000, includeSubDomains: false },
  referrerPolicy: { policy: 'strict-origin-when-cross-origin' },
}

export interface Door {
  readonly port: number
  /** For whoever else answers at this port: WebSockets. */
  readonly server: HttpServer
  /** From now on requests reach the program; before, they are told to come back in a moment. */
  serve(app: Express): void
  /** Takes no new connection, lets running requests finish, and cuts what is left after the deadline. May be called again. */
  close(deadlineMs: number): Promise<void>
}

export class CannotListen extends Error {}

/** Takes the port before anything is served: the address is known then, and a port that is taken is noticed early. */
export async function openDoor(address: { port: number; host: string }, log: Log): Promise<Door> {
  let app: RequestListener = express().use(
    identifyRequest,
    () => {
      throw new ParleyError('unavailable', 'The program is still starting.', { retryAfter: 1 })
    },
    problemHandler(log),
  )
  const server = createServer(
    {
      // As long as a large file may take on a slow line; JSON bodies and silence are cut much sooner.
      requestTimeout: 600_000,
      // Whoever has not said by then what they want is left, ten seconds after they came at the latest.
      ...{ headersTimeout: 8_000, connectionsCheckingInterval: 2_000 },
      keepAliveTimeout: 65_000,
    },
    (request, response) => app(request, response),
  )
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const at = `${address.host}:${address.port}`
      if (error.code === 'EADDRINUSE')
        reject(new CannotListen(`Port ${address.port} is already in use (${at}). Set PORT to another one.`))
      else if (error.code === 'EACCES')
        reject(new CannotListen(`Listening on ${at} is not permitted. Set PORT to one above 1023.`))
      else
        reject(new CannotListen(`Listening on ${at} is not possible (${error.code}). Check HOST and PORT.`))
    })
    server.listen(address.port, address.host, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    server,
    serve: program => {
      app = program
    },
    close: deadlineMs =>
      new Promise<void>(resolve => {
        const cut = setTimeout(() => server.closeAllConnections(), deadlineMs)
        // A kept connection becomes idle once its request is answered, and nobody tells us when.
        const sweep = setInterval(() => server.closeIdleConnections(), 50)
        server.close(() => {
          clearTimeout(cut)
          clearInterval(sweep)
          resolve()
        })
      }),
  }
}
