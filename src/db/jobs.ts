import { type JobResult, PgBoss } from 'pg-boss'
import type { z } from 'zod'
import { type Log, type Metrics, newId } from '../kernel/index.ts'
import type { Pool } from './pool.ts'
import type { SessionClient } from './session.ts'

/**
 * Background work, kept in Postgres. A job runs at least once, on any node, some time after the transaction that added it has
 * committed; a failed one is tried again with growing pauses. Payloads carry ids, not content: they are not under a tenant's policies.
 */
export interface Job<Payload> {
  readonly name: string
  readonly payload: z.ZodType<Payload>
  readonly retryLimit: number
  /** Cron expression in UTC for jobs that run by the clock. */
  readonly schedule?: string
  /** Is added when the program begins; of nodes that begin within the same minutes and have this in common, by one. */
  readonly atStart?: string
  /** Under one key it is added once in so many seconds, and the repeats in between are nothing. */
  readonly once?: { readonly key: (payload: Payload) => string; readonly seconds: number }
  /** For work of minutes: so many of it are done beside each other on a node, and each may take so long. */
  readonly long?: { readonly atOnce: number; readonly limitSeconds: number }
  /** Of long work: whose it is. On a node one of each owner is done at once, and while it is, the work of others passes what the same one has waiting. */
  readonly ownedBy?: (payload: Payload) => string
}

export interface JobSender {
  sendWithin<Payload>(client: SessionClient, role: string, job: Job<Payload>, payload: Payload): Promise<void>
}

export interface JobHandler {
  readonly job: Omit<Job<unknown>, 'once' | 'ownedBy'>
  /** `signal`: the node stops, or another one has taken the job over. Long work gives up then, and begins anew elsewhere. */
  readonly run: (payload: unknown, signal?: AbortSignal) => Promise<void>
}

export interface Jobs extends JobSender {
  /** Makes the queues, lets the serving roles add to them, and starts to work. */
  start(handlers: readonly JobHandler[]): Promise<void>
  /** Waits for running jobs, then stops. */
  stop(): Promise<void>
}

/** Jobs are taken ten at a time, each with its own outcome; while there are more, the next ten follow at once. */
const polling = {
  batchSize: 10,
  burstWhenBatchFull: true,
  pollingIntervalSeconds: 0.5,
  perJobResults: true,
} as const

/** By then the end of a job is on record, in milliseconds, and its owner may have the next one. */
const soon = 50

/** A node that has given no sign of life for so long is dead, and the long work it did begins anew on another. */
const heartbeatSeconds = 30

/** Nodes of one installation begin within this time; whoever begins later looks again, and finds little to do. */
const startSeconds = 300

/** Any number of our own; the same on every node. */
const grantLock = 7_031_530

export const defineJob = <Payload>(job: Job<Payload>): Job<Payload> => job

export function handle<Payload>(
  job: Job<Payload>,
  run: (payload: Payload, signal: AbortSignal) => Promise<void>,
): JobHandler {
  const never = new AbortController().signal
  return { job, run: async (payload, signal = never) => run(job.payload.parse(payload), signal) }
}

