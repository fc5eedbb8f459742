import { createHash } from 'node:crypto'
import type { Request, RequestHandler } from 'express'
import type { Cluster, Redis } from 'ioredis'
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import { type Log, networkOf, ParleyError } from '../kernel/index.ts'

export interface LimitSettings {
  readonly requestsPerMinute: number
  readonly signInsPerMinute: number
}

/** Counts failures per thing that is guessed at, wherever the guesses come from. */
export interface FailureLimit {
  /**
   * Runs an attempt; `rate_limited` when there were too many failures before. It counts as a failure from its beginning, so that many
   * at once are not all let through, until `work` says that it was none. What `work` throws counts if `isFailure` says so.
   */
  attempt<Result>(
    name: string,
    work: () => Promise<Result>,
    isFailure: (error: unknown) => boolean,
  ): Promise<Result>
}

export interface Limits {
  /** For everything. Counts by address: a credential that is not checked yet must not buy a fresh allowance. */
  readonly requests: RequestHandler
  /** For whatever could be guessed: passwords, codes, tokens. Counts by address. */
  readonly guesses: RequestHandler
  /** For passwords, by account: many addresses must not have many times the guesses at one. */
  readonly passwords: FailureLimit
}

/** More than anybody needs who tries all the passwords they ever had, and far too few to find one. */
const failures = { points: 20, seconds: 15 * 60 }

/** On one node the counts are in memory; with Redis all nodes share them, and a node that loses Redis counts for itself meanwhile. */
export function createLimits(settings: LimitSettings, redis: Redis | Cluster | undefined, log: Log): Limits {
  const limiter = (name: string, points: number, duration: number) => {
    const options = { keyPrefix: `parley:limit:${name}`, points, duration }
    const memory = new RateLimiterMemory(options)
    return redis ? new RateLimiterRedis({ ...options, storeClient: redis, insuranceLimiter: memory }) : memory
  }
  const middleware = (name: string, perMinute: number): RequestHandler => {
    const counter = limiter(name, perMinute, 60)
    return async (request, response, next) => {
      try {
        const state = await counter.consume(addressOf(request))
        response.set('RateLimit-Remaining', String(state.remainingPoints))
      } catch (refusal) {
        if (refusal instanceof RateLimiterRes) {
          response.set('RateLimit-Remaining', '0')
          throw tooMany(`Too many ${name} from this address within a minute.`, refusal)
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
    passwords: failureLimit(limiter('failures', failures.points, failures.seconds), log),
  }
}

const tooMany = (words: string, { msBeforeNext }: RateLimiterRes) =>
  new ParleyError('rate_limited', words, { retryAfter: Math.max(1, Math.ceil(msBeforeNext / 1000)) })

function failureLimit(counter: RateLimiterMemory | RateLimiterRedis, log: Log): FailureLimit {
  /** When the counting fails, it is not the caller who did: let them through and say so. */
  const counting = async (count: () => Promise<unknown>): Promise<void> => {
    try {
      await count()
    } catch (refusal) {
      if (refusal instanceof RateLimiterRes)
        throw tooMany('Too many failed attempts for this account. Try again later.', refusal)
      log.warn({ err: refusal, limit: 'failures' }, 'rate limit could not be counted')
    }
  }
  return {
    async attempt(name, work, isFailure) {
      // What is guessed at is nobody's business who reads the store of the counts.
      const key = createHash('sha256').update(name).digest('base64url')
      await counting(() => counter.consume(key))
      try {
        const result = await work()
        await counting(() => counter.delete(key))
        return result
      } catch (error) {
        // An outage, say, is no guess.
        if (!isFailure(error)) await counting(() => counter.reward(key))
        throw error
      }
    },
  }
}

const addressOf = (request: Request): string => networkOf(request.ip ?? 'unknown')
