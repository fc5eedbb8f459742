import { isIP } from 'node:net'
import type { Request, RequestHandler } from 'express'
import type { Cluster, Redis } from 'ioredis'
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import { type Log, ParleyError } from '../kernel/index.ts'

export interface LimitSettings {
  readonly requestsPerMinute: number
  readonly signInsPerMinute: number
}

export interface Limits {
  /** For everything. Counts by address: a credential that is not checked yet must not buy a fresh allowance. */
  readonly requests: RequestHandler
  /** For whatever could be guessed: passwords, codes, tokens. Counts by address. */
  readonly guesses: RequestHandler
}

/** On one node the counts are in memory; with Redis all nodes share them, and a node that loses Redis counts for itself meanwhile. */
export function createLimits(settings: LimitSettings, redis: Redis | Cluster | undefined, log: Log): Limits {
  const limiter = (name: string, perMinute: number) => {
    const options = { keyPrefix: `parley:limit:${name}`, points: perMinute, duration: 60 }
    const memory = new RateLimiterMemory(options)
    return redis ? new RateLimiterRedis({ ...options, storeClient: redis, insuranceLimiter: memory }) : memory
  }
  const middleware = (name: string, perMinute: number): RequestHandler => {
    const counter = limiter(name, perMinute)
    return async (request, response, next) => {
      try {
        const state = await counter.consume(addressOf(request))
        response.set('RateLimit-Remaining', String(state.remainingPoints))
      } catch (refusal) {
        if (refusal instanceof RateLimiterRes) {
          const retryAfter = Math.max(1, Math.ceil(refusal.msBeforeNext / 1000))
          response.set('RateLimit-Remaining', '0')
          throw new ParleyError('rate_limited', `Too many ${name} from this address within a minute.`, {
            retryAfter,
          })
        }
        // The counting failed, not the caller: let the request through and say so.
        log.warn({ err: refusal, limit: name }, 'rate limit could not be counted')
      }
      next()
    }
  }
  return {
    requests: middleware('requests', settings.requestsPerMinute),
    guesses: middleware('attempts', settings.signInsPerMinute),
  }
}

/** Whoever has one IPv6 address has at least 2^64 of them, so the network counts as one. */
function addressOf(request: Request): string {
  const ip = request.ip ?? 'unknown'
  if (isIP(ip) === 4 || ip.startsWith('::ffff:')) return ip
  // A proxy that we trust may still have passed on nonsense; all of it shares one allowance.
  if (isIP(ip) !== 6) return 'unknown'
  const [head = '', tail] = ip.split('::')
  const left = head.split(':').filter(Boolean)
  const right = tail?.split(':').filter(Boolean) ?? []
  const groups =
    tail === undefined ? left : [...left, ...Array(8 - left.length - right.length).fill('0'), ...right]
  return `${groups.slice(0, 4).join(':')}::/64`
}