export function createJobs(parts: { pool: Pool; log: Log; metrics: Metrics }): Jobs {
  const { pool, log, metrics } = parts
  const boss = new PgBoss({
    db: { executeSql: (text, values) => pool.query(text, values ? [...values] : undefined) },
    schema: 'pgboss',
  })
  const stopping = new AbortController()
  // A database that is away makes every poll fail; the polls go on by themselves, so one line each is enough.
  boss.on('error', error => log.warn({ reason: messageOf(error) }, 'job queue'))

  async function prepareQueue({ job }: JobHandler): Promise<void> {
    const { retryLimit, long } = job
    const settings = {
      ...{ retryLimit, retryDelay: 2, retryBackoff: true, retryDelayMax: 3_600 },
      ...(long && { heartbeatSeconds, expireInSeconds: long.limitSeconds }),
    }
    if (await boss.getQueue(job.name)) await boss.updateQueue(job.name, settings)
    else await boss.createQueue(job.name, settings)
    // pg-boss looks a queue up at its first use, on another connection than the transaction's; on a database with a single
    // connection that would wait for itself. Asking for a job that cannot exist fills its cache now.
    await boss.getJobById(job.name, newId())
    if (job.schedule) await boss.schedule(job.name, job.schedule)
  }

  async function attempt({ job, run }: JobHandler, entry: Entry): Promise<JobResult> {
    try {
      await run(entry.data, AbortSignal.any([entry.signal, stopping.signal]))
      metrics.jobs.inc({ job: job.name, result: 'done' })
      return { id: entry.id, status: 'completed' }
    } catch (error) {
      const about = { job: job.name, jobId: entry.id }
      metrics.jobs.inc({ job: job.name, result: 'failed' })
      if (stopping.signal.aborted) log.info(about, 'a job is left to another node, or to the next start')
      else log.warn({ ...about, err: error }, 'job failed')
      return {
        id: entry.id,
        status: 'failed',
        output: { message: error instanceof Error ? error.message : String(error) },
      }
    }
  }

  async function workOn(handler: JobHandler): Promise<void> {
    const { name, long } = handler.job
    const oneByOne = { batchSize: 1, localConcurrency: long?.atOnce ?? 1, localGroupConcurrency: 1 }
    const options = long ? { ...polling, ...oneByOne } : polling
    let worker = ''
    worker = await boss.work(name, options, async entries => {
      const results = await inOrder(entries, entry => attempt(handler, entry))
      // What waits behind a long one need not wait for the next look as well: batches of one are never taken for full.
      if (long) setTimeout(() => boss.notifyWorker(worker), soon).unref()
      return results
    })
  }

  return {
    async sendWithin(client, role, job, payload) {
      // Adding a job needs rights that the serving role must not have, so the transaction borrows another for one statement.
      const executeSql = async (text: string, values?: unknown[]) => {
        await client.query(`set local role parley_jobs`)
        const result = await client.query(text, values)
        await client.query(`set local role ${role}`)
        return result
      }
      const { once, ownedBy } = job
      await boss.send(job.name, job.payload.parse(payload) as object, {
        db: { executeSql },
        ...(once && { singletonKey: once.key(payload), singletonSeconds: once.seconds }),
        ...(ownedBy && { group: { id: ownedBy(payload) } }),
      })
    },
    async start(handlers) {
      await boss.start()
      for (const handler of handlers) await prepareQueue(handler)
      // One implicit transaction. The lock is for nodes that start together: two grants at once on one object fail.
      await pool.query(`
        select pg_advisory_xact_lock(${grantLock});
        grant usage on schema pgboss to parley_jobs;
        grant select on all tables in schema pgboss to parley_jobs;
        do $$ declare queue record; begin
          for queue in select c.oid::regclass as name from pg_class c
            where c.relnamespace = 'pgboss'::regnamespace and c.relkind in ('r', 'p') and c.relname ~ '^(job|job_common|j[0-9a-f]+)$'
          loop execute format('grant insert on %s to parley_jobs', queue.name); end loop;
        end $$;`)
      for (const handler of handlers) await workOn(handler)
      for (const { job } of handlers)
        if (job.atStart !== undefined)
          await boss.send(job.name, {}, { singletonKey: job.atStart, singletonSeconds: startSeconds })
    },
    async stop() {
      stopping.abort(new Error('this node stops'))
      await boss.stop({ graceful: true, timeout: 10_000 })
    },
  }
}

interface Entry {
  readonly id: string
  readonly data: unknown
  readonly signal: AbortSignal
}

/** One after the other: of two mails to one address the newer one must not overtake. */
async function inOrder<Item, Result>(
  entries: readonly Item[],
  work: (entry: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  for (const entry of entries) results.push(await work(entry))
  return results
}

/** What pg-boss reports is not always an Error, but carries the message of one. */
const messageOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : String(error)
