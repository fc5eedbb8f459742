import type { Apt } from './apt.ts'
import { reasonOf } from './command.ts'
import type { How, Log, Missing, Provided, ServiceName } from './types.ts'

/** What a rung may use of the world; nothing below reads the environment or the clock of anyone else. */
export interface Tools {
  environment: NodeJS.ProcessEnv
  apt: Apt
  log: Log
}

export interface Found {
  details: Record<string, string>
  stop?: () => Promise<void>
}

export interface Rung {
  how: How
  /** Gives the service, or throws an error whose message tells a person why not. Never hangs. */
  attempt(): Promise<Found>
}

/**
 * A person named this very service and it cannot be used. Falling through to another one would quietly test
 * something else than was asked for, so the ladder ends here.
 */
export class SettingUnusable extends Error {}

/** The rung of an environment variable: absent is an ordinary reason, present but unusable ends the ladder. */
export function environmentRung(
  variable: string,
  environment: NodeJS.ProcessEnv,
  use: (value: string) => Promise<Found>,
): Rung {
  return {
    how: 'environment',
    async attempt() {
      const value = environment[variable]
      if (value === undefined || value === '') throw new Error(`${variable} is not set`)
      try {
        return await use(value)
      } catch (error) {
        throw new SettingUnusable(`${variable} is set but cannot be used: ${reasonOf(error)}`)
      }
    },
  }
}

export async function climb(
  name: ServiceName,
  rungs: readonly Rung[],
  skipped: ReadonlySet<string>,
  log: Log,
): Promise<Provided | Missing> {
  const reasons: string[] = []
  for (const rung of rungs) {
    if (skipped.has(rung.how)) {
      reasons.push(`${rung.how}: skipped by TEST_SERVICES_SKIP`)
      continue
    }
    try {
      const found = await rung.attempt()
      log(`${name}: ${rung.how}`)
      return { name, how: rung.how, details: found.details, stop: once(found.stop) }
    } catch (error) {
      const reason = `${rung.how}: ${reasonOf(error)}`
      reasons.push(reason)
      log(`${name}: not by ${reason}`)
      if (error instanceof SettingUnusable) break
    }
  }
  return { name, reasons }
}

function once(stop: (() => Promise<void>) | undefined): () => Promise<void> {
  let stopping: Promise<void> | undefined
  return () => {
    stopping ??= stop === undefined ? Promise.resolve() : stop()
    return stopping
  }
}
