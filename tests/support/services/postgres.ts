import { existsSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { reasonOf, versionAtLeast } from './command.ts'
import { dockerEngine, startContainer } from './docker.ts'
import { environmentRung, type Found, type Rung, type Tools } from './ladder.ts'
import { installPgvector, leastPgvector } from './pgvector.ts'
import { type Inspection, inspect } from './postgres-inspection.ts'
import { startLocalPostgres } from './postgres-local.ts'
import { freePort } from './process.ts'

const leastVersion = '15'
const dockerImage = 'pgvector/pgvector:pg17'

export function postgresRungs(tools: Tools): Rung[] {
  const { environment, apt } = tools
  return [
    environmentRung('TEST_DATABASE_URL', environment, async url => accepted(url, await inspect(url))),
    { how: 'running', attempt: () => running(tools) },
    { how: 'binary', attempt: () => local(tools) },
    { how: 'docker', attempt: () => inDocker(environment) },
    {
      how: 'installed',
      async attempt() {
        await apt.install(['postgresql'])
        return local(tools)
      },
    },
  ]
}

async function running(tools: Tools): Promise<Found> {
  // Debian's superuser first; elsewhere (Homebrew, say) it is named after whoever installed it.
  const users = new Set(['postgres', tools.environment.PGUSER, userInfo().username])
  const reasons: string[] = []
  for (const user of users) {
    if (user === undefined || user === '') continue
    const url = `postgres://${encodeURIComponent(user)}@127.0.0.1:5432/postgres`
    try {
      return accepted(url, await withPgvector(url, await inspect(url), tools))
    } catch (error) {
      reasons.push(`as ${user}: ${reasonOf(error)}`)
    }
  }
  throw new Error(reasons.join('; '))
}

async function local(tools: Tools): Promise<Found> {
  const server = await startLocalPostgres(tools.environment)
  try {
    const inspection = await withPgvector(server.url, await inspect(server.url), tools)
    return { ...accepted(server.url, inspection), stop: server.stop }
  } catch (error) {
    await server.stop()
    throw error
  }
}

async function inDocker(environment: NodeJS.ProcessEnv): Promise<Found> {
  const docker = await dockerEngine(environment)
  const port = await freePort()
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`
  const container = await startContainer(docker, {
    image: dockerImage,
    publish: [`127.0.0.1:${port}:5432`],
    environment: { POSTGRES_HOST_AUTH_METHOD: 'trust' },
    ready: async () => {
      await inspect(url)
    },
  })
  try {
    return { ...accepted(url, await inspect(url)), stop: container.stop }
  } catch (error) {
    await container.stop()
    throw error
  }
}

/** Installs pgvector where only that is wanting, and only beside a server whose folders are on this machine. */
async function withPgvector(url: string, found: Inspection, tools: Tools): Promise<Inspection> {
  if (found.pgvector !== undefined || !found.superuser || !versionAtLeast(found.version, leastVersion))
    return found
  const pgConfig = join(found.binaryFolder ?? '', 'pg_config')
  const control = join(found.sharedFolder ?? '', 'extension', 'plpgsql.control')
  if (found.binaryFolder === undefined || !existsSync(pgConfig) || !existsSync(control))
    throw new Error('pgvector is not available in it, and its folders are not on this machine')
  tools.log(`postgres: ${found.version} has no pgvector; installing it`)
  try {
    await installPgvector(pgConfig, tools.environment, tools.apt, tools.log)
  } catch (error) {
    throw new Error(`pgvector is not available in it and could not be installed (${reasonOf(error)})`)
  }
  return inspect(url)
}

function accepted(url: string, { version, superuser, pgvector }: Inspection): Found {
  if (!versionAtLeast(version, leastVersion))
    throw new Error(`PostgreSQL ${version} is older than ${leastVersion}`)
  if (!superuser) throw new Error('its user is no superuser, so tests cannot make databases and roles')
  if (pgvector === undefined) throw new Error('pgvector is not available in it')
  if (!versionAtLeast(pgvector, leastPgvector))
    throw new Error(`its pgvector ${pgvector} is older than ${leastPgvector}`)
  return { details: { url, version, pgvector } }
}
