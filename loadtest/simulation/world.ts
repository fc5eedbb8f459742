import { join } from 'node:path'
import pg from 'pg'
import { createNode, type GatewayNode } from '../../tests/support/nodes.ts'
import type { Person, Workspace } from '../../tests/support/people.ts'
import { quickMember, quickWorkspace } from '../../tests/support/quickPeople.ts'
import { temporaryFolder } from '../../tests/support/services/process.ts'
import { newWidget, type Visit, visit } from '../../tests/support/sockets.ts'
import { testSecret } from '../../tests/support/testSecret.ts'
import type { StoredConversation, StoredMessage } from './history.ts'
import { readConversations, readRows } from './rows.ts'

/** The servers that gateways stand on; what cannot be damaged is left whole. */
export interface Ground {
  readonly databaseUrl: string
  readonly redisUrl: string
  readonly crashDatabase?: () => Promise<void>
  readonly redis?: {
    down(): Promise<void>
    up(): Promise<void>
    signal(signal: 'SIGSTOP' | 'SIGCONT'): void
  }
}

/** Gateways as real processes, and the people who will use them. */
export interface World {
  readonly nodes: readonly GatewayNode[]
  readonly ground: Ground
  readonly workspace: Workspace
  readonly visits: readonly Visit[]
  readonly members: readonly (Person & { memberId: string })[]
  visitAgain(visiting: Visit): Promise<Visit>
  /** A node that takes connections, if there is one; otherwise one that will. */
  anyNode(): GatewayNode
  /** What is stored, all of one moment. */
  rows(): Promise<{ stored: StoredMessage[]; conversations: StoredConversation[] }>
  heads(): Promise<Map<string, StoredConversation>>
  stop(): Promise<void>
}

export interface WorldPlan {
  readonly ground: Ground
  readonly nodes: number
  readonly visitors: number
  readonly members: number
  /** Where the program is that the nodes run; our own unless it is said. */
  readonly root?: string | undefined
}

export async function openWorld(plan: WorldPlan): Promise<World> {
  const folder = temporaryFolder('simulation')
  const owner = new pg.Pool({ connectionString: plan.ground.databaseUrl, max: 2 })
  // The database is crashed on purpose; the queries that suffer fail by themselves.
  owner.on('error', () => undefined)
  const nodes = await Promise.all(
    Array.from({ length: plan.nodes }, (_, at) => planNode(plan, folder.path, `node-${at + 1}`)),
  )
  const stop = async () => {
    await Promise.all(nodes.map(node => node.kill()))
    await owner.end()
    folder.remove()
  }
  try {
    await Promise.all(nodes.map(node => node.start()))
    const people = await settle(plan, nodes[0]?.url ?? '', owner)
    let turn = 0
    const anyNode = () => {
      const running = nodes.filter(node => node.running)
      const list = running.length > 0 ? running : nodes
      return list[turn++ % list.length] as GatewayNode
    }
    return {
      ...{ nodes, ground: plan.ground, anyNode, stop, ...people },
      visitAgain: ({ widgetKey, resume }) => visit(anyNode().url, widgetKey, resume),
      rows: () => readRows(owner),
      heads: async () => new Map((await readConversations(owner)).map(row => [row.id, row])),
    }
  } catch (error) {
    await stop()
    throw error
  }
}

const planNode = ({ ground, root }: WorldPlan, folder: string, name: string) =>
  createNode({
    ...{ name, folder: join(folder), root },
    environment: {
      DATABASE_URL: ground.databaseUrl,
      DATABASE_POOL_SIZE: '6',
      REDIS_URL: ground.redisUrl,
      PARLEY_SECRET: testSecret,
      REQUESTS_PER_MINUTE: '1000000',
      SIGN_INS_PER_MINUTE: '1000000',
      COMMANDS_PER_SECOND: '1000',
      CONNECTIONS_PER_ADDRESS: '100000',
      LOG_LEVEL: 'error',
    },
  })

async function settle(plan: WorldPlan, url: string, owner: pg.Pool) {
  const parley = { url, owner }
  const workspace = await quickWorkspace(parley)
  const { publicKey } = await newWidget(workspace)
  const visits: Visit[] = []
  for (let at = 0; at < plan.visitors; at++) visits.push(await visit(url, publicKey))
  const members: (Person & { memberId: string })[] = []
  for (let at = 0; at < plan.members; at++)
    members.push(await quickMember(parley, workspace, 'support_agent'))
  return { workspace, visits, members }
}
