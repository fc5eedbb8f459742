import { inject } from 'vitest'
import { createTestDatabase, type TestDatabase } from './databases.ts'
import { eventually } from './eventually.ts'
import { createNode, type GatewayNode } from './nodes.ts'
import { type TestParley, testSecret } from './parley.ts'
import { unlimited } from './processes.ts'
import { temporaryFolder } from './services/process.ts'

/** Several nodes need a PostgreSQL and a Redis that all of them reach. */
export const clusterPossible =
  inject('services').postgres !== undefined && inject('services').redis !== undefined

export interface ClusterPlan {
  readonly nodes: number
  /** Another Redis than that of the whole run, or another way to it for each node. */
  readonly redisUrl?: (which: number) => string
  readonly environment?: Readonly<Record<string, string>>
  /** Another than a clone of the template. */
  readonly database?: TestDatabase
}

export interface Cluster {
  readonly nodes: readonly GatewayNode[]
  readonly database: TestDatabase
  /** One of the nodes as the helpers for a program in this process want it. */
  parley(which: number): TestParley
  stop(): Promise<void>
}

/** Gateways on one database and one Redis, all ready. */
export async function startCluster(plan: ClusterPlan): Promise<Cluster> {
  const { nodes: count, redisUrl, environment } = plan
  const folder = temporaryFolder('cluster')
  const database = plan.database ?? (await createTestDatabase('PostgreSQL'))
  const shared = {
    DATABASE_URL: (database.connection as { url: string }).url,
    DATABASE_POOL_SIZE: '5',
    PARLEY_SECRET: testSecret,
    ...unlimited,
    COMMANDS_PER_SECOND: '1000',
    ...environment,
  }
  const nodes = await Promise.all(
    Array.from({ length: count }, (_, at) =>
      createNode({
        ...{ name: `node-${at + 1}`, folder: folder.path },
        environment: { ...shared, REDIS_URL: redisUrl?.(at) ?? inject('services').redis?.url ?? '' },
      }),
    ),
  )
  const stop = async () => {
    await Promise.all(nodes.map(node => node.stop()))
    await database.drop()
    folder.remove()
  }
  try {
    await Promise.all(nodes.map(node => node.start()))
  } catch (error) {
    await stop()
    throw error
  }
  return {
    nodes,
    database,
    parley: which => ({
      ...{ url: nodes[which]?.url ?? '', publicUrl: '', demo: undefined },
      ...{ owner: database.owner, dataFolder: folder.path },
      stop: async () => undefined,
      remove: async () => undefined,
    }),
    stop,
  }
}

/** A number among what a node says of itself; of a histogram, with `_count`. */
export async function metricOf(cluster: Cluster, which: number, name: string): Promise<number> {
  const answer = await fetch(`${cluster.nodes[which]?.url}/metrics`)
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(await answer.text())?.[1])
}

/** What a node says of its bus. */
export const busUp = async (cluster: Cluster, which: number): Promise<boolean> =>
  (await metricOf(cluster, which, 'parley_bus_up')) === 1

export const busIsUp = (cluster: Cluster, which: number, withinMs = 20_000): Promise<void> =>
  eventually(`the bus of node ${which} is up`, () => busUp(cluster, which), withinMs)
