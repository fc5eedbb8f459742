/**
 * Real services for the test suite. For each, in this order:
 *
 * 1. `environment`: TEST_DATABASE_URL, TEST_REDIS_URL, CHROMIUM_PATH, HAPROXY_PATH, LIVEKIT_SERVER_PATH, TEST_S3_URL. Set but
 *    unusable ends the search: another service than the one named would not be what was asked for.
 * 2. `running`: a server on this machine at the standard port (PostgreSQL gets pgvector installed if it lacks it).
 * 3. `binary`: a local binary, started on a random port with a temporary folder, stopped by its own pid.
 * 4. `docker`: where a Docker engine answers.
 * 5. `installed`: by apt as root on Debian, and then as in 3; LiveKit and the S3 server by `go install` into
 *    `${XDG_CACHE_HOME:-~/.cache}/parley-test/`, and before Docker.
 *
 * TEST_SERVICES_SKIP leaves rungs out, by these names: `TEST_SERVICES_SKIP=environment,running npm test`.
 */
import { createApt } from './apt.ts'
import { reasonOf } from './command.ts'
import { climb, type Rung, type Tools } from './ladder.ts'
import { livekitRungs } from './livekit.ts'
import { postgresRungs } from './postgres.ts'
import { chromiumRungs, haproxyRungs } from './program.ts'
import { redisRungs } from './redis.ts'
import { s3Rungs } from './s3.ts'
import { type Log, type Missing, type Provided, rungNames, type ServiceName } from './types.ts'

export { type How, type Missing, type Provided, type ServiceName, serviceNames } from './types.ts'

const ladders: Record<ServiceName, (tools: Tools) => Rung[]> = {
  postgres: postgresRungs,
  redis: redisRungs,
  chromium: chromiumRungs,
  haproxy: haproxyRungs,
  livekit: livekitRungs,
  s3: s3Rungs,
}

export interface Services {
  provided: Map<ServiceName, Provided>
  missing: Missing[]
  /** Stops all that was started; waits for every one even when some fail. */
  stop(): Promise<void>
}

/** Side by side; a service that cannot be had is reported with its reasons and never thrown. */
export async function provideServices(
  names: readonly ServiceName[],
  log: Log,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Services> {
  const skipped = skippedRungs(environment)
  const tools: Tools = { environment, log, apt: createApt(environment, log) }
  const wanted = [...new Set(names)]
  const results = await Promise.all(wanted.map(name => climb(name, ladders[name](tools), skipped, log)))
  const provided = new Map<ServiceName, Provided>()
  const missing: Missing[] = []
  for (const result of results) {
    if ('how' in result) provided.set(result.name, result)
    else missing.push(result)
  }
  return { provided, missing, stop: () => stopAll([...provided.values()]) }
}

async function stopAll(services: readonly Provided[]): Promise<void> {
  const endings = await Promise.allSettled(services.map(service => service.stop()))
  const failures = endings.flatMap(ending => (ending.status === 'rejected' ? [reasonOf(ending.reason)] : []))
  if (failures.length > 0) throw new Error(`some services could not be stopped: ${failures.join('; ')}`)
}

function skippedRungs(environment: NodeJS.ProcessEnv): ReadonlySet<string> {
  const names = (environment.TEST_SERVICES_SKIP ?? '').split(',').filter(name => name !== '')
  const known: readonly string[] = rungNames
  const unknown = names.filter(name => !known.includes(name))
  if (unknown.length > 0)
    throw new Error(`TEST_SERVICES_SKIP names ${unknown.join(', ')}; it knows ${rungNames.join(', ')}`)
  return new Set(names)
}
